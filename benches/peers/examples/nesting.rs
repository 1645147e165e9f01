//! Shows whether one crate's parser answers nesting of some depth or aborts: `nesting <crate> <depth>`.
//!
//! A stack overflow ends the whole process, so each question needs a process of its own.

use std::time::Instant;

use scim_peers::{PEERS, ours};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (name, depth) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let depth: usize = depth.parse().unwrap_or(50);
    let parse = match PEERS.into_iter().find(|(peer, _)| *peer == name) {
        Some((_, parse)) => parse,
        None => ours,
    };
    let text = format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    let begin = Instant::now();
    let accepted = parse(&text);
    println!(
        "{name}: {depth} deep: {}, {:?}",
        if accepted { "accepted" } else { "refused" },
        begin.elapsed()
    );
}
