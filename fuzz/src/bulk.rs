//! Bulk requests whose operations refer to each other, in any order and in circles.

use std::collections::BTreeSet;
use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use scim_core::{Leniency, urn};
use scim_store::MemoryStore;
use serde_json::{Map, Value, json};

use crate::served::{Answer, Served};

/// Checks that each operation is answered in its place.
///
/// A created resource contains what its references name, and an operation fails if it needs one that failed.
pub fn bulk(data: &[u8]) {
    let _ = run(&mut Unstructured::new(data));
}

/// One operation and what it refers to.
struct Operation {
    json: Value,
    bulk_id: Option<String>,
    members: Vec<usize>,
}

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let count = input.int_in_range(1..=8)?;
    let mut operations = Vec::new();
    for at in 0..count {
        operations.push(operation(input, at, count)?);
    }
    let mut request = json!({"schemas": [urn::BULK_REQUEST]});
    let most_errors = input.int_in_range(0..=3)?;
    if most_errors > 0 {
        request["failOnErrors"] = most_errors.into();
    }
    request["Operations"] = operations.iter().map(|operation| operation.json.clone()).collect();
    let served = Served::new(Arc::new(MemoryStore::new()), "t", Leniency::STRICT);
    let answer = served.ask("POST", "/Bulk", &[], request.to_string()).unwrap();
    // A request is refused as a whole if it names a `bulkId` that no operation has, or that 2 operations have.
    if answer.status != 200 {
        assert_eq!(listed(&served).len(), 0, "{request}: a refused request has made something");
        return Ok(());
    }
    judge(&served, &operations, most_errors, &answer, &request);
    Ok(())
}

fn operation(input: &mut Unstructured<'_>, at: usize, count: usize) -> Result<Operation> {
    let bulk_id = format!("b{at}");
    let (mut json, mut members) = (Map::new(), Vec::new());
    let is_post = input.ratio(3, 4)?;
    let (path, data) = if is_post && input.arbitrary()? {
        let name = input.choose(&["ada", "bob", "eve", ""])?;
        ("/Users".to_owned(), json!({"schemas": [urn::USER], "userName": name}))
    } else {
        for _ in 0..input.int_in_range(0..=2)? {
            members.push(input.choose_index(count)?);
        }
        let links: Vec<Value> =
            members.iter().map(|other| json!({"value": format!("bulkId:b{other}")})).collect();
        let group = json!({"schemas": [urn::GROUP], "displayName": bulk_id, "members": links});
        if is_post {
            ("/Groups".to_owned(), group)
        } else {
            let target = input.choose_index(count)?;
            members.push(target);
            (format!("/Groups/bulkId:b{target}"), group)
        }
    };
    json.insert("method".into(), if is_post { "POST" } else { "PUT" }.into());
    json.insert("path".into(), path.into());
    json.insert("data".into(), data);
    let bulk_id = is_post.then_some(bulk_id);
    if let Some(bulk_id) = &bulk_id {
        json.insert("bulkId".into(), bulk_id.as_str().into());
    }
    Ok(Operation { json: json.into(), bulk_id, members })
}

fn judge(served: &Served, operations: &[Operation], most_errors: usize, answer: &Answer, request: &Value) {
    let results = answer.body["Operations"].as_array().unwrap();
    let failed = |result: &Value| result["status"].as_str().is_none_or(|status| !status.starts_with('2'));
    let errors = results.iter().filter(|result| failed(result)).count();
    if most_errors == 0 {
        assert_eq!(results.len(), operations.len(), "{request}");
    }
    // An operation without a result is one of the last, or waits for one that was not carried out.
    let (mut result, mut done, mut made) = (results.iter().peekable(), BTreeSet::new(), BTreeSet::new());
    for (at, operation) in operations.iter().enumerate() {
        let method = operation.json["method"].as_str();
        let is_its_own = |result: &&&Value| {
            result["method"].as_str() == method && result["bulkId"].as_str() == operation.bulk_id.as_deref()
        };
        let Some(found) = result.next_if(|result| is_its_own(&result)) else { continue };
        if !failed(found) {
            done.insert(at);
            if let (Some(location), "POST") = (found["location"].as_str(), method.unwrap_or_default()) {
                made.insert(location.to_owned());
            }
        }
    }
    assert!(result.next().is_none(), "{request}: a result in the wrong place: {results:?}");
    if most_errors > 0 && results.len() < operations.len() {
        assert!(errors >= most_errors, "{request}: it stopped too early: {results:?}");
    }
    for at in &done {
        for needed in &operations[*at].members {
            assert!(done.contains(needed), "{request}: {at} needs {needed}, which is not there: {results:?}");
        }
    }
    let listed = listed(served);
    let locations: BTreeSet<String> = listed.iter().map(|(location, _)| location.clone()).collect();
    assert_eq!(locations, made, "{request}: what is there is what was made");
    for (location, resource) in &listed {
        assert!(!resource.to_string().contains("bulkId"), "{location}: {resource}");
    }
}

/// Returns all resources with their locations.
fn listed(served: &Served) -> Vec<(String, Value)> {
    let answer = served.ask("GET", "/?count=1000", &[], "").unwrap();
    let resources = answer.body["Resources"].as_array().cloned().unwrap_or_default();
    resources
        .into_iter()
        .map(|found| (found["meta"]["location"].as_str().unwrap().to_owned(), found))
        .collect()
}
