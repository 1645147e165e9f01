-- What SCIM adds: an identifier, a version with its moments, and beside each text the form in which it is compared
-- (no database folds case as SCIM does).
ALTER TABLE users ADD COLUMN scim_id TEXT;
ALTER TABLE users ADD COLUMN external_id TEXT;
ALTER TABLE users ADD COLUMN login_key TEXT;
ALTER TABLE users ADD COLUMN full_name_key TEXT;
ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN modified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN tag TEXT AS ('W/"' || version || '"');
CREATE UNIQUE INDEX users_scim_id ON users (scim_id);
CREATE UNIQUE INDEX users_login_key ON users (login_key);
CREATE INDEX users_full_name_key ON users (full_name_key);

ALTER TABLE teams ADD COLUMN scim_id TEXT;
ALTER TABLE teams ADD COLUMN external_id TEXT;
ALTER TABLE teams ADD COLUMN title_key TEXT;
ALTER TABLE teams ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE teams ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN modified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN tag TEXT AS ('W/"' || version || '"');
CREATE UNIQUE INDEX teams_scim_id ON teams (scim_id);
CREATE INDEX teams_title_key ON teams (title_key);

-- What a client gave a member to show, in place of the user's name.
ALTER TABLE team_users ADD COLUMN display TEXT;
CREATE INDEX team_users_back ON team_users (user, team);
