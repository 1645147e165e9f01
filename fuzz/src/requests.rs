//! Sequences of whole requests to a server in memory and to one on SQLite, whose answers must be equal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arbitrary::{Result, Unstructured};
use scim_core::{Leniency, urn};
use scim_store::{Durability, MemoryStore, SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use crate::served::{Answer, Served};

/// After how many inputs a new file is used.
const INPUTS: u64 = 2_000;

const MOST: usize = 24;

const NAMES: [&str; 6] = ["ada", "ADA", "bob", "é", "e\u{301}", "ａｄａ"];
const IDS: [&str; 7] = ["r1", "r2", "r3", "r4", "r5", "R1", "none"];
const LISTS: [&str; 12] = [
    "",
    "filter=userName%20eq%20%22ADA%22",
    "filter=emails.value%20co%20%22x%22",
    "filter=emails[type%20eq%20%22work%22]",
    "filter=active%20eq%20true%20or%20title%20pr",
    "filter=not%20(groups%20pr)",
    "filter=members%20eq%20%22r1%22",
    "filter=meta.lastModified%20gt%20%222023-11-14T22:13:25Z%22",
    "filter=displayName%20sw%20%22b%22%20and%20members%20pr",
    "sortBy=title&sortOrder=descending",
    "sortBy=userName",
    "sortBy=meta.lastModified",
];
const PARTS: [&str; 7] = [
    "",
    "attributes=userName,title",
    "attributes=members.value,displayName",
    "excludedAttributes=members,emails",
    "excludedAttributes=groups",
    "attributes=groups",
    "attributes=password,nope",
];
const PATHS: [&str; 12] = [
    "title",
    "active",
    "name.givenName",
    "emails",
    "emails[type eq \"work\"].value",
    "emails[type eq \"home\"]",
    "members",
    "members[value eq \"r1\"]",
    "displayName",
    "userName",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "",
];

/// Checks that both servers give equal answers to any requests in any order.
pub fn requests(data: &[u8]) {
    let _ = run(&mut Unstructured::new(data));
}

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let leniency = *input.choose(&[Leniency::STRICT, Leniency::INTEROP, Leniency::ENTRA])?;
    let (sqlite, tenant) = file();
    let mut pair = Pair {
        servers: [
            Served::new(Arc::new(MemoryStore::new()), &tenant, leniency),
            Served::new(Arc::new(sqlite), &tenant, leniency),
        ],
        cursors: [String::new(), String::new()],
    };
    for _ in 0..MOST {
        if input.is_empty() {
            break;
        }
        step(input, &mut pair)?;
    }
    pair.ask("GET", "/?count=100", &[], "");
    Ok(())
}

/// Returns a store on SQLite, and a tenant of it that is still empty.
fn file() -> (SqliteStore, String) {
    static FILE: Mutex<Option<(SqliteStore, tempfile::TempDir)>> = Mutex::new(None);
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    if number.is_multiple_of(INPUTS) {
        *file = None;
    }
    let (store, _) = file.get_or_insert_with(|| {
        let directory = tempfile::tempdir().unwrap();
        let mut options = SqliteOptions::default().with_durability(Durability::Off);
        options.kept_changes = 1;
        (SqliteStore::open_with(directory.path().join("scim.db"), options).unwrap(), directory)
    });
    (store.clone(), format!("t{number}"))
}

struct Pair {
    servers: [Served; 2],
    /// The last cursor of each server. Positions differ between stores.
    cursors: [String; 2],
}

impl Pair {
    /// Sends a request to both. `CURSOR` in the path is replaced by each server's own cursor.
    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let mut answers = Vec::new();
        for (served, cursor) in self.servers.iter().zip(&mut self.cursors) {
            let path = path.replace("CURSOR", cursor);
            let Some(mut answer) = served.ask(method, &path, headers, body.to_owned()) else { return };
            for name in ["nextCursor", "previousCursor"] {
                if let Some(Value::String(found)) = answer.body.get_mut(name) {
                    *cursor = std::mem::take(found);
                }
            }
            answers.push(answer);
        }
        let told = |answer: &Answer| {
            let headers = ["etag", "location", "allow", "scim-passed-over", "retry-after"];
            let headers = headers.map(|name| answer.header(name).map(str::to_owned));
            (answer.status, headers, answer.body.clone())
        };
        assert_eq!(told(&answers[0]), told(&answers[1]), "memory and SQLite: {method} {path} {body}");
    }
}

