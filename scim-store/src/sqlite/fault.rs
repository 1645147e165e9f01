//! How this backend fails, kept out of public signatures.

use scim_server_traits::StoreError;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// No failure, but the contract's answer.
    #[error(transparent)]
    Refused(#[from] StoreError),
    #[error("SQLite: {0}")]
    Sql(#[from] rusqlite::Error),
    #[error("a stored document is damaged: {0}")]
    Document(#[from] serde_json::Error),
    #[error("the file has layout {found}: this version knows layouts up to {known}")]
    Newer { found: i64, known: i64 },
    #[error("the file cannot have a write-ahead log: its journal mode stays `{0}`")]
    NoWal(String),
    #[error("a SQLite store needs a file: for memory there is `MemoryStore`")]
    NoFile,
    #[error("the commit failed and nothing of it is kept: {0}")]
    Commit(String),
    #[error("the store's thread stopped in the middle of the call")]
    Stopped,
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
    #[error("no thread for the store: {0}")]
    Thread(std::io::Error),
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(error) => error,
            other => Self::backend(other),
        }
    }
}
