use std::collections::BTreeSet;

use scim_core::{DateTime, Lenience, Resource, ResourceType, Timestamp};
use scim_filter::{BoundFilter, Entry, Filter, FilterError, Relations};
use serde_json::{Map, Value};

/// A resource split into parts, as a store would keep it.
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) resource_type: String,
    pub(crate) version: String,
    pub(crate) resource: Resource,
    pub(crate) links: Links,
}

#[derive(Default)]
pub(crate) struct Links(pub(crate) BTreeSet<(String, String)>);

impl Relations for Links {
    fn contains(&self, relation: &str, target: &str) -> bool {
        self.0.contains(&(relation.to_owned(), target.to_owned()))
    }

    fn any(&self, relation: &str) -> bool {
        self.0.iter().any(|(name, _)| name == relation)
    }
}

impl Stored {
    pub(crate) fn new(resource_type: &ResourceType, document: Value) -> Self {
        let Value::Object(mut map) = document else { panic!("a resource is an object") };
        let id = map.remove("id").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
        let meta = map.remove("meta").unwrap_or_default();
        let moment = |name: &str| {
            let parsed =
                meta.get(name).and_then(Value::as_str).and_then(|text| text.parse::<DateTime>().ok());
            Timestamp::from_millis(parsed.map_or(0, |moment| {
                let millis: i64 = format!("{:0<3.3}", moment.fraction()).parse().unwrap();
                moment.unix_seconds() * 1_000 + millis
            }))
        };
        let mut links = Links::default();
        for relation in resource_type.relations() {
            for element in map.remove(&relation.name).iter().filter_map(Value::as_array).flatten() {
                if let Some(target) = element.get("value").and_then(Value::as_str) {
                    links.0.insert((relation.name.clone(), target.to_owned()));
                }
            }
        }
        Self {
            id,
            created: moment("created"),
            modified: moment("lastModified"),
            resource_type: resource_type.name().to_owned(),
            version: meta.get("version").and_then(Value::as_str).unwrap_or_default().to_owned(),
            resource: Resource::from_canonical(without_nulls(map)),
            links,
        }
    }

    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry {
            id: &self.id,
            created: self.created,
            modified: self.modified,
            resource_type: &self.resource_type,
            version: &self.version,
            resource: &self.resource,
            relations: &self.links,
        }
    }
}

fn without_nulls(map: Map<String, Value>) -> Map<String, Value> {
    fn clean(value: Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::Array(values) => {
                let values: Vec<_> = values.into_iter().filter_map(clean).collect();
                (!values.is_empty()).then_some(Value::Array(values))
            }
            Value::Object(members) => {
                let members: Map<_, _> =
                    members.into_iter().filter_map(|(name, value)| Some((name, clean(value)?))).collect();
                (!members.is_empty()).then_some(Value::Object(members))
            }
            scalar => Some(scalar),
        }
    }
    map.into_iter().filter_map(|(name, value)| Some((name, clean(value)?))).collect()
}

pub(crate) fn bind(resource_type: &ResourceType, text: &str) -> Result<BoundFilter, FilterError> {
    text.parse::<Filter>()?.bind(resource_type, &mut Lenience::strict())
}

pub(crate) fn user_matches(text: &str, document: Value) -> bool {
    let user = ResourceType::user();
    bind(&user, text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .matches(&Stored::new(&user, document).entry())
}

pub(crate) fn group_matches(text: &str, document: Value) -> bool {
    let group = ResourceType::group();
    bind(&group, text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .matches(&Stored::new(&group, document).entry())
}
