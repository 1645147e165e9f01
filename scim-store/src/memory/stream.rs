//! A stream of records in memory.

use std::sync::Arc;

use imbl::Vector;
use scim_core::{Timestamp, Work};
use scim_server_traits::{Cause, KeptRecord, Record, RecordPosition, RecordQuery, StoreError};

use crate::records::Reading;

/// The records of one stream of a tenant, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    records: Vector<Arc<KeptRecord>>,
    /// The position of the newest record, even if it was pruned.
    last: RecordPosition,
}

impl Default for Stream {
    fn default() -> Self {
        let last = RecordPosition { moment: Timestamp::from_millis(i64::MIN), number: 0 };
        Self { records: Vector::new(), last }
    }
}

impl Stream {
    pub(super) fn append(&mut self, now: Timestamp, cause: &Cause, record: Record) {
        // The clock may have gone back, but the moments of a stream do not.
        self.last = RecordPosition { moment: now.max(self.last.moment), number: self.last.number + 1 };
        self.records.push_back(Arc::new(KeptRecord::new(self.last, cause.clone(), record.data)));
    }

    pub(super) fn read(&self, query: &RecordQuery, work: &Work) -> Result<Vec<KeptRecord>, StoreError> {
        let (after, before) = query.bounds();
        let begin = self.count_up_to(|position| position <= after);
        let end = self.count_up_to(|position| position < before).max(begin);
        let mut reading = Reading::new(query, work);
        for passed in 0..end - begin {
            if reading.is_done() {
                break;
            }
            let at = if query.newest_first { end - 1 - passed } else { begin + passed };
            let Some(record) = self.records.get(at) else { break };
            reading.comes_to(0)?;
            if reading.takes(record.position, &record.data)? {
                reading.charge(record.data.weight())?;
                reading.keep(KeptRecord::clone(record));
            }
        }
        Ok(reading.into_records())
    }

    /// Takes the records before this moment out of the stream.
    pub(super) fn prune(&mut self, until: Timestamp) -> Vector<Arc<KeptRecord>> {
        let gone = self.count_up_to(|position| position.moment < until);
        let rest = self.records.split_off(gone);
        std::mem::replace(&mut self.records, rest)
    }

    /// Returns how many records from the first on have such a position.
    fn count_up_to(&self, is_before: impl Fn(RecordPosition) -> bool) -> usize {
        let order = |record: &Arc<KeptRecord>| {
            if is_before(record.position) { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater }
        };
        self.records.binary_search_by(order).unwrap_or_else(|at| at)
    }
}
