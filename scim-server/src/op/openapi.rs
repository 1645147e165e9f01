//! `GET /openapi.json`: an OpenAPI 3.1 description of what is served, made from the registry. Response schemas are
//! closed unless unknown attributes are kept, so that a tester finds attributes that should not be there.

mod schema;

use http::{StatusCode, header};
use scim_core::{Error, ResourceType, urn};
use serde_json::{Map, Value, json};

use self::schema::components;
use crate::respond::Answer;
use crate::server::Inner;

pub(crate) fn run(server: &Inner) -> Result<Answer, Error> {
    Ok(Answer::json(StatusCode::OK, &document(server))?
        .public()
        .header(header::CONTENT_TYPE, "application/json"))
}

fn document(server: &Inner) -> Value {
    let mut paths = Map::new();
    for resource_type in server.registry.resource_types() {
        of_type(server, resource_type, &mut paths);
    }
    of_server(server, &mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {"title": "SCIM 2.0", "version": env!("CARGO_PKG_VERSION"), "description": "RFC 7643, 7644, 9865"},
        "servers": [{"url": server.base}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": components(server),
    })
}

/// Describes the operations on the resources of one type.
fn of_type(server: &Inner, resource_type: &ResourceType, paths: &mut Map<String, Value>) {
    let (name, endpoint) = (resource_type.name(), resource_type.endpoint());
    let resource = reference(name);
    let list = reference(&format!("{name}List"));
    let body = |name: &str| json!({"required": true, "content": media(&reference(name))});
    let input = format!("{name}Input");
    let shown = parameters(&SHOWN);
    paths.insert(
        endpoint.to_owned(),
        json!({
            "get": listed(server, &format!("list{name}"), &list),
            "post": operation(&format!("create{name}"), &shown, Some(body(&input)), &[(201, &resource)], &CREATED),
        }),
    );
    paths.insert(
        format!("{endpoint}/.search"),
        json!({"post": searched(server, &format!("search{name}"), &list)}),
    );
    let with_body = |word: &str, input: &str| {
        operation(
            &format!("{word}{name}"),
            &conditions(&shown),
            Some(body(input)),
            &[(200, &resource)],
            &CHANGED,
        )
    };
    let mut read = operation(&format!("read{name}"), &conditions(&shown), None, &[(200, &resource)], &READ);
    read["responses"]["304"] = json!({"description": "not modified", "headers": {"ETag": header_of(true)}});
    let mut delete = operation(&format!("delete{name}"), &conditions(&[]), None, &[], &DELETED);
    delete["responses"]["204"] = json!({"description": "deleted"});
    let mut one = json!({
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}}],
        "get": read,
        "put": with_body("replace", &input),
        "delete": delete,
    });
    if server.patching {
        one["patch"] = with_body("patch", "PatchOp");
        one["patch"]["responses"]["204"] =
            json!({"description": "changed", "headers": {"ETag": header_of(true)}});
    }
    paths.insert(format!("{endpoint}/{{id}}"), one);
    if server.me.is_some() {
        paths.entry("/Me").or_insert_with(|| of_me(server));
    }
}

/// Describes `/Me`, which may be a resource of any type.
fn of_me(server: &Inner) -> Value {
    let any: Vec<_> = server.registry.resource_types().iter().map(|known| reference(known.name())).collect();
    let any = json!({"anyOf": any});
    let body = json!({"required": true, "content": media(&json!({"type": "object"}))});
    let (shown, conditional) = (parameters(&SHOWN), conditions(&parameters(&SHOWN)));
    let changed = |word: &str| {
        operation(&format!("{word}Me"), &conditional, Some(body.clone()), &[(200, &any)], &CHANGED)
    };
    let mut delete = operation("deleteMe", &conditions(&[]), None, &[], &DELETED);
    delete["responses"]["204"] = json!({"description": "deleted"});
    let mut read = operation("readMe", &conditional, None, &[(200, &any)], &READ);
    read["responses"]["304"] = json!({"description": "not modified", "headers": {"ETag": header_of(true)}});
    let mut me = json!({
        "get": read,
        "post": operation("createMe", &shown, Some(body.clone()), &[(201, &any)], &CREATED),
        "put": changed("replace"),
        "delete": delete,
    });
    if server.patching {
        me["patch"] = changed("patch");
        me["patch"]["responses"]["204"] = json!({"description": "changed"});
    }
    me
}

/// Describes a query by GET. A feature that is not supported has no parameter, and asking for it is 501.
fn listed(server: &Inner, id: &str, list: &Value) -> Value {
    let mut named = parameters(&LIST);
    if server.sorting {
        named.extend(parameters(&SORT));
    }
    if server.cursors.is_some() {
        named.extend(parameters(&CURSOR));
    }
    let mut operation = operation(id, &named, None, &[(200, list)], &LISTED);
    operation["responses"]["304"] = json!({"description": "asked for unless it is there"});
    refuse_what_is_off(server, &mut operation);
    operation
}

/// Describes a query by POST.
fn searched(server: &Inner, id: &str, list: &Value) -> Value {
    let search = json!({"required": true, "content": media(&reference("SearchRequest"))});
    let mut operation = operation(id, &[], Some(search), &[(200, list)], &SEARCHED);
    refuse_what_is_off(server, &mut operation);
    operation
}

