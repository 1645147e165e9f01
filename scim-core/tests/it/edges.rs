//! Edge cases that the other tests do not cover.

use scim_core::{Leniency, ResourceTypeDocument, ServiceProviderConfig};
use serde_json::json;

use crate::examples::{example, lossless};
use crate::support::{ROBOT, create, render, resource_type};

#[test]
fn core_068_core_069_the_configuration_8_5_loses_nothing() {
    lossless::<ServiceProviderConfig>(&example("service_provider_config.json"));
}

#[test]
fn core_071_core_072_pagination_and_security_events_lose_nothing() {
    let mut config = serde_json::to_value(ServiceProviderConfig::default()).unwrap();
    config["pagination"] = json!({
        "cursor": true, "index": true, "defaultPaginationMethod": "cursor", "defaultPageSize": 10,
        "maxPageSize": 100, "cursorTimeout": 3600,
    });
    config["securityEvents"] =
        json!({"asyncRequest": "request", "eventUris": ["urn:ietf:params:scim:event:prov:create:full"]});
    lossless::<ServiceProviderConfig>(&config);
    config["securityEvents"]["asyncRequest"] = json!("Request");
    assert!(serde_json::from_value::<ServiceProviderConfig>(config).is_ok());
}

#[test]
fn core_073_the_resource_types_8_6_lose_nothing() {
    for document in example("resource_types.json").as_array().unwrap() {
        lossless::<ResourceTypeDocument>(document);
    }
}

#[test]
fn core_081_write_only_is_never_shown_whatever_returned_says() {
    let attributes = json!([
        {"name": "model"}, {"name": "pin", "mutability": "writeOnly"},
        {"name": "lock", "type": "complex", "subAttributes": [{"name": "code", "mutability": "writeOnly"}, {"name": "kind"}]},
    ]);
    let own = resource_type(attributes, json!([]), false).unwrap();
    let body = json!({"schemas": [ROBOT], "pin": "1234", "lock": {"code": "5678", "kind": "k"}});
    let read = create(&own, &Leniency::STRICT, &body).unwrap().resource;
    for names in [vec![], vec!["pin", "lock", "lock.code"]] {
        let text = render(&own, &read, &names, &[]).to_string();
        assert!(!text.contains("1234") && !text.contains("5678"), "{text}");
    }
}

#[test]
fn core_032_older_schemas_may_list_common_attributes() {
    let attributes = json!([
        {"name": "id", "required": true, "mutability": "readOnly"}, {"name": "externalId"},
        {"name": "meta", "required": true, "type": "complex", "subAttributes": [{"name": "version"}]},
        {"name": "model"},
    ]);
    let own = resource_type(attributes, json!([]), false).unwrap();
    let body = json!({"schemas": [ROBOT], "externalId": "e", "model": "m"});
    let read = create(&own, &Leniency::STRICT, &body).unwrap().resource;
    assert_eq!(render(&own, &read, &[], &[])["externalId"], "e");
}
