//! The filters that are measured, and how each crate parses one. [`patch`] and [`measure`] have the rest.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

pub mod measure;
pub mod patch;

use std::hint::black_box;
use std::sync::LazyLock;

use serde_json::Value;

/// The shapes that are parsed.
pub const SHAPES: [&str; 5] = ["simple", "complex", "or50", "urn", "nest50"];
/// The shapes that are evaluated.
pub const EVALUATED: [&str; 3] = ["eval_simple", "eval_value_path", "eval_three_way"];

/// The user of about 1 kB that filters are evaluated on.
pub const USER: &str = include_str!("../../data/user.json");

/// Parses a text with one crate, drops the result, and returns whether the crate accepts it.
pub type Parse = fn(&str) -> bool;

/// Parses with our crate.
pub fn ours(text: &str) -> bool {
    black_box(text.parse::<scim_filter::Filter>()).is_ok()
}

/// The other crates.
pub const PEERS: [(&str, Parse); 4] = [
    ("scim_proto", |text| black_box(text.parse::<scim_proto::filter::ScimFilter>()).is_ok()),
    ("rustauth-scim", |text| black_box(rustauth_scim::filters::parse_filter(text)).is_ok()),
    ("scim_v2", |text| black_box(text.parse::<scim_v2::filter::Filter>()).is_ok()),
    ("scim-filter 0.2", scim_filter_0_2),
];

fn scim_filter_0_2(text: &str) -> bool {
    // Its time doubles with every parenthesis or two, so 50 would take years.
    if text.starts_with(&"(".repeat(20)) {
        return false;
    }
    // It stops at what it does not understand.
    black_box(peer_scim_filter::parser::filter(text)).is_ok_and(|(rest, _)| rest.is_empty())
}

/// Measures what a filter's words cost without any grammar. It takes the result of [`words`].
pub fn serde_json_words(words: &str) -> bool {
    black_box(serde_json::from_str::<Value>(words)).is_ok()
}

/// Returns the filter of that name.
pub fn filter(shape: &str) -> &'static str {
    static FILTERS: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("../../data/filters.json")).expect("JSON"));
    FILTERS[shape].as_str().expect("a filter of that name")
}

/// Returns the words of a filter, separated at spaces, as a JSON array of strings.
pub fn words(filter: &str) -> String {
    Value::from_iter(filter.split(' ')).to_string()
}
