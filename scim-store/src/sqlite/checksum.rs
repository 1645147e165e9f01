//! Checksums of documents, checked when they are read. The disk, or anything in between, may change a bit, and SQLite's
//! pages do not reveal it.

use twox_hash::XxHash3_64;

use super::fault::Fault;
use crate::tables::Seq;

/// Returns the checksum of the text in this row. In another row the same text is wrong too.
pub(super) fn of(seq: Seq, text: &str) -> i64 {
    XxHash3_64::oneshot_with_seed(seq.cast_unsigned(), text.as_bytes()).cast_signed()
}

/// Whose document it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose<'a> {
    pub(super) tenant: &'a str,
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
}

/// Fails if the text is not the one that was written.
pub(super) fn check(seq: Seq, text: &str, stored: i64, whose: Whose<'_>) -> Result<(), Fault> {
    if holds(seq, text, stored) { Ok(()) } else { Err(whose.altered()) }
}

/// Returns whether the text is the one that was written.
pub(super) fn holds(seq: Seq, text: &str, stored: i64) -> bool {
    stored == of(seq, text)
}

impl Whose<'_> {
    /// Returns the error for a text that is not the one that was written.
    pub(super) fn altered(self) -> Fault {
        let Self { tenant, kind, id } = self;
        Fault::Altered { tenant: tenant.to_owned(), kind: kind.to_owned(), id: id.to_owned() }
    }
}
