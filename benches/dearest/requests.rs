//! For each limit, the dearest known request that it allows.

use http::Method;
use scim_core::urn;
use serde_json::{Value, json};

use crate::data::LARGE;

/// A request that causes as much work as its limits allow.
#[derive(Clone)]
pub(crate) struct Dear {
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// Whether its work depends on how much is stored, so that it has no fixed limit.
    pub(crate) proportional: bool,
}

impl Dear {
    pub(crate) fn new(
        name: &'static str,
        method: Method,
        path: impl Into<String>,
        body: Option<Value>,
    ) -> Self {
        Self { name, method, path: path.into(), body, proportional: false }
    }

    fn search(name: &'static str, body: Value) -> Self {
        let mut message = json!({"schemas": [urn::SEARCH_REQUEST], "count": 1});
        if let (Some(message), Value::Object(members)) = (message.as_object_mut(), body) {
            message.extend(members);
        }
        Self::new(name, Method::POST, "/Users/.search", Some(message))
    }

    fn proportional(self) -> Self {
        Self { proportional: true, ..self }
    }
}

/// Joins `many` terms. `term` makes each from its number.
fn terms(many: usize, joint: &str, term: impl Fn(usize) -> String) -> String {
    (0..many).map(term).collect::<Vec<_>>().join(joint)
}

/// Returns all requests. The first group is read and emptied, the second one is deleted.
pub(crate) fn all([everybody, leaving]: [&str; 2]) -> Vec<Dear> {
    let contains = |at: usize| format!("title co \"éx{at}\"");
    let element = |at: usize| format!("emails[value co \"éx{at}\"]");
    let patch = |operations: Vec<Value>| json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let remove = |at: usize| json!({"op": "remove", "path": format!("emails[value co \"x{at}\"]")});
    let user = format!("/Users/{LARGE}");
    let group = format!("/Groups/{everybody}");
    let names: Vec<String> = (0..3_000).map(|at| format!("name.x{at},emails.value,name.givenName")).collect();
    let bulk = |operations: Vec<Value>| json!({"schemas": [urn::BULK_REQUEST], "Operations": operations});
    vec![
        Dear::search(
            "one resource, 4,000 terms on one text",
            json!({"filter": format!("id eq \"{LARGE}\" and ({})", terms(4_000, " or ", contains))}),
        ),
        Dear::search(
            "one resource, 4,000 terms on 8,000 elements",
            json!({"filter": format!("id eq \"{LARGE}\" and ({})", terms(4_000, " or ", element))}),
        ),
        Dear::search("all resources, one term", json!({"filter": contains(0)})),
        Dear::search("all resources, 1,000 terms", json!({"filter": terms(1_000, " or ", contains)})),
        Dear::search(
            "the index, 4,000 ranges that overlap",
            json!({"filter": terms(4_000, " or ", |at| format!("userName ge \"p{at:0>3}\""))}),
        ),
        Dear::search(
            "the index, 4,000 ranges that all have to hold",
            json!({"filter": terms(4_000, " and ", |at| format!("userName le \"z{at}\""))}),
        ),
        Dear::search(
            "the index, 4,000 questions for a group",
            json!({"filter": terms(4_000, " and ", |_| format!("groups.value eq \"{everybody}\""))}),
        ),
        Dear::search("sorting by what has no index", json!({"sortBy": "nickName"})),
        Dear::search("sorting what an index finds", json!({"filter": "userName sw \"p\"", "sortBy": "title"})),
        Dear::search("the last page", json!({"startIndex": 1_000_000_000})),
        Dear::search(
            "9,000 names to show, of 200 resources",
            json!({"attributes": names, "count": 200}),
        ),
        Dear::new("one large resource", Method::GET, user.clone(), None),
        Dear::new(
            "PATCH, 1,000 filters over 8,000 elements",
            Method::PATCH,
            user.clone(),
            Some(patch((0..1_000).map(remove).collect())),
        ),
        Dear::new(
            "PATCH, 1,000 values added to 8,000",
            Method::PATCH,
            user.clone(),
            Some(patch(
                (0..1_000)
                    .map(|at| json!({"op": "add", "path": "emails", "value": [{"value": at.to_string()}]}))
                    .collect(),
            )),
        ),
        Dear::new(
            "bulk, 1,000 PATCHes, each 10 filters over 8,000 elements",
            Method::POST,
            "/Bulk",
            Some(bulk(
                (0..1_000)
                    .map(|_| {
                        json!({"method": "PATCH", "path": user, "data": patch((0..10).map(remove).collect())})
                    })
                    .collect(),
            )),
        ),
        Dear::new("a group of all, read", Method::GET, group.clone(), None).proportional(),
        Dear::new(
            "a group of all, by a filter over its members",
            Method::PATCH,
            group.clone(),
            Some(patch(vec![json!({"op": "remove", "path": "members[display co \"zzz\"]"})])),
        )
        .proportional(),
        Dear::new(
            "a group of all, replaced by nobody",
            Method::PATCH,
            group,
            Some(patch(vec![json!({"op": "replace", "path": "members", "value": []})])),
        )
        .proportional(),
        Dear::new("a group of all, deleted", Method::DELETE, format!("/Groups/{leaving}"), None).proportional(),
        Dear::new(
            "bulk, 1,000 creates",
            Method::POST,
            "/Bulk",
            Some(bulk(
                (0..1_000)
                    .map(|at| {
                        let data = json!({"schemas": [urn::USER], "userName": format!("{everybody}{at}")});
                        json!({"method": "POST", "path": "/Users", "bulkId": at.to_string(), "data": data})
                    })
                    .collect(),
            )),
        )
        .proportional(),
    ]
}
