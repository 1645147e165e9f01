//! Messages — RFC 7644 §3, RFC 9865 §2.

use scim_core::{Error, ListResponse, ResourceTypeDocument, ScimType, ServiceProviderConfig, urn};
use serde_json::{Value, json};

#[test]
fn core_088_every_message_names_its_schema() {
    let written = |value: Result<Value, serde_json::Error>| value.unwrap()["schemas"].clone();
    let page = ListResponse::<Value>::all(vec![]);
    assert_eq!(written(serde_json::to_value(page)), json!([urn::LIST_RESPONSE]));
    assert_eq!(written(serde_json::to_value(Error::not_found("x"))), json!([urn::ERROR]));
    let config = ServiceProviderConfig::default();
    assert_eq!(written(serde_json::to_value(config)), json!([urn::SERVICE_PROVIDER_CONFIG]));
    let document = ResourceTypeDocument::new("a", "/b", "c");
    assert_eq!(written(serde_json::to_value(document)), json!([urn::RESOURCE_TYPE]));
}

#[test]
fn core_089_a_list_response_says_how_much_it_holds() {
    let body = json!({
        "schemas": [urn::LIST_RESPONSE], "totalResults": 7, "startIndex": 3, "itemsPerPage": 2,
        "Resources": [{"id": "a"}, {"id": "b"}],
    });
    let read: ListResponse<Value> = serde_json::from_value(body.clone()).unwrap();
    assert_eq!((read.total_results, read.start_index, read.items_per_page), (7, Some(3), Some(2)));
    assert_eq!(serde_json::to_value(read).unwrap(), body);
    assert_eq!(serde_json::to_value(ListResponse::page(7, 3, vec!["a", "b"])).unwrap()["itemsPerPage"], 2);
}

#[test]
fn core_090_cursors_come_and_go() {
    let body = json!({
        "schemas": [urn::LIST_RESPONSE], "totalResults": 9, "itemsPerPage": 1, "nextCursor": "n",
        "previousCursor": "p", "Resources": [1],
    });
    let read: ListResponse<u8> = serde_json::from_value(body.clone()).unwrap();
    assert_eq!((read.next_cursor.as_deref(), read.previous_cursor.as_deref()), (Some("n"), Some("p")));
    assert_eq!(serde_json::to_value(read).unwrap(), body);
    let without = serde_json::to_value(ListResponse::all(vec![1])).unwrap();
    assert!(without.get("nextCursor").is_none() && without.get("previousCursor").is_none());
}

#[test]
fn core_094_an_error_says_status_and_keyword() {
    let error = Error::scim(ScimType::Mutability, "`id` is read-only");
    let body = serde_json::to_value(&error).unwrap();
    assert_eq!(
        body,
        json!({"schemas": [urn::ERROR], "status": "400", "scimType": "mutability", "detail": "`id` is read-only"})
    );
    assert!(serde_json::to_value(Error::not_found("x")).unwrap().get("scimType").is_none());
    assert!(serde_json::from_value::<Error>(json!({"schemas": [urn::ERROR], "detail": "x"})).is_err());
}
