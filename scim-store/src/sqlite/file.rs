//! The database's own file, held open beside SQLite, and what lies beside it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::private;

/// What this process holds open. Whoever closes a file that SQLite has open takes away all locks that the process has
/// on it, so there is one handle for each, and everybody of ours who has a connection holds it for longer than that.
static HELD: Mutex<BTreeMap<PathBuf, Weak<File>>> = Mutex::new(BTreeMap::new());

/// The file, made if it is not there: to be dropped after the connection to it.
pub(super) fn make(path: &Path) -> io::Result<Arc<File>> {
    if !path.try_exists()? {
        // Nobody has a connection to it yet.
        private::options().create_new(true).open(path)?;
    }
    hold(path)
}

/// The file that is there: to be dropped after the connection to it.
pub(super) fn hold(path: &Path) -> io::Result<Arc<File>> {
    let path = path.canonicalize()?;
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = held.get(&path).and_then(Weak::upgrade) {
        return Ok(file);
    }
    held.retain(|_, file| file.strong_count() > 0);
    // To sync a file takes the right to write to it on some systems.
    let file = Arc::new(OpenOptions::new().read(true).write(true).open(&path)?);
    held.insert(path, Arc::downgrade(&file));
    Ok(file)
}

/// The path of what lies beside the file under its name with this ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Whether the open file is the one at the path, as far as that can be told.
#[cfg(unix)]
pub(super) fn is_at(open: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (open.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(found)) => (open.dev(), open.ino()) == (found.dev(), found.ino()),
        (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
        (Err(_), _) => true,
    }
}

/// A file that is open cannot be replaced.
#[cfg(not(unix))]
pub(super) fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// How many names the file has.
#[cfg(unix)]
pub(super) fn names(open: &File) -> io::Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&open.metadata()?))
}

/// As many as can be told.
#[cfg(not(unix))]
pub(super) fn names(_: &File) -> io::Result<u64> {
    Ok(1)
}

/// The folder that the file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings to the disk that the file is in its folder.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path).map(drop)
}
