//! Paging by cursor: each resource is returned once, and only cursors issued for a query are accepted in it.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arbitrary::{Result, Unstructured};
use scim_core::{Leniency, urn};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::served::Served;

const PEOPLE: usize = 9;

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let served = Served::new(Arc::new(MemoryStore::new()), "t", Leniency::INTEROP);
    for number in 0..PEOPLE {
        let mut user = json!({"schemas": [urn::USER], "userName": format!("n{number}"),
            "title": (["x", "Y", "é"][number % 3])});
        if number % 4 == 0 {
            user.as_object_mut().unwrap().remove("title");
        }
        let made = served.ask("POST", "/Users", &[], user.to_string()).unwrap();
        assert_eq!(made.status, 201);
    }
    served
});

const ORDERS: [&str; 6] = [
    "",
    "&sortBy=userName",
    "&sortBy=title",
    "&sortBy=title&sortOrder=descending",
    "&sortBy=meta.created&sortOrder=descending",
    "&sortBy=id",
];

const FILTERS: [(&str, usize); 3] =
    [("", PEOPLE), ("&filter=title%20pr", 6), ("&filter=title%20eq%20%22y%22", 2)];

/// Reads all pages, also backwards, and then tries cursors that the input changed.
pub fn cursor(data: &[u8]) {
    // If the input ends early, the remaining checks are skipped.
    let _ = walk(&mut Unstructured::new(data));
}

fn walk(input: &mut Unstructured<'_>) -> Result<()> {
    let order = *input.choose(&ORDERS)?;
    let (filter, expected) = *input.choose(&FILTERS)?;
    let count = input.int_in_range(1..=PEOPLE)?;
    let question = format!("{order}{filter}");
    let page = |cursor: &str| {
        let path = format!("/Users?count={count}&cursor={cursor}{question}");
        SERVED.ask("GET", &path, &[], "").unwrap()
    };
    let mut met: Vec<BTreeSet<String>> = Vec::new();
    let mut issued = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = page(&cursor);
        assert_eq!(answer.status, 200, "{question} {cursor}: {answer:?}");
        assert_eq!(answer.body["totalResults"], expected);
        let names = answer.body["Resources"].as_array().into_iter().flatten();
        met.push(names.map(|user| user["userName"].to_string()).collect());
        if let (Some(before), true) = (text(&answer.body, "previousCursor"), met.len() > 1) {
            let back = page(&before);
            let names = back.body["Resources"].as_array().into_iter().flatten();
            let names: BTreeSet<String> = names.map(|user| user["userName"].to_string()).collect();
            assert_eq!(names, met[met.len() - 2], "{question}: the page before is the one that led here");
        }
        match text(&answer.body, "nextCursor") {
            Some(next) => cursor = next,
            None => break,
        }
        assert!(met.len() <= expected, "{question}: the walk does not end");
        issued.push(cursor.clone());
    }
    let all: Vec<&String> = met.iter().flatten().collect();
    assert_eq!(all.len(), expected, "{question}");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), expected, "{question}: one is met twice");
    let Some(known) = issued.first() else { return Ok(()) };
    // The cursor belongs to another query.
    let other = format!("/Users?count={count}&cursor={known}&sortBy=nickName");
    assert_eq!(SERVED.ask("GET", &other, &[], "").unwrap().body["scimType"], "invalidCursor");
    let mut forged = known.clone().into_bytes();
    let at = input.choose_index(forged.len())?;
    forged[at] = *input.choose(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")?;
    let forged = String::from_utf8(forged).unwrap();
    if !issued.contains(&forged) {
        assert_eq!(page(&forged).body["scimType"], "invalidCursor", "{forged} for {known}");
    }
    let rest: String = String::from_utf8_lossy(input.bytes(input.len())?).into_owned();
    if !rest.is_empty() {
        let search = json!({"schemas": [urn::SEARCH_REQUEST], "cursor": rest, "count": count});
        let answer = SERVED.ask("POST", "/Users/.search", &[], search.to_string()).unwrap();
        assert_eq!(answer.body["scimType"], "invalidCursor", "{rest:?}");
    }
    Ok(())
}

fn text(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned)
}
