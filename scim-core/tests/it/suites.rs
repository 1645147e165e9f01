//! The requirements of other projects' suites that concern representations. Only their ids are written here.
//! `deviations.json` lists the rest by reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use scim_core::{
    DateTime, Error, Lenience, Leniency, ListResponse, Registry, Resource, ResourceType,
    ResourceTypeDocument, Schema, is_attribute_name, urn,
};
use serde_json::{Value, json};

use scim_testdata::{cases, read};

use crate::support::{create, refused, render, replace};

/// The resource type that these suites assume, from `vendor/`. The checks use it.
struct Vendor {
    resource_type: Arc<ResourceType>,
    schema: String,
    extension: String,
}

impl Vendor {
    fn new(cases: &Path) -> Self {
        let mut builder = Registry::builder();
        for schema in read(&cases.join("vendor/testsuite_schemas.json")).as_array().unwrap() {
            builder = builder.schema_json(schema.clone()).unwrap();
        }
        let documents = read(&cases.join("vendor/testsuite_resource_types.json"));
        let document: ResourceTypeDocument = serde_json::from_value(documents[0].clone()).unwrap();
        let registry = builder.resource_type_document(document).build().unwrap();
        let resource_type = Arc::clone(&registry.resource_types()[0]);
        let extension = resource_type.extensions()[0].schema.id().to_string();
        Self { schema: resource_type.schema().id().to_string(), resource_type, extension }
    }

