//! A stream of records in memory.

use std::sync::Arc;

use imbl::Vector;
use scim_core::{Timestamp, Work};
use scim_server_traits::{Cause, KeptRecord, Record, RecordPosition, RecordQuery, StoreError};

use crate::records::Reading;

/// The records of one stream of a tenant, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    records: Vector<Arc<KeptRecord>>,
    /// How many records there were.
    last: u64,
}

impl Stream {
    pub(super) fn append(&mut self, now: Timestamp, cause: &Cause, record: Record) {
        self.last += 1;
        // The clock may have gone back, but the moments of a stream do not.
        let moment = self.records.last().map_or(now, |last| now.max(last.position.moment));
        let position = RecordPosition { moment, number: self.last };
        self.records.push_back(Arc::new(KeptRecord::new(position, cause.clone(), record.data)));
    }

    pub(super) fn read(&self, query: &RecordQuery, work: &Work) -> Result<Vec<KeptRecord>, StoreError> {
        let (after, before) = query.bounds();
        let begin = self.count_up_to(|position| position <= after);
        let end = self.count_up_to(|position| position < before).max(begin);
        let between = self.records.iter().skip(begin).take(end - begin);
        let mut reading = Reading::new(query, work);
        let mut read = |records: &mut dyn Iterator<Item = &Arc<KeptRecord>>| -> Result<(), StoreError> {
            while !reading.is_done()
                && let Some(record) = records.next()
            {
                reading.comes_to(0)?;
                reading.decide(KeptRecord::clone(record))?;
            }
            Ok(())
        };
        if query.newest_first { read(&mut between.rev()) } else { read(&mut { between }) }?;
        Ok(reading.into_records())
    }

    /// Deletes the records before this moment. Returns how many.
    pub(super) fn prune(&mut self, until: Timestamp) -> u64 {
        let gone = self.count_up_to(|position| position.moment < until);
        self.records = self.records.split_off(gone);
        gone as u64
    }

    /// Returns how many records from the first on have such a position.
    fn count_up_to(&self, is_before: impl Fn(RecordPosition) -> bool) -> usize {
        let order = |record: &Arc<KeptRecord>| {
            if is_before(record.position) { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater }
        };
        self.records.binary_search_by(order).unwrap_or_else(|at| at)
    }
}
