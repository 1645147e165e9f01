//! Keeps other users of the machine from opening the files. These hold personal data and the secret that signs cursors.
//!
//! SQLite creates a log with the permissions of its file, so only files that this crate creates are treated here.

use std::fs::{File, OpenOptions};
use std::path::Path;

/// Returns options that let only the owner read and write a new file.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Closes the lock file to users who may not write to the database, because a process that can open a lock can hold it.
#[cfg(unix)]
pub(super) fn close_to_readers(lock: &File, database: &Path) {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    let of_database = std::fs::metadata(database).map_or(0o600, |found| found.permissions().mode());
    let writers: u32 = [0o600, 0o060, 0o006].into_iter().filter(|both| of_database & both == *both).sum();
    // Another owner's lock file stays as it is, and the warning names it.
    let _ = lock.set_permissions(Permissions::from_mode(writers | 0o600));
}

#[cfg(not(unix))]
pub(super) fn close_to_readers(_: &File, _: &Path) {}

/// Warns once of files that other users can open, and names the command that prevents it.
#[cfg(unix)]
pub(super) fn warn_of_others(database: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    let open_to_others = |path: &std::path::PathBuf| {
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    };
    let files: Vec<String> = ["", "-wal", "-shm", "-lock", "-mark"]
        .into_iter()
        .map(|ending| super::file::beside(database, ending))
        .filter(open_to_others)
        .map(|path| quoted(&path))
        .collect();
    if !files.is_empty() {
        tracing::warn!(
            "other users of this machine can open the database; to keep them out: chmod 600 {}",
            files.join(" ")
        );
    }
}

#[cfg(not(unix))]
pub(super) fn warn_of_others(_: &Path) {}

/// Quotes a path for a shell.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_to_a_shell() {
        assert_eq!(quoted(Path::new("/a b/it's.db")), r"'/a b/it'\''s.db'");
    }
}
