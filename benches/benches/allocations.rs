//! How often reading and writing one user allocates. This is not part of the benchmark `core`, because counting costs
//! time.

#![allow(missing_docs)]

use allocation_counter::{AllocationInfo, measure};
use scim_benches::user::{self, Rendering};

fn main() {
    let rendering = Rendering::new();
    // The schemas are read on first use.
    drop(user::ingest(user::BODY));
    println!("{:30} {:>11} {:>8} {:>8}", "", "allocations", "bytes", "at most");
    print("from_slice::<Value>", &measure(|| drop(serde_json::from_slice::<serde_json::Value>(user::BODY))));
    print("ingest", &measure(|| drop(user::ingest(user::BODY))));
    print("whole resource", &measure(|| drop(rendering.whole())));
    print("three attributes", &measure(|| drop(rendering.three_attributes())));
}

fn print(what: &str, cost: &AllocationInfo) {
    println!("{what:30} {:11} {:8} {:8}", cost.count_total, cost.bytes_total, cost.bytes_max);
}
