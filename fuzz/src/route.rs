//! Any method, path and query gets an answer without an internal error, and always an equal one.

use std::str;
use std::sync::{Arc, LazyLock};

use scim_core::{Leniency, urn};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::served::Served;

/// Methods that change nothing, so that one server can serve all inputs, and one that does not exist.
const METHODS: [&str; 4] = ["GET", "HEAD", "OPTIONS", "BREW"];

static SERVED: LazyLock<[Served; 2]> = LazyLock::new(|| {
    [Leniency::STRICT, Leniency::INTEROP].map(|leniency| {
        let served = Served::new(Arc::new(MemoryStore::new()), "t", leniency);
        for name in ["ada", "bob", "eve"] {
            let user = json!({"schemas": [urn::USER], "userName": name, "title": "x",
                "emails": [{"value": format!("{name}@example.com"), "type": "work"}]});
            assert_eq!(post(&served, "/Users", &user), 201);
        }
        let members = json!([{"value": "r1"}, {"value": "r2"}]);
        let group = json!({"schemas": [urn::GROUP], "displayName": "all", "members": members});
        assert_eq!(post(&served, "/Groups", &group), 201);
        served
    })
});

fn post(served: &Served, path: &str, body: &Value) -> u16 {
    served.ask("POST", path, &[], body.to_string()).unwrap().status
}

/// Sends a request: the first byte selects the method, and the rest is path and query.
pub fn route(data: &[u8]) {
    let Some((method, rest)) = data.split_first() else { return };
    let Ok(path) = str::from_utf8(rest) else { return };
    let method = METHODS[usize::from(*method) % METHODS.len()];
    for served in &*SERVED {
        let Some(answer) = served.ask(method, path, &[], "") else { return };
        let again = served.ask(method, path, &[], "").unwrap();
        // A cursor contains its expiry, so it differs.
        if answer.body.get("nextCursor").or(answer.body.get("previousCursor")).is_none() {
            assert_eq!((answer.status, &answer.text), (again.status, &again.text), "{method} {path}");
        }
        if answer.status == 200 && method == "GET" && answer.body.get("Resources").is_some() {
            assert_list(&answer.body, path);
        }
        if method == "GET" {
            let head = served.ask("HEAD", path, &[], "").unwrap();
            assert_eq!((head.status, head.header("etag")), (answer.status, answer.header("etag")), "{path}");
        }
    }
}

/// Checks that the members of a list agree with each other.
fn assert_list(list: &Value, path: &str) {
    let count = list["Resources"].as_array().map_or(0, Vec::len);
    if let Some(said) = list.get("itemsPerPage") {
        assert_eq!(said, count, "{path}");
    }
    if let Some(total) = list["totalResults"].as_u64() {
        assert!(count as u64 <= total, "{path}: {list}");
    }
}
