-- The tables of a file. A row belongs to one tenant; links lead from row to row.

-- One row for each resource, narrow: what links and orders ask for. `seq` is the order of creation.
CREATE TABLE scim_resource (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,                 -- the name of its type
    id TEXT NOT NULL,
    dormant INTEGER NOT NULL DEFAULT 0, -- links to it are hidden
    label TEXT,                         -- what links to it show
    UNIQUE (id, kind, tenant)           -- ids differ, so the first comparison decides
) STRICT;
CREATE INDEX scim_resource_order ON scim_resource (tenant, kind, seq);

-- All that an answer says of a resource beside its links, so that reading one touches no narrow row, and changing one
-- writes none unless its name changes.
CREATE TABLE scim_document (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,           -- milliseconds since 1970
    modified INTEGER NOT NULL,
    dormant INTEGER NOT NULL DEFAULT 0,
    doc TEXT NOT NULL,                  -- JSON
    definition INTEGER NOT NULL,        -- the fingerprint of the type that it was written under
    checksum INTEGER NOT NULL           -- XXH3-64 of `doc`, seeded with `seq`
) STRICT;

-- A number for an attribute of a tenant's type, so that a key row is hardly more than its key.
CREATE TABLE scim_attr (
    attr INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (tenant, kind, path)
) STRICT;

-- The folded values of indexed and unique attributes. Before it writes a unique one, the writer looks for an equal one.
CREATE TABLE scim_key (
    attr INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (attr, key, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_key_seq ON scim_key (seq);

-- What the keys of each tenant's types were made of.
CREATE TABLE scim_indexed (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    attrs TEXT NOT NULL,
    PRIMARY KEY (tenant, kind)
) STRICT, WITHOUT ROWID;

-- Names that one resource holds beside its unique attributes.
CREATE TABLE scim_claim (
    tenant TEXT NOT NULL,
    space TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, space, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_claim_seq ON scim_claim (seq);

-- `owner` names `target` in a relation.
CREATE TABLE scim_link (
    owner INTEGER NOT NULL,
    relation TEXT NOT NULL,
    target INTEGER NOT NULL,
    display TEXT,                       -- what a client gave the link
    PRIMARY KEY (owner, relation, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_link_back ON scim_link (target, relation, owner);

-- How many resources of a type there are.
CREATE TABLE scim_count (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind)
) STRICT, WITHOUT ROWID;

-- How many of them there are in each block of 1,024 rows, so that the page at any depth is found without counting all
-- before it.
CREATE TABLE scim_rank (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    block INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, block)
) STRICT, WITHOUT ROWID;

-- The change feed. Its numbers never fall, because the newest row of each tenant always stays.
CREATE TABLE scim_change (
    seq INTEGER PRIMARY KEY,            -- among the changes of all tenants
    tenant TEXT NOT NULL,
    number INTEGER NOT NULL,            -- among those of the tenant, without gaps
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    external_id TEXT,
    what INTEGER NOT NULL,              -- 0 created, 1 updated, 2 deleted
    version INTEGER NOT NULL,
    moment INTEGER NOT NULL,
    cause TEXT NOT NULL,                -- JSON: principal, request, operation
    paths TEXT,                         -- JSON: the attributes that an update changed
    activation INTEGER,                 -- the new value of `active`, if it changed
    links TEXT,                         -- JSON: added, removed, how many more
    UNIQUE (tenant, number)
) STRICT;

-- One row. Numbers of changes begin after `base`, and `swept` is the last `seq` up to which old changes were deleted.
CREATE TABLE scim_feed (
    base INTEGER NOT NULL,
    swept INTEGER NOT NULL
) STRICT;
INSERT INTO scim_feed (base, swept) VALUES (0, 0);

-- Records, in their streams. In a stream, a greater `seq` never has an earlier moment.
CREATE TABLE scim_record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    stream TEXT NOT NULL,
    moment INTEGER NOT NULL,            -- milliseconds since 1970
    cause TEXT NOT NULL,                -- as in `scim_change`
    doc TEXT NOT NULL,                  -- JSON
    definition INTEGER NOT NULL,        -- as in `scim_document`
    checksum INTEGER NOT NULL           -- XXH3-64 of `doc`, seeded with `moment`
) STRICT;
CREATE INDEX scim_record_moment ON scim_record (tenant, stream, moment, seq);

-- The moment of the newest record of each stream when it was last pruned. No later record has an earlier one.
CREATE TABLE scim_pruned (
    tenant TEXT NOT NULL,
    stream TEXT NOT NULL,
    moment INTEGER NOT NULL,
    PRIMARY KEY (tenant, stream)
) STRICT, WITHOUT ROWID;

-- What must outlive a restart and be known to nobody else.
CREATE TABLE scim_secret (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
