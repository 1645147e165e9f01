//! How often parsing and evaluating a filter, and carrying out a PATCH, allocates.
//!
//! This is not part of the benchmarks `filter` and `patch`, because counting costs time. The run fails if our crates
//! allocate more often than they may.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

use std::process::ExitCode;

use allocation_counter::measure;
use scim_core::{Lenience, Resource, ResourceType};
use scim_filter::{Entry, Filter};
use scim_peers::patch::{OurUser, TheirUser};
use scim_peers::{EVALUATED, PEERS, SHAPES, USER, filter, ours, serde_json_words, words};

/// How often parsing may allocate, by shape.
const MOST: [u64; SHAPES.len()] = [2, 4, 4, 2, 2];
/// How often applying a plan that replaces `displayName` may allocate.
const MOST_APPLY: u64 = 5;

fn main() -> ExitCode {
    let mut broken = 0;
    let mut row = |shape: &str, who: &str, count: u64, most: Option<u64>| {
        let holds = most.is_none_or(|most| count <= most);
        broken += usize::from(!holds);
        let most = most.map_or("–".to_owned(), |most| most.to_string());
        println!("{shape:16} {who:16} {count:11} {most:>8}  {}", if holds { "" } else { "does not hold" });
    };
    println!("{:16} {:16} {:>11} {:>8}", "", "", "allocations", "at most");
    for (shape, most) in SHAPES.into_iter().zip(MOST) {
        let text = filter(shape);
        let words = words(text);
        let mut count = |who: &str, parse: scim_peers::Parse, text: &str, most: Option<u64>| {
            // The first call sets up parsers and schemas.
            if parse(text) {
                row(shape, who, measure(|| _ = parse(text)).count_total, most);
            }
        };
        count("ours", ours, text, Some(most));
        PEERS.into_iter().for_each(|(peer, parse)| count(peer, parse, text, None));
        count("serde_json words", serde_json_words, &words, None);
    }
    let user: serde_json::Value = serde_json::from_str(USER).expect("JSON");
    let resource = Resource::from_canonical(user.as_object().expect("an object").clone());
    let entry = Entry::new("User", "2819c223-7f76-453a-919d-413861904646", &resource);
    for shape in EVALUATED {
        let parsed: Filter = filter(shape).parse().expect("a filter");
        let bound = parsed.bind(&ResourceType::user(), &mut Lenience::strict()).expect("a filter for users");
        let (_, peer) = peer_scim_filter::parser::filter(filter(shape)).expect("a filter");
        row(shape, "ours", measure(|| _ = bound.matches(&entry)).count_total, Some(0));
        row(shape, "scim-filter 0.2", measure(|| drop(peer.r#match(&user))).count_total, None);
    }
    let (mut ours, mut theirs) = (OurUser::new(), TheirUser::new());
    assert!(ours.apply() && ours.request() && theirs.apply());
    let mut replace = |who: &str, count: u64, most: Option<u64>| row("replace", who, count, most);
    replace("apply", measure(|| _ = ours.apply()).count_total, Some(MOST_APPLY));
    replace("from the body", measure(|| _ = ours.request()).count_total, None);
    replace("scim-server", measure(|| _ = theirs.apply()).count_total, None);
    replace("clone", measure(|| drop(user.clone())).count_total, None);
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
