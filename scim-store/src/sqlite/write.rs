//! The write path on SQLite.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params};
use scim_core::{Resource, ResourceType, Timestamp, Work};
use scim_server_traits::{Batch, Claim, Key, Record, Written};

use super::checksum::{self, Whose};
use super::fault::Fault;
use super::keys::{self, Keys, Made};
use super::{cause, feed, rank, record, relations};
use crate::keys::attributes;
use crate::tables::{Changed, Content, Differences, Head, Member, Owner, Seq, Tables};
use crate::write::write_all;

/// Carries out a batch within the open transaction.
pub(super) fn batch(
    connection: &Connection,
    tenant: &str,
    (batch, work): (Batch, &Work),
    kept_changes: u64,
    keys: &Keys,
    named: &mut Vec<Seq>,
) -> Result<Vec<Written>, Fault> {
    let Batch { now, cause, writes, records, .. } = batch;
    let cause = cause::text(&cause);
    let mut rows = Rows::new((connection, tenant, &cause), kept_changes, keys, named);
    let written = write_all(&mut rows, now, (writes, records), work)?;
    rows.count_all()?;
    Ok(written)
}

/// The rows of one tenant, while one batch changes them.
pub(super) struct Rows<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    /// The cause of the batch, as it is stored.
    cause: &'a str,
    kept_changes: u64,
    /// The types whose keys are known to fit.
    fitting: &'a Keys,
    /// The types of this batch whose keys fit, according to the file.
    checked: Vec<Arc<ResourceType>>,
    /// The types that have no keys yet.
    without_keys: Vec<Arc<ResourceType>>,
    /// The resources whose name has changed.
    named: &'a mut Vec<Seq>,
    /// The numbers of the attributes of each type met so far.
    attrs: BTreeMap<String, BTreeMap<String, i64>>,
    /// How many resources were added, by type and block of rows. They are counted at the end of the batch, because a
    /// large one changes the same counts again and again.
    counts: BTreeMap<(String, i64), i64>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        (connection, tenant, cause): (&'a Connection, &'a str, &'a str),
        kept_changes: u64,
        fitting: &'a Keys,
        named: &'a mut Vec<Seq>,
    ) -> Self {
        let (checked, without_keys) = (Vec::new(), Vec::new());
        let (attrs, counts) = (BTreeMap::new(), BTreeMap::new());
        Self { connection, tenant, cause, kept_changes, fitting, checked, without_keys, named, attrs, counts }
    }

    fn sql(&self, sql: &str) -> Result<CachedStatement<'a>, Fault> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Records what the first keys of a type are made of.
    fn begin_keys(&mut self, kind: &str) -> Result<(), Fault> {
        if let Some(at) = self.without_keys.iter().position(|resource_type| resource_type.name() == kind) {
            let resource_type = self.without_keys.swap_remove(at);
            keys::set_made_of(self.connection, self.tenant, kind, &attributes(&resource_type))?;
            self.checked.push(resource_type);
        }
        Ok(())
    }

    /// Runs a statement. Returns how many rows changed.
    fn run(&self, sql: &str, params: impl Params) -> Result<usize, Fault> {
        Ok(self.sql(sql)?.execute(params)?)
    }

    fn seq(&self, sql: &str, params: impl Params) -> Result<Option<Seq>, Fault> {
        Ok(self.sql(sql)?.query_row(params, |row| row.get(0)).optional()?)
    }

    /// Adds keys that the resource does not have yet.
    fn add_keys<'k>(
        &mut self,
        kind: &str,
        seq: Seq,
        keys: impl IntoIterator<Item = &'k Key>,
    ) -> Result<(), Fault> {
        let mut attrs = match self.attrs.remove(kind) {
            Some(attrs) => attrs,
            None => self.attrs(kind)?,
        };
        for Key { attribute, key } in keys {
            let attr = match attrs.get(attribute) {
                Some(attr) => *attr,
                None => {
                    let attr = self.number(kind, attribute)?;
                    attrs.insert(attribute.clone(), attr);
                    attr
                }
            };
            let sql = "INSERT INTO scim_key (attr, key, seq) VALUES (?1, ?2, ?3)";
            self.run(sql, params![attr, key, seq])?;
        }
        self.attrs.insert(kind.to_owned(), attrs);
        Ok(())
    }

    /// Returns the numbers that attributes of the type have so far.
    fn attrs(&self, kind: &str) -> Result<BTreeMap<String, i64>, Fault> {
        let sql = "SELECT path, attr FROM scim_attr WHERE tenant = ?1 AND kind = ?2";
        let numbered = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.sql(sql)?.query_map([self.tenant, kind], numbered)?.collect::<Result<_, _>>()?)
    }

    /// Gives a number to an attribute that has none yet.
    fn number(&self, kind: &str, path: &str) -> Result<i64, Fault> {
        let sql = "INSERT INTO scim_attr (tenant, kind, path) VALUES (?1, ?2, ?3) RETURNING attr";
        Ok(self.sql(sql)?.query_row([self.tenant, kind, path], |row| row.get(0))?)
    }

    /// Sets the keys of the resource. Rows that stay are not written.
    pub(super) fn set_keys(&mut self, kind: &str, seq: Seq, keys: &[Key]) -> Result<(), Fault> {
        let sql = "SELECT a.path, k.key, k.attr FROM scim_key k INDEXED BY scim_key_seq
            CROSS JOIN scim_attr a ON a.attr = k.attr WHERE k.seq = ?1";
        let key = |row: &Row<'_>| Ok((Key { attribute: row.get(0)?, key: row.get(1)? }, row.get(2)?));
        let before: BTreeMap<Key, i64> = self.sql(sql)?.query_map([seq], key)?.collect::<Result<_, _>>()?;
        for (key, attr) in before.iter().filter(|(key, _)| keys.binary_search(key).is_err()) {
            let sql = "DELETE FROM scim_key WHERE attr = ?1 AND key = ?2 AND seq = ?3";
            self.run(sql, params![attr, key.key, seq])?;
        }
        let mut new = keys.iter().filter(|key| !before.contains_key(key)).peekable();
        if new.peek().is_some() { self.add_keys(kind, seq, new) } else { Ok(()) }
    }

    fn count(&mut self, kind: &str, seq: Seq, by: i64) {
        *self.counts.entry((kind.to_owned(), rank::block(seq))).or_default() += by;
    }

    /// Writes down how many resources were added and removed.
    fn count_all(self) -> Result<(), Fault> {
        for ((kind, block), by) in self.counts.iter().filter(|(_, by)| **by != 0) {
            rank::count(self.connection, self.tenant, kind, *block, *by)?;
            let sql = "INSERT INTO scim_count (tenant, kind, n) VALUES (?1, ?2, ?3)
                ON CONFLICT DO UPDATE SET n = n + ?3";
            self.run(sql, params![self.tenant, kind, by])?;
        }
        Ok(())
    }
}