    fn body(&self, extra: Value) -> Value {
        let mut body = json!({
            "schemas": [self.schema, self.extension], "identifier": "i",
            &self.extension: {"extRequired": "r"},
        });
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    fn create(&self, extra: Value) -> Result<Resource, Error> {
        create(&self.resource_type, &Leniency::STRICT, &self.body(extra)).map(|read| read.resource)
    }

    fn replace(&self, before: &Resource, extra: Value) -> Result<Resource, Error> {
        replace(&self.resource_type, before, &self.body(extra))
    }

    fn show(&self, resource: &Resource, attributes: &[&str], excluded: &[&str]) -> Value {
        render(&self.resource_type, resource, attributes, excluded)
    }

    /// Creates a resource with the value, and fails unless the value is returned as it was sent.
    fn round_trip(&self, name: &str, value: Value) {
        let shown = self.show(&self.create(json!({name: value})).unwrap(), &[], &[]);
        assert_eq!(shown[name].to_string(), value.to_string(), "{name}");
    }
}

fn user(extra: Value) -> Result<Resource, Error> {
    crate::support::user_of(extra)
}

fn show_user(resource: &Resource) -> Value {
    render(&ResourceType::user(), resource, &[], &[])
}

fn schemas_of_users(schemas: Value) -> Result<Resource, Error> {
    let body = json!({"schemas": schemas, "userName": "ada"});
    create(&ResourceType::user(), &Leniency::STRICT, &body).map(|read| read.resource)
}

fn never_shown() {
    let shown = show_user(&user(json!({"password": "t1meMa$heen"})).unwrap());
    assert!(!shown.to_string().contains("t1meMa"));
}

type Check = fn(&Vendor);

/// The checks for each id.
const CHECKS: &[(&str, Check)] = &[
    ("EXTRA-TYPE-INT", |vendor| vendor.round_trip("integerAttr", json!(9_007_199_254_740_993_i64))),
    ("EXTRA-TYPE-BOOL", |vendor| vendor.round_trip("booleanAttr", json!(false))),
    ("EXTRA-TYPE-DT", |vendor| vendor.round_trip("dateTimeAttr", json!("2008-01-23T04:56:22Z"))),
    ("EXTRA-TYPE-BIN", |vendor| vendor.round_trip("binaryAttr", json!("aGVsbG8="))),
    ("EXTRA-TYPE-REF", |vendor| vendor.round_trip("referenceAttr", json!("https://h.example/x"))),
    ("EXTRA-TYPE-COMPLEX", |vendor| {
        vendor.round_trip("complexAttr", json!({"sub1": "a", "sub2": 2, "sub3": true}));
    }),
    ("EXTRA-MUT-IMMUTABLE", |vendor| {
        let before = vendor.create(json!({"immutableAttr": "a"})).unwrap();
        assert_eq!(before.text("immutableAttr"), Some("a"));
        refused(vendor.replace(&before, json!({"immutableAttr": "b"})), "mutability", "immutableAttr");
    }),
    ("EXTRA-MUT-WRITEONLY", |vendor| {
        let read = vendor.create(json!({"writeOnlyAttr": "s3cret"})).unwrap();
        assert_eq!(read.text("writeOnlyAttr"), Some("s3cret"));
        for names in [vec![], vec!["writeOnlyAttr"]] {
            assert!(vendor.show(&read, &names, &[]).get("writeOnlyAttr").is_none());
        }
    }),
    ("EXTRA-MUT-READONLY", |vendor| {
        let read = vendor.create(json!({"readOnlyAttr": "x"})).unwrap();
        assert!(read.text("readOnlyAttr").is_none());
    }),
    ("EXTRA-RET-ALWAYS", |vendor| {
        let read = vendor.create(json!({"alwaysReturnedAttr": "x"})).unwrap();
        assert_eq!(vendor.show(&read, &[], &["alwaysReturnedAttr"])["alwaysReturnedAttr"], "x");
    }),
    ("EXTRA-RET-NEVER", |vendor| {
        let read = vendor.create(json!({"writeOnlyAttr": "x"})).unwrap();
        assert!(vendor.show(&read, &["writeOnlyAttr"], &[]).get("writeOnlyAttr").is_none());
    }),
    ("EXTRA-EXT-CONTAINER", |vendor| {
        let shown = vendor.show(&vendor.create(json!({})).unwrap(), &[], &[]);
        assert_eq!(shown[&vendor.extension]["extRequired"], "r");
        assert!(shown.get("extRequired").is_none());
    }),
    ("EXTRA-EXT-ROUNDTRIP", |vendor| {
        vendor.round_trip(&vendor.extension, json!({"extInteger": 3, "extRequired": "r", "extString": "s"}));
    }),
    ("EXTRA-EXT-SCHEMAS", |vendor| {
        let shown = vendor.show(&vendor.create(json!({})).unwrap(), &[], &[]);
        assert_eq!(shown["schemas"], json!([vendor.schema, vendor.extension]));
    }),
    ("EXTRA-MV-ROUNDTRIP", |vendor| vendor.round_trip("multiStrings", json!(["b", "a", "c"]))),
    ("EXTRA-MV-COMPLEX-PRIMARY", |vendor| {
        let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
        refused(vendor.create(json!({"multiComplex": two})), "invalidValue", "multiComplex");
    }),
    ("RFC7643-2.1-L366", |_| {
        refused(
            create(&ResourceType::user(), &Leniency::STRICT, &json!({"userName": "a"})),
            "invalidSyntax",
            "schemas",
        );
        assert_eq!(show_user(&user(json!({})).unwrap())["schemas"], json!([urn::USER]));
    }),
    ("RFC7643-2.1-L369", |_| {
        for schema in [Schema::user(), Schema::group(), Schema::enterprise_user()] {
            assert!(schema.attributes().iter().all(|attribute| is_attribute_name(&attribute.name)));
        }
        assert!(Schema::from_json(json!({"id": "urn:x", "attributes": [{"name": "1a"}]})).is_err());
    }),
    ("RFC7643-2.3.4-L521", |vendor| {
        for value in [json!(1.5), json!(1.0)] {
            refused(vendor.create(json!({"integerAttr": value})), "invalidValue", "integerAttr");
        }
    }),
    ("RFC7643-2.3.5-L527", |vendor| {
        for value in ["2008-01-23", "04:56:22Z", "now"] {
            refused(vendor.create(json!({"dateTimeAttr": value})), "invalidValue", "dateTimeAttr");
        }
    }),
    ("RFC7643-2.3.5-L531", |vendor| {
        for value in ["2008-01-23t04:56:22z", "2008-01-23T04:56:22+15:00", "2008-02-30T00:00:00Z"] {
            refused(vendor.create(json!({"dateTimeAttr": value})), "invalidValue", "dateTimeAttr");
        }
    }),
    ("RFC7643-2.3.6-L537", |vendor| {
        refused(vendor.create(json!({"binaryAttr": "not base64!"})), "invalidValue", "binaryAttr");
    }),
    ("RFC7643-2.3.7-L552", |vendor| {
        vendor.round_trip("referenceAttr", json!("../Users/1"));
        refused(vendor.create(json!({"referenceAttr": "http://["})), "invalidValue", "referenceAttr");
    }),
    ("RFC7643-2.3.8-L592", |vendor| {
        let text = vendor.body(json!({"complexAttr": {"sub1": "a", "sub2": 2}})).to_string();
        let other = text.replace(r#"{"sub1":"a","sub2":2}"#, r#"{"sub2":2,"sub1":"a"}"#);
        assert_ne!(text, other);
        let read = |text: &str| {
            scim_core::ingest(
                text.as_bytes(),
                &vendor.resource_type,
                None,
                &mut Lenience::strict(),
                &Default::default(),
            )
        };
        assert_eq!(read(&text), read(&other));
    }),
    ("RFC7643-2.3.8-L595", |_| {
        let nested = json!({"id": "urn:x", "attributes": [{"name": "a", "type": "complex",
            "subAttributes": [{"name": "b", "type": "complex", "subAttributes": [{"name": "c"}]}]}]});
        assert!(Schema::from_json(nested).is_err());
    }),
    ("RFC7643-2.4-L634", |_| {
        let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
        refused(user(json!({"emails": two})), "invalidValue", "primary");
    }),
    ("RFC7643-2.4-L663", |_| {
        let twice = json!([{"value": "a@x", "type": "work"}, {"type": "work", "value": "a@x"}]);
        let shown = show_user(&user(json!({"emails": twice})).unwrap());
        assert_eq!(shown["emails"], json!([{"value": "a@x", "type": "work"}]));
    }),
    ("RFC7643-2.5-L682", |_| {
        let absent = user(json!({})).unwrap();
        for value in [json!(null), json!([])] {
            assert_eq!(user(json!({"emails": value})).unwrap(), absent);
        }
        assert_eq!(user(json!({"nickName": null})).unwrap(), absent);
    }),
    ("RFC7643-3-L709", |_| {
        refused(schemas_of_users(json!([])), "invalidValue", urn::USER);
        assert!(
            show_user(&user(json!({})).unwrap())["schemas"].as_array().is_some_and(|all| !all.is_empty())
        );
    }),
    ("RFC7643-3-L711", |_| {
        refused(schemas_of_users(json!([urn::USER, urn::GROUP])), "invalidValue", urn::GROUP);
    }),
    ("RFC7643-3-L713", |_| {
        let read = schemas_of_users(json!([urn::USER, urn::USER])).unwrap();
        assert_eq!(read.schemas().collect::<Vec<_>>(), [urn::USER]);
    }),
    ("RFC7643-3.1-L852", |vendor| {
        let shown = vendor.show(&vendor.create(json!({"externalId": "e"})).unwrap(), &[], &[]);
        assert!(shown["id"].is_string() && shown["meta"].is_object());
        assert_eq!(shown["externalId"], "e");
    }),
    ("RFC7643-3.1-L866", |vendor| {
        let read = vendor.create(json!({})).unwrap();
        for (names, excluded) in [(vec![], vec![]), (vec!["identifier"], vec![]), (vec![], vec!["id"])] {
            assert_eq!(vendor.show(&read, &names, &excluded)["id"], "id-1");
        }
    }),
    ("RFC7643-3.1-L872", |_| assert!(user(json!({"id": "mine"})).unwrap().text("id").is_none())),
    ("RFC7643-3.1-L890", |_| {
        assert!(show_user(&user(json!({})).unwrap()).get("externalId").is_none());
    }),
    ("RFC7643-3.1-L911", |_| {
        let read = user(json!({"meta": {"resourceType": "Group", "version": "W/\"9\""}})).unwrap();
        assert_eq!(show_user(&read)["meta"]["resourceType"], "User");
    }),
    ("RFC7643-3.1-L920", |_| {
        let shown = show_user(&user(json!({})).unwrap());
        assert!(shown["meta"]["created"].as_str().unwrap().parse::<DateTime>().is_ok());
    }),
    ("RFC7643-3.3-L976", |_| {
        refused(schemas_of_users(json!([urn::ENTERPRISE_USER])), "invalidValue", urn::USER);
    }),
    ("RFC7643-3.3-L981", |_| {
        refused(user(json!({"department": "R&D"})), "invalidValue", "department");
        let shown = show_user(
            &user(json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], urn::ENTERPRISE_USER: {"department": "R&D"}}))
                .unwrap(),
        );
        assert_eq!(shown[urn::ENTERPRISE_USER], json!({"department": "R&D"}));
    }),
    ("RFC7643-4.1.1-L1035", |_| {
        for name in [json!(null), json!("")] {
            refused(user(json!({"userName": name})), "invalidValue", "userName");
        }
    }),
    ("RFC7643-4.1.1-L1186", |_| never_shown()),
    ("RFC7643-4.1.1-L1222", |_| never_shown()),
    ("RFC7643-4.1.2-L1354", |_| {
        assert!(user(json!({"groups": [{"value": "g"}]})).unwrap().as_map().get("groups").is_none());
    }),
    ("RFC7643-4.1.2-L1378", |_| {
        let with = |value: &str| user(json!({"x509Certificates": [{"value": value}]}));
        assert!(with("MIID").is_ok());
        refused(with("-----BEGIN CERTIFICATE-----"), "invalidValue", "x509Certificates.value");
    }),
    ("RFC7643-6-L1619", |vendor| {
        assert!(!vendor.resource_type.name().is_empty());
        let nameless = json!({"endpoint": "/x", "schema": "urn:x"});
        assert!(serde_json::from_value::<ResourceTypeDocument>(nameless).is_err());
    }),
    ("RFC7643-6-L1641", |_| {
        let document = ResourceTypeDocument::new("X", "/Xs", "urn:none");
        assert!(Registry::builder().resource_type_document(document).build().is_err());
    }),
    ("RFC7643-6-L1650", |_| {
        let document = ResourceTypeDocument::new("X", "/Xs", urn::USER).extension("urn:none", false);
        assert!(ResourceType::builder(document).schema(Schema::user()).build().is_err());
    }),
    ("RFC7643-6-L1655", |vendor| {
        let body = json!({"schemas": [vendor.schema], "identifier": "i"});
        refused(create(&vendor.resource_type, &Leniency::STRICT, &body), "invalidValue", &vendor.extension);
        refused(vendor.create(json!({&vendor.extension: {"extString": "s"}})), "invalidValue", "extRequired");
    }),
    ("RFC7643-7-L1691", |_| assert!(Schema::from_json(json!({"name": "x", "attributes": []})).is_err())),
    ("RFC7643-7-L1700", |_| {
        for schema in [Schema::user(), Schema::group(), Schema::enterprise_user()] {
            assert!(!schema.name().is_empty() && schema.document()["name"] == schema.name());
        }
    }),
    ("RFC7643-7-L1750", |vendor| vendor.round_trip("caseExactString", json!("AbC"))),
    ("RFC7643-7-L1759", |vendor| {
        let mut before = vendor.create(json!({})).unwrap();
        before.as_map_mut().insert("readOnlyAttr".into(), json!("ours"));
        let after = vendor.replace(&before, json!({"readOnlyAttr": "theirs"})).unwrap();
        assert_eq!(after.text("readOnlyAttr"), Some("ours"));
    }),
    ("RFC7643-7-L1766", |vendor| {
        let before = vendor.create(json!({"immutableAttr": "a"})).unwrap();
        refused(vendor.replace(&before, json!({"immutableAttr": "b"})), "mutability", "immutableAttr");
        assert_eq!(vendor.replace(&before, json!({"immutableAttr": "a"})), Ok(before));
    }),
    ("RFC7643-7-L1769", |_| never_shown()),
    ("RFC7644-3.1-L436", |_| {
        for urn in [urn::LIST_RESPONSE, urn::SEARCH_REQUEST, urn::PATCH_OP, urn::ERROR] {
            assert!(urn.starts_with("urn:ietf:params:scim:api:"), "{urn}");
        }
    }),
    ("RFC7644-3.12-L3707", |_| {
        let body = serde_json::to_value(Error::invalid_value("x")).unwrap();
        let expected =
            json!({"schemas": [urn::ERROR], "status": "400", "scimType": "invalidValue", "detail": "x"});
        assert_eq!(body, expected);
    }),
    ("RFC7644-3.3-L584", |vendor| {
        assert!(vendor.create(json!({"readOnlyAttr": "x"})).unwrap().text("readOnlyAttr").is_none());
    }),
    ("RFC7644-3.4.2-L817", |_| {
        let body = serde_json::to_value(ListResponse::<Value>::all(vec![])).unwrap();
        assert_eq!(body["schemas"], json!([urn::LIST_RESPONSE]));
    }),
    ("RFC7644-3.4.2.5-L1438", |vendor| {
        let read = vendor.create(json!({"caseExactString": "a", "integerAttr": 1})).unwrap();
        let only = vendor.show(&read, &["integerAttr"], &[]);
        assert!(only["integerAttr"] == 1 && only.get("caseExactString").is_none());
        let except = vendor.show(&read, &[], &["integerAttr"]);
        assert!(except["caseExactString"] == "a" && except.get("integerAttr").is_none());
    }),
    ("RFC7644-3.4.2.5-L1449", |vendor| {
        let read = vendor.create(json!({"alwaysReturnedAttr": "x"})).unwrap();
        let shown = vendor.show(&read, &[], &["alwaysReturnedAttr", "id", "schemas"]);
        assert!(shown["alwaysReturnedAttr"] == "x" && shown["id"] == "id-1" && shown["schemas"].is_array());
    }),
    ("RFC7644-3.5.1-L1644", |vendor| {
        let before = vendor.create(json!({"caseExactString": "a", "writeOnlyAttr": "b"})).unwrap();
        let after = vendor.replace(&before, json!({"caseExactString": "c", "writeOnlyAttr": "d"})).unwrap();
        assert_eq!((after.text("caseExactString"), after.text("writeOnlyAttr")), (Some("c"), Some("d")));
    }),
    ("RFC7644-3.5.1-L1660", |vendor| {
        let before = vendor.create(json!({"immutableAttr": "a"})).unwrap();
        assert!(vendor.replace(&before, json!({"immutableAttr": "a"})).is_ok());
        refused(vendor.replace(&before, json!({"immutableAttr": "b"})), "mutability", "immutableAttr");
    }),
    ("RFC7644-3.5.1-L1665", |vendor| {
        let before = vendor.create(json!({})).unwrap();
        assert_eq!(vendor.replace(&before, json!({"readOnlyAttr": "x"})), Ok(before));
    }),
    ("RFC7644-3.5.1-L1667", |vendor| {
        let before = vendor.create(json!({})).unwrap();
        refused(vendor.replace(&before, json!({"identifier": null})), "invalidValue", "identifier");
    }),
    ("RFC7644-3.9-L3596", |vendor| {
        let read = vendor.create(json!({"integerAttr": 1, "alwaysReturnedAttr": "x"})).unwrap();
        let shown = vendor.show(&read, &["integerAttr"], &[]);
        let names: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["alwaysReturnedAttr", "id", "integerAttr", "schemas"]);
    }),
];

#[test]
fn requirements_of_other_suites() {
    let Some(cases) = cases() else { return };
    let suite = read(&cases.join("suites/requirements.json"));
    let ids: BTreeSet<&str> = suite
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["disputed"] != true && case["contradicted"] != true)
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    assert!(ids.len() >= 100, "only {} cases found", ids.len());
    let left_out: BTreeMap<String, Vec<String>> =
        serde_json::from_str(include_str!("../deviations.json")).unwrap();
    let left_out: Vec<&str> = left_out.values().flatten().map(String::as_str).collect();
    let held: Vec<&str> = CHECKS.iter().map(|(id, _)| *id).collect();
    let mut seen = BTreeSet::new();
    for id in held.iter().chain(&left_out) {
        assert!(ids.contains(id), "{id} is no undisputed case");
        assert!(seen.insert(*id), "{id} stands twice");
    }
    let missing: Vec<_> = ids.difference(&seen).collect();
    assert!(missing.is_empty(), "neither checked nor listed: {missing:?}");
    let vendor = Vendor::new(&cases);
    for (id, check) in CHECKS {
        println!("{id}");
        check(&vendor);
    }
}
