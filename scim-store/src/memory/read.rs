//! Reads one tenant's memory.

use std::borrow::Cow;
use std::cell::Cell;

use imbl::OrdSet;
use scim_core::{Relation, Resource, ResourceType, Side, Work};
use scim_filter::{BoundFilter, Entry, Narrow, Relations};
use scim_server_traits::{
    EntityTag, Get, Link, Match, Page, Position, Query, Seek, SortBy, StoreError, Stored,
};

use super::narrow::Candidates;
use super::tables::REMEDY;
use super::tenant::{Row, Tenant};
use super::ticks::Ticks;
use crate::keys::stale;
use crate::scan::ScanWork;
use crate::tables::Seq;

/// The steps it costs to pass a resource or a link.
const PASSED: u64 = 10;

pub(super) fn get(tenant: &Tenant, get: &Get, work: &Work) -> Result<Option<Stored>, StoreError> {
    let Some((seq, row)) = tenant.find(get.resource_type.name(), &get.id) else { return Ok(None) };
    let ticks = Ticks::new(work);
    tick_document(row, &ticks)?;
    let document = fitting(row, &get.resource_type, get.keeps_unknown).into_owned();
    Ok(Some(stored(tenant, &get.resource_type, &get.relations, (seq, row), document, &ticks)?))
}

/// Runs a query. `work` is charged for finding the resources, `page_work` for returning those of the page.
pub(super) fn query(
    tenant: &Tenant,
    query: &Query,
    work: &Work,
    page_work: &Work,
) -> Result<Page, StoreError> {
    let kind = tenant.kind(query.resource_type.name()).filter(|kind| !kind.order.is_empty());
    let Some(kind) = kind else { return Ok(Page::default()) };
    if !kind.has_keys_of(&query.resource_type) {
        return Err(stale(&query.resource_type, REMEDY));
    }
    let plan = query.filter.as_ref().map(BoundFilter::plan);
    let narrow = plan.as_ref().map_or(&Narrow::All, |plan| &plan.narrow);
    let of_index = Ticks::of_part(work);
    let candidates = Candidates::find(tenant, kind, &query.resource_type, narrow, &of_index)?;
    let ticks = Ticks::new(work);
    let undecided = query.filter.as_ref().filter(|_| plan.as_ref().is_some_and(|plan| !plan.exact));
    let indexed = query.sort.by.indexed(&query.resource_type);
    let all = matches!(candidates, Candidates::All(_));
    let (total, positions) = match (undecided, &query.sort.by, &indexed) {
        (None, SortBy::Creation, _) => {
            let from = query.seek.position().map(|at| at.place);
            let walk = candidates.walk(query.walks_down(), from).map(|seq| Position::new(None, seq));
            (candidates.len() as u64, page(query, walk, &ticks)?)
        }
        (None, _, Some(attribute)) if all => {
            let walk = kind.walk(attribute, query.walks_down(), query.seek.position());
            let none = kind.keys.get(attribute).map_or(0, OrdSet::len) == candidates.len();
            let missing = Missing {
                tenant,
                candidates: &candidates,
                attribute,
                none,
                ticks: &ticks,
                seen: Cell::new(0),
            };
            let page = page(query, missing.joined(walk, query), &ticks)?;
            within(query, missing.seen.get())?;
            (candidates.len() as u64, page)
        }
        _ => matching(tenant, query, undecided, &candidates, work)?,
    };
    let ticks = Ticks::new(page_work);
    let mut matches = Vec::with_capacity(positions.len());
    for position in positions {
        let Some(row) = tenant.row(position.place) else { continue };
        let of = (position.place, &**row);
        tick_document(row, &ticks)?;
        let document = fitting(row, &query.resource_type, query.keeps_unknown).into_owned();
        let stored = stored(tenant, &query.resource_type, &query.relations, of, document, &ticks)?;
        matches.push(Match::new(position, stored));
    }
    Ok(Page::new(total, matches))
}

/// Charges the copy of a document, which may be large.
fn tick_document(row: &Row, ticks: &Ticks) -> Result<(), StoreError> {
    ticks.tick(PASSED + row.content.resource.weight() as u64 / 16);
    Ok(ticks.check()?)
}

/// Refuses the query if it may not scan this many resources.
fn within(query: &Query, count: usize) -> Result<(), StoreError> {
    let limit = query.scan_limit;
    if count as u64 > limit { Err(StoreError::TooMany { limit }) } else { Ok(()) }
}

/// Takes the page from a walk that begins where the query seeks.
fn page(
    query: &Query,
    walk: impl Iterator<Item = Position>,
    ticks: &Ticks,
) -> Result<Vec<Position>, StoreError> {
    let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let walk = walk.take_while(|_| ticks.tick(PASSED));
    let mut page: Vec<_> = walk.skip(count(query.offset)).take(count(query.limit)).collect();
    ticks.check()?;
    if matches!(query.seek, Seek::Before(_)) {
        page.reverse();
    }
    Ok(page)
}

/// The resources that have no value of an attribute.
struct Missing<'a> {
    tenant: &'a Tenant,
    candidates: &'a Candidates<'a>,
    attribute: &'a str,
    /// Whether there are no such resources, according to the index.
    none: bool,
    ticks: &'a Ticks,
    /// How many resources were checked.
    seen: Cell<usize>,
}

