//! Reads records one by one, within what the request may cost.

use scim_core::{Exhausted, Meter, Work};
use scim_filter::Entry;
use scim_server_traits::{KeptRecord, RecordQuery};

/// The steps it costs to reach a record, in addition to its bytes.
const RECORD: u64 = 40;

/// A read of records under way.
pub(crate) struct Reading<'a> {
    query: &'a RecordQuery,
    meter: Meter,
    records: Vec<KeptRecord>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(query: &'a RecordQuery, work: &Work) -> Self {
        Self { query, meter: work.meter(), records: Vec::new() }
    }

    /// Returns whether there are as many records as the query asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.records.len() >= self.query.limit
    }

    /// Charges a record before it is read.
    pub(crate) fn comes_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.meter.charge(RECORD)?;
        self.meter.charge_bytes(bytes, 16)
    }

    /// Keeps the record if the filter matches it.
    pub(crate) fn decide(&mut self, record: KeptRecord) -> Result<(), Exhausted> {
        if let Some(filter) = &self.query.filter {
            let (id, moment) = (record.position.to_string(), record.position.moment);
            let entry = Entry {
                created: moment,
                modified: moment,
                ..Entry::new(self.query.stream.name(), &id, &record.data)
            };
            if !filter.matches_within(&entry, &mut self.meter)? {
                return Ok(());
            }
        }
        self.records.push(record);
        Ok(())
    }

    pub(crate) fn into_records(self) -> Vec<KeptRecord> {
        self.records
    }
}
