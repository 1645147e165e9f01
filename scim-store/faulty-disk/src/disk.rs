//! The record of what happened to the files of one folder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::{fs, io};

/// What a process asks a disk to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Reading bytes of a file.
    Read,
    /// Writing bytes to a file.
    Write,
    /// Syncing a file.
    Sync,
    /// Truncating a file.
    Truncate,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Sync, Self::Truncate];
}

/// Which call fails, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The kind of call that fails.
    pub kind: Kind,
    /// Which of these calls since the plan was made, counted from 1.
    pub nth: u64,
    /// The error, such as `EIO` (5) or `ENOSPC` (28).
    pub errno: i32,
    /// Whether each later call fails too. A disk that failed once may succeed the next time, which is the worse case.
    pub for_good: bool,
    /// Whether a failing write writes its first half.
    pub torn: bool,
}

/// A change that the process made. Changes are listed in order.
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
    /// Everything written to the file is on the disk.
    Synced {
        inode: usize,
    },
    /// Everything written to the file so far may never reach the disk.
    Lost {
        inode: usize,
    },
    /// The name belongs to this file, or to no file.
    Named {
        name: OsString,
        inode: Option<usize>,
    },
    /// All names are on the disk.
    NamesSynced,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// The content of the files when watching began, by number.
    pub(crate) begun: Vec<Vec<u8>>,
    pub(crate) names_begun: BTreeMap<OsString, usize>,
    names: BTreeMap<OsString, usize>,
    files: usize,
    pub(crate) changes: Vec<Change>,
    /// How often a sync of a file failed, and the last error.
    failures: BTreeMap<usize, (u64, i32)>,
    counts: BTreeMap<Kind, u64>,
    plan: Option<Plan>,
    struck: bool,
}

impl State {
    /// Returns the file of this name, and whether it is new.
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

    /// Returns how often a sync of this file failed.
    pub(crate) fn failures(&self, inode: usize) -> u64 {
        self.failures.get(&inode).map_or(0, |(count, _)| *count)
    }

    /// Syncs a file for a descriptor to which `told` failures were reported before.
    ///
    /// An error comes with the number of failures that are reported by now. Each failure is reported once to each
    /// descriptor that was open at the time, as in Linux since 4.13 (fsync(2)). The descriptor that wrote the lost data
    /// gets the error, even if another descriptor was synced first.
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

    /// Returns the plan if this call has to fail.
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

/// The state of a disk, which the replaced functions share.
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

/// Returns the disk with this path and the file's name there, or no name for the folder itself.
#[cfg(target_os = "linux")]
pub(crate) fn holder(path: &Path) -> Option<(Arc<Shared>, Option<OsString>)> {
    let watched = WATCHED.read().unwrap_or_else(PoisonError::into_inner);
    let of = |shared: &Arc<Shared>| {
        let name = path.strip_prefix(&shared.folder).ok()?.as_os_str();
        Some((Arc::clone(shared), (!name.is_empty()).then(|| name.to_owned())))
    };
    watched.iter().find_map(of)
}

/// A folder on a disk that can fail. It is an ordinary folder again when this is dropped.
#[derive(Debug)]
pub struct Disk {
    pub(crate) shared: Arc<Shared>,
}

impl Disk {
    /// Watches a folder. Files that are in it already count as synced.
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

    /// Sets the plan and begins to count calls again.
    pub fn plan(&self, plan: Plan) {
        let mut state = self.shared.state();
        state.counts.clear();
        (state.plan, state.struck) = (Some(plan), false);
    }

    /// Removes the plan, so that no further call fails.
    pub fn mend(&self) {
        self.shared.state().plan = None;
    }

    /// Returns how many calls of a kind there were since the plan was made, or since watching began.
    pub fn count(&self, kind: Kind) -> u64 {
        self.shared.state().counts.get(&kind).copied().unwrap_or_default()
    }

    /// Returns whether a call failed by the plan.
    pub fn has_struck(&self) -> bool {
        self.shared.state().struck
    }

    /// Returns how many changes there were. [`image`](Self::image) takes this number as a moment.
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

/// Returns whether a power cut keeps the file. A lock and the index of the log are always created again.
pub(crate) fn is_kept(name: &OsString) -> bool {
    let name = name.as_encoded_bytes();
    !name.ends_with(b"-lock") && !name.ends_with(b"-shm")
}
