-- A file of layout 1, as the version that made such files left it: one user in one group, found by key, and one
-- who is dormant.
CREATE TABLE scim_resource (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    dormant INTEGER NOT NULL DEFAULT 0,
    label TEXT,
    UNIQUE (tenant, kind, id)
) STRICT;
CREATE INDEX scim_resource_order ON scim_resource (tenant, kind, seq);
CREATE TABLE scim_document (
    seq INTEGER PRIMARY KEY,
    doc TEXT NOT NULL
) STRICT;
CREATE TABLE scim_key (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    attr TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, attr, key, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_key_seq ON scim_key (seq);
CREATE TABLE scim_unique (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    attr TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, attr, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_unique_seq ON scim_unique (seq);
CREATE TABLE scim_claim (
    tenant TEXT NOT NULL,
    space TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, space, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_claim_seq ON scim_claim (seq);
CREATE TABLE scim_link (
    owner INTEGER NOT NULL,
    relation TEXT NOT NULL,
    target INTEGER NOT NULL,
    display TEXT,
    PRIMARY KEY (owner, relation, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_link_back ON scim_link (target, relation, owner);
CREATE TABLE scim_count (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO scim_resource (seq, tenant, kind, id, version, created, modified, label) VALUES
    (1, 'octo', 'User', 'u1', 1, 1700000000000, 1700000000000, 'u1'),
    (2, 'octo', 'Group', 'g1', 3, 1700000000000, 1700000000500, 'g1');
INSERT INTO scim_resource (seq, tenant, kind, id, version, created, modified, dormant, label) VALUES
    (3, 'octo', 'User', 'u0', 2, 1700000000000, 1700000000100, 1, 'u0');
INSERT INTO scim_document (seq, doc) VALUES
    (3, '{"active":true,"displayName":"u0","userName":"u0"}'),
    (1, '{"active":true,"displayName":"u1","emails":[{"value":"u1@example.com"}],"userName":"bjensen"}'),
    (2, '{"displayName":"g1"}');
INSERT INTO scim_key (tenant, kind, attr, key, seq) VALUES
    ('octo', 'User', 'active', 'true', 1),
    ('octo', 'User', 'displayName', 'u1', 1),
    ('octo', 'User', 'emails.value', 'u1@example.com', 1),
    ('octo', 'User', 'userName', 'bjensen', 1),
    ('octo', 'Group', 'displayName', 'g1', 2);
INSERT INTO scim_unique (tenant, kind, attr, key, seq) VALUES ('octo', 'User', 'userName', 'bjensen', 1);
INSERT INTO scim_claim (tenant, space, key, seq) VALUES ('octo', 'handle', 'bjensen', 1);
INSERT INTO scim_link (owner, relation, target) VALUES (2, 'members', 1), (2, 'members', 3);
INSERT INTO scim_count (tenant, kind, n) VALUES ('octo', 'User', 2), ('octo', 'Group', 1);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
