//! Reading one tenant's memory.

use std::cell::Cell;

use scim_core::{Relation, ResourceType, Side};
use scim_filter::{BoundFilter, Entry, Narrow, Relations};
use scim_server_traits::{EntityTag, Get, Link, Page, Query, StoreError, Stored};

use super::narrow::Candidates;
use super::tenant::{Row, Tenant};
use crate::tables::Seq;

pub(super) fn get(tenant: &Tenant, get: &Get) -> Option<Stored> {
    let (seq, row) = tenant.find(get.resource_type.name(), &get.id)?;
    Some(stored(tenant, &get.resource_type, &get.relations, seq, row))
}

pub(super) fn query(tenant: &Tenant, query: &Query) -> Result<Page, StoreError> {
    let Some(kind) = tenant.kind(query.resource_type.name()) else { return Ok(Page::default()) };
    let plan = query.filter.as_ref().map(BoundFilter::plan);
    let narrow = plan.as_ref().map_or(&Narrow::All, |plan| &plan.narrow);
    let candidates = Candidates::find(tenant, kind, &query.resource_type, narrow);
    let undecided = query.filter.as_ref().filter(|_| plan.as_ref().is_some_and(|plan| !plan.exact));
    let (total, seqs) = match undecided {
        None => (candidates.len() as u64, candidates.page(query.offset, query.limit)),
        Some(filter) => matching(tenant, query, filter, &candidates)?,
    };
    let stored = |seq| {
        let row = tenant.row(seq)?;
        Some(stored(tenant, &query.resource_type, &query.relations, seq, row))
    };
    Ok(Page::new(total, seqs.into_iter().filter_map(stored).collect()))
}

fn matching(
    tenant: &Tenant,
    query: &Query,
    filter: &BoundFilter,
    candidates: &Candidates<'_>,
) -> Result<(u64, Vec<Seq>), StoreError> {
    if candidates.len() as u64 > query.scan_limit {
        return Err(StoreError::TooMany { limit: query.scan_limit });
    }
    let view = View { tenant, resource_type: &query.resource_type, seq: Cell::new(0) };
    let (mut total, mut page) = (0, Vec::new());
    for seq in candidates.iter() {
        let Some(row) = tenant.row(seq) else { continue };
        view.seq.set(seq);
        let entry = Entry {
            id: &row.id,
            created: row.created,
            modified: row.modified,
            resource_type: query.resource_type.name(),
            version: &EntityTag(row.version),
            resource: &row.content.resource,
            relations: &view,
        };
        if filter.matches(&entry) {
            if total >= query.offset && (page.len() as u64) < query.limit {
                page.push(seq);
            }
            total += 1;
        }
    }
    Ok((total, page))
}

fn stored(
    tenant: &Tenant,
    resource_type: &ResourceType,
    relations: &[String],
    seq: Seq,
    row: &Row,
) -> Stored {
    let resource = row.content.resource.clone();
    let mut stored = Stored::new(&*row.id, row.version, row.created, row.modified, resource);
    for name in relations {
        if let Some(relation) = resource_type.relation(name) {
            let links = ends(tenant, relation, seq).filter_map(|end| {
                let row = tenant.row(end)?;
                let shown = if relation.is_own() { tenant.shown(name, seq, end) } else { None };
                Some(link(row, shown))
            });
            stored.links.insert(name.clone(), links.collect());
        }
    }
    stored
}

fn link(row: &Row, shown: Option<&str>) -> Link {
    let display = shown.map(str::to_owned).or_else(|| row.content.label.clone());
    Link::new(&*row.id, &*row.kind, display)
}

/// The visible far ends of a resource's links, own or reverse, in order of creation.
fn ends<'a>(tenant: &'a Tenant, relation: &'a Relation, seq: Seq) -> Box<dyn Iterator<Item = Seq> + 'a> {
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

/// Whether the resource is visibly linked with `id`.
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
