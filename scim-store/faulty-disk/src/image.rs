//! What a power cut leaves of the files.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use fastrand::Rng;

use crate::disk::{Change, Disk};

/// A change of a file since its last sync.
enum Pending<'a> {
    Write { at: u64, bytes: &'a [u8] },
    Cut { length: u64 },
}

/// A file as it is on the disk, and the changes that are not there yet.
#[derive(Default)]
struct File<'a> {
    kept: Vec<u8>,
    pending: Vec<Pending<'a>>,
}

impl File<'_> {
    fn write(&mut self, at: usize, bytes: &[u8]) {
        if self.kept.len() < at + bytes.len() {
            self.kept.resize(at + bytes.len(), 0);
        }
        self.kept[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Writes all pending changes to the disk, or those that `luck` selects.
    fn settle(&mut self, luck: &mut Luck) {
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Cut { length } if luck.lets_through() => {
                    self.kept.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
                }
                Pending::Cut { .. } => {}
                Pending::Write { at, bytes } => {
                    let (mut at, mut bytes) = (usize::try_from(at).unwrap_or(usize::MAX), bytes);
                    while !bytes.is_empty() {
                        // Up to the next boundary of a sector.
                        let length = (luck.sector - at % luck.sector).min(bytes.len());
                        if luck.lets_through() {
                            self.write(at, &bytes[..length]);
                        }
                        (at, bytes) = (at + length, &bytes[length..]);
                    }
                }
            }
        }
    }
}

/// Selects which of the changes without a sync reach the disk.
struct Luck {
    random: Rng,
    /// In percent.
    chance: u8,
    /// How many bytes are written as a whole.
    sector: usize,
}

impl Luck {
    fn of(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let chance = [0, 25, 50, 75, 95][random.usize(0..5)];
        let sector = [512, 4_096][random.usize(0..2)];
        Self { random, chance, sector }
    }

    fn all() -> Self {
        Self { random: Rng::with_seed(0), chance: 100, sector: usize::MAX }
    }

    fn lets_through(&mut self) -> bool {
        self.random.u8(0..100) < self.chance
    }
}

impl Disk {
    /// Writes what is left after a power cut into the folder `to`. The power is cut after `at` changes.
    ///
    /// The seed selects which of the data without a sync is left, in sectors of 512 or 4,096 bytes. It also selects how
    /// many of the names that were added or removed since their last sync are left, beginning with the first. Without a
    /// seed everything is left, as after the end of the process.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn image(&self, at: usize, seed: Option<u64>, to: &Path) -> io::Result<()> {
        let state = self.shared.state();
        let mut luck = seed.map_or_else(Luck::all, Luck::of);
        let kept = |bytes: &Vec<u8>| File { kept: bytes.clone(), pending: Vec::new() };
        let mut files: BTreeMap<usize, File<'_>> = state.begun.iter().map(kept).enumerate().collect();
        let mut names = state.names_begun.clone();
        let mut names_pending = Vec::new();
        for change in state.changes.iter().take(at) {
            match change {
                Change::Write { inode, at, bytes } => {
                    files.entry(*inode).or_default().pending.push(Pending::Write { at: *at, bytes });
                }
                Change::Cut { inode, length } => {
                    files.entry(*inode).or_default().pending.push(Pending::Cut { length: *length });
                }
                Change::Synced { inode } => files.entry(*inode).or_default().settle(&mut Luck::all()),
                Change::Lost { inode } => files.entry(*inode).or_default().settle(&mut luck),
                Change::Named { name, inode } => names_pending.push((name, inode)),
                Change::NamesSynced => name(&mut names, names_pending.drain(..)),
            }
        }
        let many =
            if seed.is_some() { luck.random.usize(0..=names_pending.len()) } else { names_pending.len() };
        name(&mut names, names_pending.drain(..many));
        for (name, inode) in names {
            let mut file = files.remove(&inode).unwrap_or_default();
            file.settle(&mut luck);
            fs::write(to.join(name), file.kept)?;
        }
        Ok(())
    }
}

fn name<'a>(
    names: &mut BTreeMap<std::ffi::OsString, usize>,
    given: impl Iterator<Item = (&'a std::ffi::OsString, &'a Option<usize>)>,
) {
    for (name, inode) in given {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}
