//! No other user of the machine can read what the store creates, or stop the store.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, Once};

use scim_server_traits::Store;
use scim_store::SqliteStore;

use super::given::{batch, context, user};

/// What all tests of this file have logged.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Logged;

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines logged so far that mention this folder.
fn logged(folder: &Path) -> Vec<String> {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let folder = folder.canonicalize().unwrap().display().to_string();
    log.lines().filter(|line| line.contains(&folder)).map(str::to_owned).collect()
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Logged).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Returns the names in a folder, with their modes.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), mode(&entry.path())))
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn what_the_store_makes_is_its_owners() {
    listen();
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let path = folder.join("scim.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&context(), batch().insert(user("u1", "ada"))).await.unwrap();
    let copy = folder.join("copy.db");
    // The callback sees the incomplete file too.
    let (seen_in, seen) = (folder.to_owned(), std::sync::Arc::new(Mutex::new(Vec::new())));
    let note = std::sync::Arc::clone(&seen);
    store.backup(&copy, move |_| note.lock().unwrap().extend(modes(&seen_in))).await.unwrap();
    let found = modes(folder);
    for name in ["scim.db", "scim.db-wal", "scim.db-shm", "scim.db-lock", "scim.db-mark", "copy.db"] {
        assert!(found.contains(&(name.to_owned(), 0o600)), "{name}: {found:?}");
    }
    let seen = seen.lock().unwrap();
    assert!(seen.iter().any(|(name, _)| name.contains("-partial-")), "{seen:?}");
    assert!(seen.iter().all(|(_, mode)| *mode == 0o600), "{seen:?}");
    assert_eq!(logged(folder), [""; 0]);
}

#[tokio::test]
async fn a_wider_file_is_warned_of_once_and_stays_as_it_is() {
    listen();
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let path = folder.join("scim.db");
    drop(SqliteStore::open(&path).unwrap());
    set_mode(&path, 0o640);
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&context(), batch().insert(user("u1", "ada"))).await.unwrap();
    let log = logged(folder);
    assert!(matches!(&log[..], [line] if line.contains(" WARN ")), "{log:?}");
    let named = path.canonicalize().unwrap().display().to_string();
    assert!(log[0].ends_with(&format!("chmod 600 '{named}' '{named}-wal' '{named}-shm'")), "{log:?}");
    assert_eq!(mode(&path), 0o640);
    // The command in the warning helps.
    drop(store);
    set_mode(&path, 0o600);
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!(logged(folder).len(), 1);
}

#[test]
fn who_may_only_read_cannot_hold_the_lock() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scim.db");
    let lock = directory.path().join("scim.db-lock");
    // An older version created the lock file.
    for (database, expected) in
        [(0o644, 0o600), (0o664, 0o660), (0o666, 0o666), (0o604, 0o600), (0o600, 0o600)]
    {
        File::create(&path).unwrap();
        File::create(&lock).unwrap();
        set_mode(&path, database);
        set_mode(&lock, 0o644);
        drop(SqliteStore::open(&path).unwrap());
        assert_eq!(mode(&lock), expected, "beside a file of mode {database:o}");
        fs::remove_file(&path).unwrap();
    }
}
