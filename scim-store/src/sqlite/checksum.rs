//! What a document's text is checked by when it is read: the disk, or whatever lies between, may change a bit of it,
//! and a page of the file does not tell.

use twox_hash::XxHash3_64;

use super::fault::Fault;
use crate::tables::Seq;

/// Of the text in this row: that of another row is as wrong.
pub(super) fn of(seq: Seq, text: &str) -> i64 {
    XxHash3_64::oneshot_with_seed(seq.cast_unsigned(), text.as_bytes()).cast_signed()
}

/// Whose a document is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose<'a> {
    pub(super) tenant: &'a str,
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
}

/// Fails when the text is not the one that was written.
pub(super) fn check(seq: Seq, text: &str, stored: i64, whose: Whose<'_>) -> Result<(), Fault> {
    if holds(seq, text, stored) { Ok(()) } else { Err(whose.altered()) }
}

/// Whether the text is the one that was written.
pub(super) fn holds(seq: Seq, text: &str, stored: i64) -> bool {
    stored == of(seq, text)
}

impl Whose<'_> {
    /// What it means that it is not.
    pub(super) fn altered(self) -> Fault {
        let Self { tenant, kind, id } = self;
        Fault::Altered { tenant: tenant.to_owned(), kind: kind.to_owned(), id: id.to_owned() }
    }
}
