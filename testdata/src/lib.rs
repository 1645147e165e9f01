//! Where the tests find their cases: ours in this folder, other projects' through `SCIM_CASES`. What cannot be
//! found is skipped and said so, unless `SCIM_REQUIRE_ALL` is 1.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests use it, and they fail by panicking")]

mod inferred;
mod suites_2;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use inferred::inferred;
pub use suites_2::{Differences, Outcome, described, described_with, quirks_named, suite_2};

/// The value of an environment variable that tells a test where something is; `None` says that the test is
/// skipped.
pub fn required(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        let all = std::env::var_os("SCIM_REQUIRE_ALL").is_some_and(|all| all == "1");
        assert!(!all, "SCIM_REQUIRE_ALL is set, but {variable} is not");
        println!("skipped: {variable} not set");
    }
    value
}

/// The folder of other projects' test data; `None` says that the test is skipped.
pub fn cases() -> Option<PathBuf> {
    required("SCIM_CASES").map(PathBuf::from)
}

/// The cases of another project's suite, such as `suites/patch.json`; `None` says that the test is skipped.
pub fn suite(name: &str) -> Option<Vec<Value>> {
    Some(list(read(&cases()?.join(name))))
}

/// Our fixtures of what identity providers send, of one `kind`.
pub fn idp_fixtures(kind: &str) -> Vec<Value> {
    let fixtures = list(read(&folder().join("idp/idp-fixtures.json")));
    fixtures.into_iter().filter(|fixture| fixture["kind"] == kind).collect()
}

/// This folder.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A JSON file.
pub fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What we make of cases that have no single truth or go against us: by id the outcome and the reading behind it.
/// `text` is JSON: reading → outcome → ids.
pub fn readings(text: &str) -> BTreeMap<String, (String, String)> {
    let list: BTreeMap<String, BTreeMap<String, Vec<String>>> = serde_json::from_str(text).unwrap();
    let mut readings = BTreeMap::new();
    for (reading, outcomes) in list {
        for (outcome, ids) in outcomes {
            for id in ids {
                let before = readings.insert(id.clone(), (outcome.clone(), reading.clone()));
                assert!(before.is_none(), "{id} is read twice");
            }
        }
    }
    readings
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        other => panic!("an array was expected: {other}"),
    }
}
