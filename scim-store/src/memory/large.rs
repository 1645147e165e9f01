//! Tells batches that take long from short ones, before they are carried out.

use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{Batch, Write};

use super::tenant::Tenant;

/// The weight of a batch that is carried out on the caller's thread: about 1 ms.
const SHORT: usize = 1_000;

/// The weight of a document with its keys. That of a link or a record is 1.
const DOCUMENT: usize = 8;

/// Whether the batch may change more than a caller's thread should wait for.
pub(super) fn is_large(tenant: &Tenant, batch: &Batch) -> bool {
    let mut weight = batch.records.len();
    if weight > SHORT {
        return true;
    }
    for write in &batch.writes {
        weight += DOCUMENT + links(tenant, write);
        if weight > SHORT {
            return true;
        }
    }
    false
}

/// Returns how many links the write may change. Of those that a resource has, it counts no more than make it large.
fn links(tenant: &Tenant, write: &Write) -> usize {
    match write {
        Write::Insert(insert) => insert.links.iter().map(|(_, references)| references.len()).sum(),
        Write::Update(update) => {
            let kind = update.resource_type.name();
            let steps = update.relations.iter().map(|edit| edit_weight(tenant, kind, &update.id, edit));
            steps.fold(0, usize::saturating_add)
        }
        Write::Delete(delete) => {
            let Some((seq, _)) = tenant.find(delete.resource_type.name(), &delete.id) else { return 0 };
            let ends = tenant
                .relations()
                .flat_map(|relation| tenant.targets(relation, seq).chain(tenant.owners(relation, seq)));
            ends.take(SHORT).count()
        }
        _ => 0,
    }
}

fn edit_weight(tenant: &Tenant, kind: &str, id: &str, edit: &RelationEdit) -> usize {
    let RelationEdit { relation, step, .. } = edit;
    let all = || {
        let found = tenant.find(kind, id);
        found.map_or(0, |(seq, _)| tenant.targets(relation, seq).take(SHORT).count())
    };
    match step {
        RelationStep::Add(references) => references.len(),
        RelationStep::Remove(ids) => ids.len(),
        RelationStep::Set(references) => references.len() + all(),
        RelationStep::RemoveWhere(filter) => filter.only_values().map_or_else(all, |ids| ids.len()),
        RelationStep::Clear => all(),
    }
}