fn refuse_what_is_off(server: &Inner, operation: &mut Value) {
    if !server.sorting || server.cursors.is_none() {
        operation["responses"]["501"] = error_response();
    }
}

/// Describes what does not belong to one type.
fn of_server(server: &Inner, paths: &mut Map<String, Value>) {
    let any = reference("ListResponse");
    paths.insert("/".into(), json!({"get": listed(server, "listAll", &any)}));
    paths.insert("/.search".into(), json!({"post": searched(server, "searchAll", &any)}));
    if server.bulk.is_some() {
        let body = json!({"required": true, "content": media(&reference("BulkRequest"))});
        let bulk = operation("bulk", &[], Some(body), &[(200, &reference("BulkResponse"))], &BULK);
        paths.insert("/Bulk".into(), json!({"post": bulk}));
    }
    let open = json!({"type": "object", "required": ["schemas", "meta"]});
    let list = json!({"type": "object", "required": ["schemas", "totalResults", "Resources"]});
    for (path, schema) in [("/ServiceProviderConfig", &open), ("/ResourceTypes", &list), ("/Schemas", &list)]
    {
        let name = format!("read{}", path.trim_start_matches('/'));
        let mut document = operation(&name, &[], None, &[(200, schema)], &DISCOVERY);
        document["responses"]["304"] = json!({"description": "asked for unless it is there"});
        paths.insert(path.into(), json!({"get": document}));
    }
    for path in ["/ResourceTypes", "/Schemas"] {
        let name = format!("readOne{}", path.trim_start_matches('/'));
        let mut one = operation(&name, &[], None, &[(200, &open)], &DISCOVERY);
        one["responses"]["404"] = error_response();
        one["responses"]["304"] = json!({"description": "asked for unless it is there"});
        let id = json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}}]);
        paths.insert(format!("{path}/{{id}}"), json!({"parameters": id, "get": one}));
    }
}

// The error statuses of each operation, in addition to those of all operations.
const LISTED: [u16; 3] = [400, 403, 412];
const SEARCHED: [u16; 4] = [400, 403, 413, 415];
const READ: [u16; 3] = [400, 404, 412];
const CREATED: [u16; 6] = [400, 404, 409, 412, 413, 415];
const CHANGED: [u16; 7] = [400, 404, 409, 412, 413, 415, 503];
const DELETED: [u16; 3] = [404, 412, 503];
const BULK: [u16; 3] = [400, 413, 415];
const DISCOVERY: [u16; 2] = [403, 412];

/// The error statuses of every operation. 500 is no promise, so it is not listed.
const ALWAYS: [u16; 3] = [401, 403, 406];

fn operation(
    id: &str,
    parameters: &[Value],
    body: Option<Value>,
    answers: &[(u16, &Value)],
    refusals: &[u16],
) -> Value {
    let mut responses = Map::new();
    for (status, schema) in answers {
        let mut headers = json!({"X-Request-Id": header_of(true)});
        if !matches!(*schema, Value::Object(schema) if schema.get("$ref").is_none()) && !is_list(schema) {
            headers["ETag"] = header_of(true);
        }
        if *status == 201 {
            headers["Location"] = header_of(true);
        }
        let response = json!({"description": "done", "headers": headers, "content": media(schema)});
        responses.insert(status.to_string(), response);
    }
    for status in refusals.iter().chain(&ALWAYS) {
        responses.insert(status.to_string(), error_response());
    }
    if let Some(unauthorized) = responses.get_mut("401") {
        unauthorized["headers"] = json!({"WWW-Authenticate": header_of(true)});
    }
    let mut operation = json!({"operationId": id, "parameters": parameters, "responses": responses});
    if let Some(body) = body {
        operation["requestBody"] = body;
    }
    operation
}

/// Returns whether it is a list or a message. These have no tag.
fn is_list(schema: &Value) -> bool {
    let name = schema["$ref"].as_str().unwrap_or_default();
    ["List", "ListResponse", "BulkResponse"].iter().any(|untagged| name.ends_with(untagged))
}

fn header_of(required: bool) -> Value {
    json!({"required": required, "schema": {"type": "string"}})
}

fn error_response() -> Value {
    json!({"description": "refused", "content": media(&reference("Error"))})
}

fn media(schema: &Value) -> Value {
    json!({urn::MEDIA_TYPE: {"schema": schema}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Query parameters by name and type.
type Parameters = [(&'static str, &'static str)];

const SHOWN: [(&str, &str); 2] = [("attributes", "string"), ("excludedAttributes", "string")];

const LIST: [(&str, &str); 5] = [
    ("attributes", "string"),
    ("excludedAttributes", "string"),
    ("filter", "string"),
    ("startIndex", "integer"),
    ("count", "integer"),
];

const SORT: [(&str, &str); 2] = [("sortBy", "string"), ("sortOrder", "string")];

const CURSOR: [(&str, &str); 1] = [("cursor", "string")];

fn parameters(list: &Parameters) -> Vec<Value> {
    let one = |(name, kind): &(&str, &str)| json!({"name": name, "in": "query", "schema": {"type": kind}});
    list.iter().map(one).collect()
}

fn conditions(parameters: &[Value]) -> Vec<Value> {
    let condition = |name| json!({"name": name, "in": "header", "schema": {"type": "string"}});
    parameters.iter().cloned().chain(["If-Match", "If-None-Match"].map(condition)).collect()
}
