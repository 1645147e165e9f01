//! Caches what is shown of link owners, because a group appears in the responses of all its members.

use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::epoch::{Epoch, Moment};
use crate::tables::Seq;

/// The names of owners, as they are in the file.
///
/// A reading transaction may use the cache only if no name has changed since before it began. Then the file and the
/// cache show one state. So nothing that was read before a change is cached after it.
pub(super) struct Names {
    epoch: Epoch,
    names: Cache<Seq, Name, Bytes>,
}

/// Id, type and name of a resource, in one allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    text: Arc<str>,
    kind_at: u32,
    label_at: Option<u32>,
}

impl Name {
    pub(super) fn new(id: &str, kind: &str, label: Option<&str>) -> Self {
        let text = [id, kind, label.unwrap_or_default()].concat().into();
        // No text in a file is longer than 1 GB.
        let at = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        Self { text, kind_at: at(id.len()), label_at: label.map(|_| at(id.len() + kind.len())) }
    }

    pub(super) fn id(&self) -> &str {
        self.part(0, Some(self.kind_at))
    }

    pub(super) fn kind(&self) -> &str {
        self.part(self.kind_at, self.label_at)
    }

    pub(super) fn label(&self) -> Option<&str> {
        self.label_at.map(|at| self.part(at, None))
    }

    fn part(&self, from: u32, to: Option<u32>) -> &str {
        let to = to.map_or(self.text.len(), |to| to as usize);
        self.text.get(from as usize..to).unwrap_or_default()
    }
}

/// Measures the memory of a name.
#[derive(Clone, Debug)]
struct Bytes;

/// The bytes that a name takes in addition to its text: the entry, its place in the table, and what the allocator
/// rounds up.
const BESIDE: u64 = 112;

impl Weighter<Seq, Name> for Bytes {
    fn weight(&self, _: &Seq, name: &Name) -> u64 {
        name.text.len() as u64 + BESIDE
    }
}

impl Names {
    /// Creates a cache of this many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        // Assumes groups with an id and a short name.
        let about = usize::try_from(bytes / (BESIDE + 64)).unwrap_or(usize::MAX);
        let mut options = OptionsBuilder::new();
        // Entries for evicted names would take as much room as the names that are there.
        options.estimated_items_capacity(about).weight_capacity(bytes).ghost_allocation(0.0);
        let names = match options.build() {
            Ok(options) => Cache::with_options(
                options,
                Bytes,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            Err(_) => Cache::with_weighter(about, bytes, Bytes),
        };
        Self { epoch: Epoch::new(), names }
    }

    /// Returns the names for a transaction that has not read the file yet.
    pub(super) fn now(&self) -> NamesOf<'_> {
        NamesOf { names: self, moment: self.epoch.now() }
    }

    /// Announces that the transaction that is about to be committed changes these names. When the guard is dropped,
    /// they have changed, or not.
    pub(super) fn change(&self, seqs: Vec<Seq>) -> Changing<'_> {
        self.epoch.begin();
        Changing { names: self, seqs }
    }
}

/// The names that a reading transaction may use.
#[derive(Clone, Copy)]
pub(super) struct NamesOf<'a> {
    names: &'a Names,
    moment: Moment,
}

impl NamesOf<'_> {
    pub(super) fn get(self, seq: Seq) -> Option<Name> {
        self.names.names.get(&seq).filter(|_| self.names.epoch.holds(self.moment))
    }

    /// Caches a name that the transaction has read.
    pub(super) fn note(self, seq: Seq, name: Name) {
        self.names.epoch.note(self.moment, || self.names.names.insert(seq, name));
    }
}

/// A change of names under way.
pub(super) struct Changing<'a> {
    names: &'a Names,
    seqs: Vec<Seq>,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        for seq in &self.seqs {
            self.names.names.remove(seq);
        }
        self.names.epoch.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(label: &str) -> Name {
        Name::new("7", "Group", Some(label))
    }

    #[test]
    fn a_name_is_its_parts() {
        for label in [Some("Tour Guides"), Some(""), None] {
            let name = Name::new("é7", "Gruppe", label);
            assert_eq!((name.id(), name.kind(), name.label()), ("é7", "Gruppe", label));
        }
    }

    #[test]
    fn what_was_read_before_a_change_is_used_and_noted_no_more() {
        let names = Names::new(1 << 20);
        let before = names.now();
        before.note(1, name("old"));
        before.note(2, name("stays"));
        assert_eq!(before.get(1), Some(name("old")));

        let changing = names.change(vec![1]);
        let during = names.now();
        for reading in [before, during] {
            assert_eq!([reading.get(1), reading.get(2)], [None, None]);
            reading.note(3, name("old"));
        }
        drop(changing);

        let after = names.now();
        for reading in [before, during] {
            assert_eq!([reading.get(1), reading.get(2)], [None, None]);
            reading.note(1, name("old"));
        }
        assert_eq!([after.get(1), after.get(2), after.get(3)], [None, Some(name("stays")), None]);
        after.note(1, name("new"));
        assert_eq!(names.now().get(1), Some(name("new")));
        assert_eq!(before.get(1), None, "newer than what the transaction reads");
    }

    #[test]
    fn many_and_long_names_take_no_more_room_than_they_may() {
        let names = Names::new(100_000);
        let reading = names.now();
        for seq in 0..10_000 {
            reading.note(seq, name(&"x".repeat(usize::try_from(seq % 100).unwrap_or_default())));
        }
        reading.note(10_000, name(&"x".repeat(200_000)));
        assert!(names.names.weight() <= 100_000 && names.names.weight() > 50_000);
        assert_eq!(reading.get(10_000), None);
    }
}
