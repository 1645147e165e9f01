//! The filters that are measured, and each crate's way of parsing one; what [`patch`] measures, and how.

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

/// The user that filters are evaluated on, of about 1 kB.
pub const USER: &str = include_str!("../../data/user.json");

/// One crate's parser: whether it takes the text, which is parsed and dropped again.
pub type Parse = fn(&str) -> bool;

/// Ours.
pub fn ours(text: &str) -> bool {
    black_box(text.parse::<scim_filter::Filter>()).is_ok()
}

/// The crates beside ours.
pub const PEERS: [(&str, Parse); 4] = [
    ("scim_proto", |text| black_box(text.parse::<scim_proto::filter::ScimFilter>()).is_ok()),
    ("rustauth-scim", |text| black_box(rustauth_scim::filters::parse_filter(text)).is_ok()),
    ("scim_v2", |text| black_box(text.parse::<scim_v2::filter::Filter>()).is_ok()),
    ("scim-filter 0.2", scim_filter_0_2),
];

fn scim_filter_0_2(text: &str) -> bool {
    // Its time doubles with each parenthesis or two: fifty would take it years.
    if text.starts_with(&"(".repeat(20)) {
        return false;
    }
    // It leaves alone what it does not understand.
    black_box(peer_scim_filter::parser::filter(text)).is_ok_and(|(rest, _)| rest.is_empty())
}

/// What a filter's words cost without any grammar, to be given [`words`].
pub fn serde_json_words(words: &str) -> bool {
    black_box(serde_json::from_str::<Value>(words)).is_ok()
}

/// The filter of that name.
pub fn filter(shape: &str) -> &'static str {
    static FILTERS: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("../../data/filters.json")).expect("JSON"));
    FILTERS[shape].as_str().expect("a filter of that name")
}

/// The words of a filter, which spaces part, as a JSON array of strings.
pub fn words(filter: &str) -> String {
    Value::from_iter(filter.split(' ')).to_string()
}
