//! The process ends or the power is cut at any moment, and then the log is deleted.

use std::fs;

use scim_store::Durability;

use super::points::each;
use super::run::{folder, run};
use super::verify;

#[test]
fn a_log_that_is_deleted_at_any_moment_is_missed_unless_the_file_has_all_of_it() {
    let full = [false, true].map(|with_reader| (Durability::Full, with_reader));
    for (durability, with_reader) in full.into_iter().chain([(Durability::Normal, false)]) {
        let run = run(durability, None, with_reader);
        let moments: Vec<usize> = (0..=run.disk.now()).collect();
        let missed = each(&moments, |_, moment| {
            [None, Some(*moment as u64)].into_iter().filter(|seed| is_missed(&run, *moment, *seed)).count()
        });
        assert!((moments.len()..moments.len() * 2).contains(&missed), "{missed} of {}", moments.len());
    }
}

/// Returns whether the file is refused because its log is missing.
fn is_missed(run: &super::run::Run, moment: usize, seed: Option<u64>) -> bool {
    let folder = folder();
    run.disk.image(moment, seed, folder.path()).unwrap();
    if fs::remove_file(folder.path().join("scim.db-wal")).is_err() {
        return false;
    }
    match verify::check(folder.path(), &run.at(moment, seed.is_some())) {
        Ok(()) => false,
        Err(wrong) if wrong.contains("the log of") => true,
        Err(wrong) => panic!("cut after {moment} of {} changes with {seed:?}: {wrong}", run.disk.now()),
    }
}
