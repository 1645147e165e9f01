//! The errors of this backend, kept out of public signatures.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};
use scim_server_traits::{StoreError, Unavailable};

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Not a failure but an error that the contract of a store demands.
    #[error(transparent)]
    Refused(#[from] StoreError),
    #[error("SQLite: {0}")]
    Sql(#[from] rusqlite::Error),
    #[error("a stored document is damaged: {0}")]
    Document(#[from] serde_json::Error),
    #[error(
        "the document of {kind} `{id}` of tenant `{tenant}` is not as it was written (its checksum differs): the file was \
         damaged by the disk or by another program; delete that resource and make it anew, or put back a backup"
    )]
    Altered { tenant: String, kind: String, id: String },
    #[error(
        "the file has layout {found}: this version knows layouts up to {known}; serve it with a newer version"
    )]
    Newer { found: i64, known: i64 },
    #[error(
        "the file has layout {found}, of a version before the first release, and this version has layout {known}: begin a \
         new file, and bring over by SCIM what is in the old one"
    )]
    Older { found: i64, known: i64 },
    #[error(
        "{} is brought to the layout of this version, for which the disk needs room for {needed} bytes more and has \
         {there}: make room, or move the file to another disk",
        path.display()
    )]
    NoRoom { path: PathBuf, needed: u64, there: u64 },
    #[error("the file cannot have a write-ahead log: its journal mode stays `{0}`")]
    NoWal(String),
    #[error("a SQLite store needs a file: for memory there is `MemoryStore`")]
    NoFile,
    #[error(
        "the file is damaged ({0}): put back a backup, or save what can be read with `.recover` of the program \
         sqlite3; `SqliteOptions::without_check` opens it as it is"
    )]
    Damaged(String),
    #[error(
        "the log of {} is missing: {} held changes that are not in the file, or not all of them; put that log back, or put \
         back a backup and remove {}; `SqliteOptions::with_lost_log` opens the file as it is",
        path.display(), log.display(), mark.display()
    )]
    LogMissing { path: PathBuf, log: PathBuf, mark: PathBuf },
    #[error(
        "{} is in use by {holder}: one process serves a file, so stop that one first, or give this one another \
         file; a backup can be taken while it runs",
        path.display()
    )]
    Held { path: PathBuf, holder: String },
    #[error(
        "{} has {names} names (hard links), and under each another process could serve it with a lock and a log of its \
         own, which destroys it: remove the other names, or copy it with a backup; `SqliteOptions::with_hard_links` \
         opens it all the same",
        path.display()
    )]
    HardLinked { path: PathBuf, names: u64 },
    #[error(
        "{} was removed or replaced while the database was served, so that another process may serve it too: nothing \
         more is written; restart, and leave that file where it is",
        .0.display()
    )]
    LockLost(PathBuf),
    #[error("cannot lock {}: {error}", path.display())]
    Lock { path: PathBuf, error: std::io::Error },
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error(
        "{} changes faster than it can be copied: try again when less is written, or give the store a longer log \\
         (`SqliteOptions::log`)",
        .0.display()
    )]
    Outrun(PathBuf),
    #[error("{} could not be brought to the disk: {error}", path.display())]
    Sync { path: PathBuf, error: std::io::Error },
    #[error("{} is there already: a backup overwrites nothing", .0.display())]
    Exists(PathBuf),
    #[error(
        "`{attribute}` of {kind} is to be unique, but `{}` and `{}` of tenant `{tenant}` have the same: change or \
         delete one of them while it need not be",
        ids.0, ids.1
    )]
    Duplicate { kind: String, attribute: String, ids: (String, String), tenant: String },
    #[error(
        "another rebuild of the keys of {kind} of tenant `{tenant}` began meanwhile: wait for it, and see to it that \
         one definition of the type is served"
    )]
    Superseded { kind: String, tenant: String },
    #[error("the commit failed and nothing of it is kept: {0}")]
    Commit(Arc<Fault>),
    #[error("the read takes longer than it may in place")]
    TakesLong,
    #[error("the store's thread stopped in the middle of the call")]
    Stopped,
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
    #[error("no thread for the store: {0}")]
    Thread(std::io::Error),
}

impl Fault {
    /// Returns whether a read took longer than it may in place.
    pub(super) fn is_interrupted(&self) -> bool {
        matches!(self, Self::TakesLong)
            || matches!(self, Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted))
    }

    /// Returns whether something was not written or not synced, for another reason than missing room.
    pub(super) fn is_lost_write(&self) -> bool {
        const LOST: [i32; 4] = [
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_IOERR_TRUNCATE,
        ];
        match self {
            Self::Commit(fault) => fault.is_lost_write(),
            Self::Sync { .. } => true,
            Self::Sql(rusqlite::Error::SqliteFailure(error, _)) => LOST.contains(&error.extended_code),
            _ => false,
        }
    }

    /// Returns whether SQLite found the file damaged.
    pub(super) fn is_corrupt(&self) -> bool {
        let code = if let Self::Sql(error) = self { error.sqlite_error_code() } else { None };
        matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }

    /// Returns why the store can do nothing for a while, if the error says that.
    fn unavailable(&self) -> Option<Unavailable> {
        match self {
            Self::Commit(fault) => fault.unavailable(),
            Self::Refused(StoreError::Unavailable(why)) => Some(*why),
            lost if lost.is_lost_write() => Some(Unavailable::DiskFailed),
            _ => None,
        }
    }

    /// Returns whether room was missing: in the file system, or within the size limit of the file.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Commit(fault) => fault.is_full(),
            Self::NoRoom { .. } => true,
            Self::Sql(rusqlite::Error::SqliteFailure(error, _)) => {
                // A full disk causes the second if the log's index has to grow.
                error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
            }
            _ => false,
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(error) => error,
            full if full.is_full() => Self::Full(full.into()),
            other => match other.unavailable() {
                Some(why) => Self::Unavailable(why),
                None => Self::backend(other),
            },
        }
    }
}
