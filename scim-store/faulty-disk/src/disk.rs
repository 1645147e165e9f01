//! What happened to the files of one folder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::{fs, io};

/// What a process asks of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bytes of a file.
    Read,
    /// Bytes into a file.
    Write,
    /// To have on the disk what was written to a file.
    Sync,
    /// To make a file shorter.
    Truncate,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Sync, Self::Truncate];
}

/// Which call fails, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What is asked.
    pub kind: Kind,
    /// Which of these calls since the plan was made, counted from 1.
    pub nth: u64,
    /// The error, such as `EIO` (5) or `ENOSPC` (28).
    pub errno: i32,
    /// Whether each later one fails too. A disk that failed once may well succeed next time, and that is the worse of
    /// the two.
    pub for_good: bool,
    /// Whether a write that fails leaves its first half.
    pub torn: bool,
}

/// A change, in the order in which the process made them.
#[derive(Debug)]
pub(crate) enum Change {
    Write {
        inode: usize,
        at: u64,
        bytes: Vec<u8>,
    },
    Cut {
        inode: usize,
        length: u64,
    },
    /// What was written is on the disk.
    Synced {
        inode: usize,
    },
    /// What was written may never come to the disk.
    Lost {
        inode: usize,
    },
    /// The name is of this file, or of none.
    Named {
        name: OsString,
        inode: Option<usize>,
    },
    /// The names are on the disk.
    NamesSynced,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// What the files held when watching began, by number.
    pub(crate) begun: Vec<Vec<u8>>,
    pub(crate) names_begun: BTreeMap<OsString, usize>,
    names: BTreeMap<OsString, usize>,
    files: usize,
    pub(crate) changes: Vec<Change>,
    /// How often a sync of a file failed, and with what last.
    failures: BTreeMap<usize, (u64, i32)>,
    counts: BTreeMap<Kind, u64>,
    plan: Option<Plan>,
    struck: bool,
}

impl State {
    /// The file of this name, and whether it is new.
    pub(crate) fn file(&mut self, name: &OsString) -> (usize, bool) {
        if let Some(inode) = self.names.get(name) {
            return (*inode, false);
        }
        let inode = self.files;
        self.files += 1;
        self.names.insert(name.clone(), inode);
        self.changes.push(Change::Named { name: name.clone(), inode: Some(inode) });
        (inode, true)
    }

    pub(crate) fn unlink(&mut self, name: &OsString) {
        if self.names.remove(name).is_some() {
            self.changes.push(Change::Named { name: name.clone(), inode: None });
        }
    }

    /// How often a sync of this file failed.
    pub(crate) fn failures(&self, inode: usize) -> u64 {
        self.failures.get(&inode).map_or(0, |(count, _)| *count)
    }

    /// Brings a file to the disk, for one who was told of so many failures before. Fails with the error, and says of how
    /// many he is told now.
    ///
    /// One failure is told to each descriptor that was open then, as Linux does since 4.13 (fsync(2)): the one who wrote
    /// what is lost learns of it, even if another descriptor was synced first.
    pub(crate) fn sync(&mut self, inode: usize, told: u64) -> Result<(), (u64, i32)> {
        if let Some(plan) = self.strike(Kind::Sync) {
            self.changes.push(Change::Lost { inode });
            let failures = (self.failures(inode) + 1, plan.errno);
            self.failures.insert(inode, failures);
            return Err(failures);
        }
        match self.failures.get(&inode) {
            Some(failures) if failures.0 > told => Err(*failures),
            _ => {
                self.changes.push(Change::Synced { inode });
                Ok(())
            }
        }
    }

    /// The plan, if this call is the one to fail.
    pub(crate) fn strike(&mut self, kind: Kind) -> Option<Plan> {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let plan = self.plan.filter(|plan| {
            plan.kind == kind && (*count == plan.nth || (plan.for_good && *count > plan.nth))
        })?;
        self.struck = true;
        Some(plan)
    }
}

/// What is shared with the calls.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static WATCHED: RwLock<Vec<Arc<Shared>>> = RwLock::new(Vec::new());

/// The disk that holds this path, and the name of the file there; no name for the folder itself.
#[cfg(target_os = "linux")]
pub(crate) fn holder(path: &Path) -> Option<(Arc<Shared>, Option<OsString>)> {
    let watched = WATCHED.read().unwrap_or_else(PoisonError::into_inner);
    let of = |shared: &Arc<Shared>| {
        let name = path.strip_prefix(&shared.folder).ok()?.as_os_str();
        Some((Arc::clone(shared), (!name.is_empty()).then(|| name.to_owned())))
    };
    watched.iter().find_map(of)
}

/// A folder on a disk that can fail; an ordinary one again when dropped.
#[derive(Debug)]
pub struct Disk {
    pub(crate) shared: Arc<Shared>,
}

impl Disk {
    /// Watches a folder. What is in it already is on the disk.
    ///
    /// # Errors
    ///
    /// When the folder or a file in it cannot be read.
    pub fn watch(folder: &Path) -> io::Result<Self> {
        let folder = folder.canonicalize()?;
        let mut state = State::default();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if is_kept(&entry.file_name()) {
                state.names.insert(entry.file_name(), state.begun.len());
                state.begun.push(fs::read(entry.path())?);
            }
        }
        state.files = state.begun.len();
        state.names_begun = state.names.clone();
        let shared = Arc::new(Shared { folder, state: Mutex::new(state) });
        WATCHED.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&shared));
        Ok(Self { shared })
    }

    /// Counts from here on, and lets the call fail that the plan names.
    pub fn plan(&self, plan: Plan) {
        let mut state = self.shared.state();
        state.counts.clear();
        (state.plan, state.struck) = (Some(plan), false);
    }

    /// Lets nothing fail any more.
    pub fn mend(&self) {
        self.shared.state().plan = None;
    }

    /// How often this was asked since the plan was made, or since watching began.
    pub fn count(&self, kind: Kind) -> u64 {
        self.shared.state().counts.get(&kind).copied().unwrap_or_default()
    }

    /// Whether a call failed by the plan.
    pub fn has_struck(&self) -> bool {
        self.shared.state().struck
    }

    /// How many changes there were: a moment that [`image`](Self::image) knows.
    pub fn now(&self) -> usize {
        self.shared.state().changes.len()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut watched = WATCHED.write().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|shared| !Arc::ptr_eq(shared, &self.shared));
    }
}

/// Whether a power cut leaves the file: a lock and the index of the log are made again.
pub(crate) fn is_kept(name: &OsString) -> bool {
    let name = name.as_encoded_bytes();
    !name.ends_with(b"-lock") && !name.ends_with(b"-shm")
}
