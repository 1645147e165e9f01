//! `ingest(render(r)) == r`: a returned resource that is sent back is equal.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use scim_core::{
    Attribute, Lenience, Limits, Meta, Mutability, Projection, Reference, Representation, Resource,
    ResourceType, Returned, Timestamp, Type, ingest, merge_duplicates, urn,
};
use serde_json::{Map, Value, json};

proptest! {
    #[test]
    fn core_030_a_rendered_user_is_read_back(document in document(&ResourceType::user())) {
        let user = ResourceType::user();
        let groups = [("groups", json!([{"value": "g", "display": "G"}]))];
        let (read, relations) = there_and_back(&user, &document, &groups);
        let mut shown = document;
        shown.as_map_mut().remove("password");
        prop_assert_eq!(read, shown);
        prop_assert!(relations.is_empty());
    }

    #[test]
    fn core_030_a_rendered_group_is_read_back(
        document in document(&ResourceType::group()),
        members in vec(("[a-z0-9]{1,8}", option::of("\\PC{0,8}")), 0..5),
    ) {
        let mut members: Vec<Reference> = members
            .into_iter()
            .map(|(value, display)| {
                let mut member = Reference::new(value);
                member.display = display;
                member
            })
            .collect();
        members.sort_by(|a, b| a.value.cmp(&b.value));
        members.dedup_by(|a, b| a.value == b.value);
        let elements: Value = members
            .iter()
            .map(|member| match &member.display {
                Some(display) => json!({"value": member.value, "display": display}),
                None => json!({"value": member.value}),
            })
            .collect();
        let group = ResourceType::group();
        let (read, relations) = there_and_back(&group, &document, &[("members", elements)]);
        prop_assert_eq!(read, document);
        prop_assert_eq!(relations, members);
    }
}

fn there_and_back(
    resource_type: &ResourceType,
    document: &Resource,
    computed: &[(&str, Value)],
) -> (Resource, Vec<Reference>) {
    let now = Timestamp::from_millis(1);
    let body = serde_json::to_vec(&Representation {
        resource_type,
        id: "1",
        resource: document,
        meta: &Meta::new(resource_type.name(), now, now, "https://example.com/1", "W/\"1\""),
        computed,
        projection: &Projection::default(),
    })
    .unwrap();
    let mut read = ingest(&body, resource_type, None, &mut Lenience::strict(), &Limits::default()).unwrap();
    (read.resource, read.relations.remove("members").unwrap_or_default())
}

/// Generates canonical documents of the type.
fn document(resource_type: &ResourceType) -> BoxedStrategy<Resource> {
    let relation = |attribute: &Attribute| resource_type.relation(&attribute.name).is_some();
    let external_id = resource_type.attribute("externalId").cloned();
    let base: Vec<_> = resource_type.schema().attributes().iter().cloned().chain(external_id).collect();
    let base = object(base.iter().filter(|attribute| !relation(attribute)));
    let extensions: Vec<_> = resource_type
        .extensions()
        .iter()
        .map(|extension| {
            let urn = extension.schema.id().to_string();
            object(extension.schema.attributes().iter()).prop_map(move |values| (urn.clone(), values))
        })
        .collect();
    let id = resource_type.schema().id().to_string();
    (base, extensions)
        .prop_map(move |(mut document, extensions)| {
            let mut schemas = vec![id.clone()];
            for (urn, values) in extensions.into_iter().filter(|(_, values)| !values.is_empty()) {
                schemas.push(urn.clone());
                document.insert(urn, values.into());
            }
            document.insert("schemas".into(), schemas.into());
            Resource::from_canonical(document)
        })
        .boxed()
}

fn object<'a>(attributes: impl Iterator<Item = &'a Arc<Attribute>>) -> BoxedStrategy<Map<String, Value>> {
    let members: Vec<_> = attributes
        .filter(|attribute| attribute.mutability != Mutability::ReadOnly)
        .map(|attribute| {
            let name = attribute.name.clone();
            let value = value(attribute);
            let value =
                if attribute.required { value.prop_map(Some).boxed() } else { option::of(value).boxed() };
            value.prop_map(move |value| value.map(|value| (name.clone(), value)))
        })
        .collect();
    members
        .prop_map(|members| members.into_iter().flatten().filter(|(_, value)| *value != json!({})).collect())
        .boxed()
}

fn value(attribute: &Attribute) -> BoxedStrategy<Value> {
    if !attribute.multi_valued {
        return single(attribute);
    }
    let attribute = attribute.clone();
    vec(single(&attribute), 1..4)
        .prop_map(move |mut elements| {
            for element in elements.iter_mut().skip(1).filter_map(Value::as_object_mut) {
                element.remove("primary");
            }
            elements.retain(|element| *element != json!({}));
            merge_duplicates(&mut elements);
            Value::Array(elements)
        })
        .prop_filter("assigned", |elements| *elements != json!([]))
        .boxed()
}

fn single(attribute: &Attribute) -> BoxedStrategy<Value> {
    match attribute.r#type {
        Type::Complex => object(attribute.sub_attributes.iter()).prop_map(Value::Object).boxed(),
        Type::String if attribute.required => "[a-z]{1,8}".prop_map(Value::from).boxed(),
        Type::String => "\\PC{0,8}".prop_map(Value::from).boxed(),
        Type::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Type::Integer => any::<i64>().prop_map(Value::from).boxed(),
        Type::Decimal => any::<f32>().prop_map(Value::from).boxed(),
        Type::DateTime => {
            any::<u32>().prop_map(|second| json!(Timestamp::from_millis(i64::from(second) * 1_000))).boxed()
        }
        Type::Binary => "([A-Za-z0-9+/]{4}){0,3}".prop_map(Value::from).boxed(),
        Type::Reference => "(https://[a-z]{1,8}\\.example)?/[a-z0-9]{0,8}".prop_map(Value::from).boxed(),
    }
}

#[test]
fn core_052_what_is_never_returned_is_the_only_loss() {
    let lost: Vec<_> = ResourceType::user()
        .schema()
        .attributes()
        .iter()
        .filter(|attribute| attribute.returned != Returned::Default && attribute.returned != Returned::Always)
        .map(|attribute| attribute.name.clone())
        .collect();
    assert_eq!(lost, ["password"], "{}", urn::USER);
}