impl<'a> Missing<'a> {
    /// Joins a walk along the keys with the resources that have none, at the end where they belong.
    fn joined(
        &'a self,
        keys: impl Iterator<Item = Position> + 'a,
        query: &Query,
    ) -> Box<dyn Iterator<Item = Position> + 'a> {
        let down = query.walks_down();
        let from = query.seek.position().filter(|at| at.key.is_none()).map(|at| at.place);
        let all = if self.none { 0 } else { usize::MAX };
        let missing = move |from| {
            let walk = self.candidates.walk(down, from).take(all);
            walk.take_while(|_| self.ticks.tick(PASSED)).filter(|seq| self.lacks(*seq))
        };
        let missing = move |from| missing(from).map(|seq| Position::new(None, seq));
        match (query.seek.position(), down) {
            (Some(at), true) if at.key.is_some() => Box::new(keys),
            (_, true) => Box::new(missing(from).chain(keys)),
            (_, false) => Box::new(keys.chain(missing(from))),
        }
    }

    fn lacks(&self, seq: Seq) -> bool {
        self.seen.set(self.seen.get() + 1);
        let row = self.tenant.row(seq);
        row.is_some_and(|row| !row.content.keys.iter().any(|key| key.attribute == self.attribute))
    }
}

/// Returns the document without what does not fit the type.
fn fitting<'a>(row: &'a Row, resource_type: &ResourceType, keeps_unknown: bool) -> Cow<'a, Resource> {
    let mut document = Cow::Borrowed(&row.content.resource);
    if row.content.definition != resource_type.fingerprint() {
        resource_type.fit(document.to_mut(), keeps_unknown);
    }
    document
}

/// Evaluates each candidate. Returns the number of matches and the page.
fn matching(
    tenant: &Tenant,
    query: &Query,
    undecided: Option<&BoundFilter>,
    candidates: &Candidates<'_>,
    work: &Work,
) -> Result<(u64, Vec<Position>), StoreError> {
    within(query, candidates.len())?;
    let mut scan = ScanWork::new(work, candidates.len())?;
    let view = View { tenant, resource_type: &query.resource_type, seq: Cell::new(0) };
    let mut positions = Vec::new();
    for seq in candidates.walk(false, None) {
        let Some(row) = tenant.row(seq) else { continue };
        view.seq.set(seq);
        let resource = &*fitting(row, &query.resource_type, query.keeps_unknown);
        let entry = Entry {
            id: &row.id,
            created: row.created,
            modified: row.modified,
            resource_type: query.resource_type.name(),
            version: &EntityTag(row.version),
            resource,
            relations: &view,
        };
        // Documents in memory are already parsed. Only one from an older definition has to be fitted.
        scan.next(0)?;
        if scan.matches(undecided, &entry)? {
            let key = query.sort.by.key(&row.id, row.version, row.created, row.modified, Some(resource));
            scan.keeps(key.as_deref())?;
            positions.push(Position::new(key, seq));
        }
    }
    Ok((positions.len() as u64, query.page_of(positions)))
}

fn stored(
    tenant: &Tenant,
    resource_type: &ResourceType,
    relations: &[String],
    (seq, row): (Seq, &Row),
    resource: Resource,
    ticks: &Ticks,
) -> Result<Stored, StoreError> {
    ticks.tick(PASSED);
    let mut stored = Stored::new(&*row.id, row.version, row.created, row.modified, resource);
    for name in relations {
        if let Some(relation) = resource_type.relation(name) {
            let ends = ends(tenant, relation, seq).take_while(|_| ticks.tick(PASSED));
            let links = ends.filter_map(|end| {
                let row = tenant.row(end)?;
                let shown = if relation.is_own() { tenant.shown(name, seq, end) } else { None };
                Some(link(row, shown))
            });
            stored.links.insert(name.clone(), links.collect());
        }
    }
    ticks.check()?;
    Ok(stored)
}

fn link(row: &Row, shown: Option<&str>) -> Link {
    let display = shown.map(str::to_owned).or_else(|| row.content.label.clone());
    Link::new(&*row.id, &*row.kind, display)
}

/// Yields the visible other ends of a resource's links, own or reverse, in order of creation.
pub(super) fn ends<'a>(
    tenant: &'a Tenant,
    relation: &'a Relation,
    seq: Seq,
) -> Box<dyn Iterator<Item = Seq> + 'a> {
    match &relation.side {
        Side::Own { .. } => {
            Box::new(tenant.targets(&relation.name, seq).filter(|target| !tenant.is_dormant(*target)))
        }
        Side::Reverse { of, owner } if !tenant.is_dormant(seq) => {
            Box::new(tenant.owners(of, seq).filter(move |seq| tenant.is_of(*seq, owner)))
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// The links of one resource as a filter sees them.
pub(super) struct View<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) resource_type: &'a ResourceType,
    pub(super) seq: Cell<Seq>,
}

impl Relations for View<'_> {
    fn contains(&self, relation: &str, id: &str) -> bool {
        self.resource_type
            .relation(relation)
            .is_some_and(|relation| is_linked(self.tenant, relation, self.seq.get(), id))
    }

    fn any(&self, relation: &str) -> bool {
        let relation = self.resource_type.relation(relation);
        relation.is_some_and(|relation| ends(self.tenant, relation, self.seq.get()).next().is_some())
    }
}

/// Returns whether the resource is visibly linked with `id`.
pub(super) fn is_linked(tenant: &Tenant, relation: &Relation, seq: Seq, id: &str) -> bool {
    match &relation.side {
        Side::Own { targets } => targets.iter().any(|kind| {
            tenant
                .find(kind, id)
                .is_some_and(|(target, row)| !row.dormant && tenant.is_linked(&relation.name, seq, target))
        }),
        Side::Reverse { of, owner } => {
            !tenant.is_dormant(seq)
                && tenant.find(owner, id).is_some_and(|(owner, _)| tenant.is_linked(of, owner, seq))
        }
        _ => false,
    }
}
