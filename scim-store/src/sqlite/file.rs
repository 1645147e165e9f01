//! The database file, which the store holds open itself too, and the files next to it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::private;

/// The files that this process holds open. Closing any handle to a file that SQLite has open drops all locks of the
/// process on it. So there is one handle per file, and it is dropped only after all connections.
static HELD: Mutex<BTreeMap<PathBuf, Weak<File>>> = Mutex::new(BTreeMap::new());

/// Opens the file, or creates it. Drop the handle only after the connection to the file.
pub(super) fn make(path: &Path) -> io::Result<Arc<File>> {
    if !path.try_exists()? {
        // No connection to it exists yet.
        private::options().create_new(true).open(path)?;
    }
    hold(path)
}

/// Opens the existing file. Drop the handle only after the connection to the file.
pub(super) fn hold(path: &Path) -> io::Result<Arc<File>> {
    let path = path.canonicalize()?;
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = held.get(&path).and_then(Weak::upgrade) {
        return Ok(file);
    }
    held.retain(|_, file| file.strong_count() > 0);
    // On some systems, syncing a file requires the right to write to it.
    let file = Arc::new(OpenOptions::new().read(true).write(true).open(&path)?);
    held.insert(path, Arc::downgrade(&file));
    Ok(file)
}

/// Returns the path of a file next to this one: its name with this ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Returns whether the open file is the one at the path, as far as that can be known.
#[cfg(unix)]
pub(super) fn is_at(open: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (open.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(found)) => (open.dev(), open.ino()) == (found.dev(), found.ino()),
        (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
        (Err(_), _) => true,
    }
}

/// Always returns true, because an open file cannot be replaced.
#[cfg(not(unix))]
pub(super) fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Returns how many names the file has.
#[cfg(unix)]
pub(super) fn names(open: &File) -> io::Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&open.metadata()?))
}

/// Returns 1, because the number of names cannot be known.
#[cfg(not(unix))]
pub(super) fn names(_: &File) -> io::Result<u64> {
    Ok(1)
}

/// Returns the folder that the file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the folder of the file, so that its entry is durable.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path).map(drop)
}
