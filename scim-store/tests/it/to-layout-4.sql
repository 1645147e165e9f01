-- From the present layout back to layout 4.
ALTER TABLE scim_resource ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scim_resource ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scim_resource ADD COLUMN modified INTEGER NOT NULL DEFAULT 0;
UPDATE scim_resource SET (version, created, modified) =
    (SELECT version, created, modified FROM scim_document d WHERE d.seq = scim_resource.seq);
ALTER TABLE scim_document RENAME TO scim_whole_document;
CREATE TABLE scim_document (
    seq INTEGER PRIMARY KEY,
    doc TEXT NOT NULL
) STRICT;
INSERT INTO scim_document (seq, doc) SELECT seq, doc FROM scim_whole_document;
DROP TABLE scim_whole_document;
DROP TABLE scim_rank;
DROP TABLE scim_indexed;
CREATE TABLE scim_indexed (
    kind TEXT NOT NULL PRIMARY KEY,
    attrs TEXT NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE scim_key RENAME TO scim_narrow_key;
DROP INDEX scim_key_seq;
CREATE TABLE scim_key (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    attr TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, attr, key, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_key_seq ON scim_key (seq);
INSERT INTO scim_key (tenant, kind, attr, key, seq)
    SELECT tenant, kind, path, key, seq FROM scim_narrow_key JOIN scim_attr USING (attr);
CREATE TABLE scim_unique (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    attr TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, attr, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_unique_seq ON scim_unique (seq);
INSERT INTO scim_unique (tenant, kind, attr, key, seq)
    SELECT tenant, kind, attr, key, seq FROM scim_key WHERE attr = 'userName';
DROP TABLE scim_narrow_key;
DROP TABLE scim_attr;
PRAGMA user_version = 4;
