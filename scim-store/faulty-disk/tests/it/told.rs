//! Which descriptors get the error of a failed sync.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;

use scim_faulty_disk::{Disk, Kind, Plan};

use super::run::folder;

/// The mover syncs the log too, and may lose what the writer wrote just before. The writer's own sync has to fail then,
/// or the store would report data as durable that is lost.
#[test]
fn each_descriptor_that_was_open_is_told_once() {
    let folder = folder();
    let path = folder.path().join("log");
    let disk = Disk::watch(folder.path()).unwrap();
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap();
    let (writer, mover) = (open(), open());
    disk.plan(Plan { kind: Kind::Sync, nth: 1, errno: 5, for_good: false, torn: false });
    writer.write_all_at(b"of the writer", 0).unwrap();
    let told = |file: &File| file.sync_data().is_err();
    assert!(told(&mover));
    let later = open();
    assert_eq!([told(&later), told(&writer), told(&writer), told(&mover)], [false, true, false, false]);
}
