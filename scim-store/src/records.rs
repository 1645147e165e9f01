//! Reads records one by one, within what the request may cost.

use scim_core::{Exhausted, Meter, Resource, Work};
use scim_filter::Entry;
use scim_server_traits::{KeptRecord, RecordPosition, RecordQuery};

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
        self.charge(bytes)
    }

    /// Charges the bytes of a record.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.meter.charge_bytes(bytes, 16)
    }

    /// Returns whether the filter matches the record.
    pub(crate) fn takes(&mut self, position: RecordPosition, data: &Resource) -> Result<bool, Exhausted> {
        let Some(filter) = &self.query.filter else { return Ok(true) };
        let (id, moment) = (position.to_string(), position.moment);
        let entry =
            Entry { created: moment, modified: moment, ..Entry::new(self.query.stream.name(), &id, data) };
        filter.matches_within(&entry, &mut self.meter)
    }

    pub(crate) fn keep(&mut self, record: KeptRecord) {
        self.records.push(record);
    }

    pub(crate) fn into_records(self) -> Vec<KeptRecord> {
        self.records
    }
}
