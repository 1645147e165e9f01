-- What the application had before it heard of SCIM.
CREATE TABLE users (
    row INTEGER PRIMARY KEY,
    login TEXT NOT NULL,
    full_name TEXT,
    -- NULL as long as nobody has decided.
    enabled INTEGER
);
CREATE TABLE teams (
    row INTEGER PRIMARY KEY,
    title TEXT NOT NULL
);
CREATE TABLE team_users (
    team INTEGER NOT NULL REFERENCES teams (row),
    user INTEGER NOT NULL REFERENCES users (row),
    PRIMARY KEY (team, user)
) WITHOUT ROWID;