fn text(resource: &Resource) -> Result<String, Fault> {
    Ok(serde_json::to_string(resource.as_map())?)
}

/// Reads a head from the columns `seq, version, created, modified, dormant`.
fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head {
        seq: row.get(0)?,
        version: row.get::<_, i64>(1)?.cast_unsigned(),
        created: Timestamp::from_millis(row.get(2)?),
        modified: Timestamp::from_millis(row.get(3)?),
        dormant: row.get(4)?,
    })
}

/// Reads a member from the columns `seq, id, kind, label`.
fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member { seq: row.get(0)?, id: row.get(1)?, kind: row.get(2)?, label: row.get(3)? })
}

impl Tables for Rows<'_> {
    type Fault = Fault;

    fn check_keys(&mut self, resource_type: &Arc<ResourceType>) -> Result<(), Fault> {
        let is_known = |known: &Arc<ResourceType>| Arc::ptr_eq(known, resource_type);
        let seen = || self.checked.iter().chain(&self.without_keys).any(is_known);
        if self.fitting.fit(self.tenant, resource_type) || seen() {
            return Ok(());
        }
        match keys::check(self.connection, self.tenant, resource_type)? {
            Made::Fitting => self.checked.push(Arc::clone(resource_type)),
            Made::NotYet => self.without_keys.push(Arc::clone(resource_type)),
        }
        Ok(())
    }

    fn find(&self, kind: &str, id: &str) -> Result<Option<Head>, Fault> {
        let sql = "SELECT d.seq, d.version, d.created, d.modified, d.dormant
            FROM scim_resource r CROSS JOIN scim_document d ON d.seq = r.seq
            WHERE r.tenant = ?1 AND r.kind = ?2 AND r.id = ?3";
        Ok(self.sql(sql)?.query_row([self.tenant, kind, id], head).optional()?)
    }

    fn place(&self, kind: &str, id: &str) -> Result<Option<Seq>, Fault> {
        relations::find(self.connection, self.tenant, kind, id)
    }

    fn differences(&self, seq: Seq, resource: &Resource) -> Result<Option<Differences>, Fault> {
        let sql = "SELECT doc, checksum FROM scim_document WHERE seq = ?1";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (stored, sum): (String, _) = self.sql(sql)?.query_row([seq], read)?;
        if !checksum::holds(seq, &stored, sum) {
            let sql = "SELECT kind, id FROM scim_resource WHERE seq = ?1";
            let (kind, id): (String, String) =
                self.sql(sql)?.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
            return Err(Whose { tenant: self.tenant, kind: &kind, id: &id }.altered());
        }
        if stored == text(resource)? {
            return Ok(None);
        }
        // A document stays the same if only the order of its members differs.
        let stored = Resource::from_canonical(serde_json::from_str(&stored)?);
        Ok((stored != *resource).then(|| Differences::between(&stored, resource)))
    }

    fn external_id(&self, seq: Seq) -> Result<Option<String>, Fault> {
        // A document that was altered on the disk may be no JSON.
        let sql = "SELECT CASE WHEN json_valid(doc) THEN doc ->> '$.externalId' END FROM scim_document WHERE seq = ?1";
        let text = |row: &Row<'_>| Ok(row.get_ref(0)?.as_str().ok().map(str::to_owned));
        Ok(self.sql(sql)?.query_row([seq], text)?)
    }

    fn unique_holder(&self, kind: &str, key: &Key, own: Option<Seq>) -> Result<Option<Seq>, Fault> {
        let sql = "SELECT seq FROM scim_key
            WHERE attr = (SELECT attr FROM scim_attr WHERE tenant = ?1 AND kind = ?2 AND path = ?3)
            AND key = ?4 AND seq IS NOT ?5 ORDER BY seq LIMIT 1";
        self.seq(sql, params![self.tenant, kind, key.attribute, key.key, own])
    }

    fn claim_holder(&self, claim: &Claim) -> Result<Option<Seq>, Fault> {
        let sql = "SELECT seq FROM scim_claim WHERE tenant = ?1 AND space = ?2 AND key = ?3";
        self.seq(sql, [self.tenant, &claim.space, &claim.key])
    }

    fn members(&self, relation: &str, owner: Seq) -> Result<Vec<Member>, Fault> {
        let sql = "SELECT t.seq, t.id, t.kind, coalesce(l.display, t.label)
            FROM scim_link l CROSS JOIN scim_resource t ON t.seq = l.target
            WHERE l.owner = ?1 AND l.relation = ?2 ORDER BY l.target";
        let members =
            self.sql(sql)?.query_map(params![owner, relation], member)?.collect::<Result<_, _>>()?;
        Ok(members)
    }

    fn links(&self, owner: Seq) -> Result<Vec<(String, Member)>, Fault> {
        let sql = "SELECT t.seq, t.id, t.kind, coalesce(l.display, t.label), l.relation
            FROM scim_link l CROSS JOIN scim_resource t ON t.seq = l.target
            WHERE l.owner = ?1 ORDER BY l.relation, l.target";
        let link = |row: &Row<'_>| Ok((row.get(4)?, member(row)?));
        let links = self.sql(sql)?.query_map([owner], link)?.collect::<Result<_, _>>()?;
        Ok(links)
    }

    fn owners(&self, target: Seq) -> Result<Vec<Owner>, Fault> {
        let sql = "SELECT d.seq, d.version, d.created, d.modified, d.dormant, l.relation, r.id, r.kind
            FROM scim_link l CROSS JOIN scim_resource r ON r.seq = l.owner
            CROSS JOIN scim_document d ON d.seq = l.owner
            WHERE l.target = ?1 ORDER BY l.owner";
        let owner = |row: &Row<'_>| {
            Ok(Owner { relation: row.get(5)?, head: head(row)?, id: row.get(6)?, kind: row.get(7)? })
        };
        let owners = self.sql(sql)?.query_map([target], owner)?.collect::<Result<_, _>>()?;
        Ok(owners)
    }

    fn insert(&mut self, kind: &str, id: &str, now: Timestamp, content: Content) -> Result<Seq, Fault> {
        self.begin_keys(kind)?;
        let sql = "INSERT INTO scim_resource (tenant, kind, id, label) VALUES (?1, ?2, ?3, ?4)";
        self.run(sql, params![self.tenant, kind, id, content.label])?;
        let seq = self.connection.last_insert_rowid();
        let document = text(&content.resource)?;
        let sql = "INSERT INTO scim_document (seq, id, version, created, modified, doc, definition, checksum)
            VALUES (?1, ?2, 1, ?3, ?3, ?4, ?5, ?6)";
        let (definition, sum) = (content.definition.cast_signed(), checksum::of(seq, &document));
        self.run(sql, params![seq, id, now.as_millis(), document, definition, sum])?;
        self.add_keys(kind, seq, &content.keys)?;
        self.count(kind, seq, 1);
        Ok(seq)
    }

    fn replace(&mut self, kind: &str, seq: Seq, content: Content) -> Result<(), Fault> {
        let document = text(&content.resource)?;
        let sql = "UPDATE scim_document SET doc = ?2, definition = ?3, checksum = ?4 WHERE seq = ?1";
        let (definition, sum) = (content.definition.cast_signed(), checksum::of(seq, &document));
        self.run(sql, params![seq, document, definition, sum])?;
        let sql = "UPDATE scim_resource SET label = ?2 WHERE seq = ?1 AND label IS NOT ?2";
        if self.run(sql, params![seq, content.label])? > 0 {
            self.named.push(seq);
        }
        self.set_keys(kind, seq, &content.keys)
    }

    fn touch(&mut self, seq: Seq, version: u64, modified: Timestamp) -> Result<(), Fault> {
        let sql = "UPDATE scim_document SET version = ?2, modified = ?3 WHERE seq = ?1";
        self.run(sql, params![seq, version.cast_signed(), modified.as_millis()]).map(drop)
    }

    fn set_dormant(&mut self, seq: Seq, dormant: bool) -> Result<(), Fault> {
        self.run("UPDATE scim_resource SET dormant = ?2 WHERE seq = ?1", params![seq, dormant])?;
        self.run("UPDATE scim_document SET dormant = ?2 WHERE seq = ?1", params![seq, dormant]).map(drop)
    }

    fn set_claims(&mut self, seq: Seq, claims: &[Claim]) -> Result<(), Fault> {
        let claim = |row: &Row<'_>| Ok(Claim { space: row.get(0)?, key: row.get(1)? });
        let mut select = self.sql("SELECT space, key FROM scim_claim WHERE seq = ?1")?;
        let before: BTreeSet<Claim> = select.query_map([seq], claim)?.collect::<Result<_, _>>()?;
        for claim in before.iter().filter(|claim| claims.binary_search(claim).is_err()) {
            let sql = "DELETE FROM scim_claim WHERE tenant = ?1 AND space = ?2 AND key = ?3";
            self.run(sql, [self.tenant, &claim.space, &claim.key])?;
        }
        for claim in claims.iter().filter(|claim| !before.contains(claim)) {
            let sql = "INSERT INTO scim_claim (tenant, space, key, seq) VALUES (?1, ?2, ?3, ?4)";
            self.run(sql, params![self.tenant, claim.space, claim.key, seq])?;
        }
        Ok(())
    }

    fn link(
        &mut self,
        relation: &str,
        owner: Seq,
        target: Seq,
        display: Option<&str>,
    ) -> Result<bool, Fault> {
        let sql = "INSERT INTO scim_link (owner, relation, target, display) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO NOTHING";
        Ok(self.run(sql, params![owner, relation, target, display])? > 0)
    }

    fn unlink(&mut self, relation: &str, owner: Seq, target: Seq) -> Result<bool, Fault> {
        let sql = "DELETE FROM scim_link WHERE owner = ?1 AND relation = ?2 AND target = ?3";
        Ok(self.run(sql, params![owner, relation, target])? > 0)
    }

    fn remove(&mut self, kind: &str, seq: Seq) -> Result<(), Fault> {
        for sql in [
            "DELETE FROM scim_link WHERE owner = ?1",
            "DELETE FROM scim_link WHERE target = ?1",
            "DELETE FROM scim_key WHERE seq = ?1",
            "DELETE FROM scim_claim WHERE seq = ?1",
            "DELETE FROM scim_document WHERE seq = ?1",
            "DELETE FROM scim_resource WHERE seq = ?1",
        ] {
            self.run(sql, [seq])?;
        }
        self.count(kind, seq, -1);
        Ok(())
    }

    fn note(&mut self, changed: Changed<'_>) -> Result<(), Fault> {
        feed::append(self.connection, self.tenant, self.cause, &changed, self.kept_changes)
    }

    fn record(&mut self, now: Timestamp, record: Record) -> Result<(), Fault> {
        record::append(self.connection, self.tenant, self.cause, now, &record)
    }
}