fn step(input: &mut Unstructured<'_>, pair: &mut Pair) -> Result<()> {
    let endpoint = *input.choose(&["/Users", "/Groups"])?;
    let id = *input.choose(&IDS)?;
    let parts = *input.choose(&PARTS)?;
    let one = format!("{endpoint}/{id}?{parts}");
    let version = format!("W/\"{}\"", input.int_in_range(1..=4)?);
    let conditions = [("if-match", version.as_str()), ("if-none-match", version.as_str())];
    let headers = match input.int_in_range(0..=5)? {
        0 => &conditions[..1],
        1 => &conditions[1..],
        _ => &[],
    };
    match input.int_in_range(0..=11)? {
        0..=2 => {
            let body = document(input, endpoint)?;
            pair.ask("POST", &format!("{endpoint}?{parts}"), &[], &body.to_string());
        }
        3 => {
            let body = document(input, endpoint)?;
            pair.ask("PUT", &one, headers, &body.to_string());
        }
        4 | 5 => {
            let body = patch(input)?;
            pair.ask("PATCH", &one, headers, &body.to_string());
        }
        6 => pair.ask("DELETE", &format!("{endpoint}/{id}"), headers, ""),
        7 => pair.ask("GET", &one, headers, ""),
        8 | 9 => {
            let list = *input.choose(&LISTS)?;
            let page = match input.int_in_range(0..=3)? {
                0 => String::new(),
                1 => {
                    format!("&startIndex={}&count={}", input.int_in_range(0..=5)?, input.int_in_range(0..=3)?)
                }
                2 => format!("&cursor&count={}", input.int_in_range(1..=3)?),
                _ => format!("&cursor=CURSOR&count={}", input.int_in_range(1..=3)?),
            };
            let endpoint = if input.ratio(1, 6)? { "/" } else { endpoint };
            pair.ask("GET", &format!("{endpoint}?{list}&{parts}{page}"), headers, "");
        }
        10 => {
            let mut operations = Vec::new();
            for at in 0..input.int_in_range(1..=4)? {
                operations.push(bulk_operation(input, endpoint, at)?);
            }
            let body = json!({"schemas": [urn::BULK_REQUEST], "Operations": operations});
            pair.ask("POST", "/Bulk", &[], &body.to_string());
        }
        _ => {
            let length = input.int_in_range(0..=64)?;
            let body = String::from_utf8_lossy(input.bytes(length.min(input.len()))?).into_owned();
            let method = *input.choose(&["POST", "PUT", "PATCH"])?;
            pair.ask(method, &one, headers, &body);
        }
    }
    Ok(())
}

fn members(input: &mut Unstructured<'_>) -> Result<Value> {
    let mut members = Vec::new();
    for _ in 0..input.int_in_range(0..=3)? {
        members.push(json!({"value": input.choose(&IDS)?}));
    }
    Ok(members.into())
}

fn emails(input: &mut Unstructured<'_>) -> Result<Value> {
    let mut emails = Vec::new();
    for _ in 0..input.int_in_range(0..=2)? {
        let (value, kind) = (input.choose(&["a@x", "B@x", "c@y"])?, input.choose(&["work", "home"])?);
        let mut email = json!({"value": value, "type": kind});
        if input.ratio(1, 3)? {
            email["primary"] = input.arbitrary::<bool>()?.into();
        }
        emails.push(email);
    }
    Ok(emails.into())
}

fn document(input: &mut Unstructured<'_>, endpoint: &str) -> Result<Value> {
    let name = *input.choose(&NAMES)?;
    if endpoint == "/Groups" {
        let members = members(input)?;
        return Ok(json!({"schemas": [urn::GROUP], "displayName": name, "members": members}));
    }
    let mut user = json!({"schemas": [urn::USER], "userName": name});
    if input.arbitrary()? {
        user["title"] = (*input.choose(&["x", "Y", "z"])?).into();
    }
    if input.arbitrary()? {
        user["active"] = input.arbitrary::<bool>()?.into();
    }
    if input.arbitrary()? {
        user["emails"] = emails(input)?;
    }
    if input.ratio(1, 4)? {
        user["password"] = "s3cret".into();
    }
    if input.ratio(1, 4)? {
        user["schemas"] = json!([urn::USER, urn::ENTERPRISE_USER]);
        user[urn::ENTERPRISE_USER] = json!({"department": name, "manager": {"value": "r1"}});
    }
    Ok(user)
}

fn patch(input: &mut Unstructured<'_>) -> Result<Value> {
    let mut operations = Vec::new();
    for _ in 0..input.int_in_range(1..=3)? {
        let mut operation = json!({"op": input.choose(&["add", "replace", "remove", "Add"])?});
        let path = *input.choose(&PATHS)?;
        if !path.is_empty() {
            operation["path"] = path.into();
        }
        let value = match input.int_in_range(0..=6)? {
            0 => None,
            1 => Some(json!(input.arbitrary::<bool>()?)),
            2 => Some(members(input)?),
            3 => Some(emails(input)?),
            4 => Some(document(input, "/Users")?),
            5 => Some(json!({"value": "d@z", "type": "work"})),
            _ => Some(json!(input.choose(&NAMES)?)),
        };
        if let Some(value) = value {
            operation["value"] = value;
        }
        operations.push(operation);
    }
    Ok(json!({"schemas": [urn::PATCH_OP], "Operations": operations}))
}

fn bulk_operation(input: &mut Unstructured<'_>, endpoint: &str, at: usize) -> Result<Value> {
    let one = format!("{endpoint}/{}", input.choose(&IDS)?);
    Ok(match input.int_in_range(0..=3)? {
        0 => json!({"method": "DELETE", "path": one}),
        1 => json!({"method": "PATCH", "path": one, "data": patch(input)?}),
        2 => json!({"method": "PUT", "path": one, "data": document(input, endpoint)?}),
        _ => {
            let bulk_id = format!("b{at}");
            json!({"method": "POST", "path": endpoint, "bulkId": bulk_id, "data": document(input, endpoint)?})
        }
    })
}
