//! Which attribute is in which column. Everything that is specific to this application's tables is in this module.

use std::sync::Arc;

use anyhow::Result;
use scim_core::{Relation, Resource, ResourceType, ResourceTypeDocument, Schema, fold, urn};
use scim_filter::sql::{Column, Links, Table};
use serde_json::{Map, Value};

/// One resource type and its table.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    pub(crate) fields: &'static [Field],
    /// The attribute with the links, and the columns of `team_users` for this end and for the other end.
    pub(crate) links: &'static str,
    pub(crate) near: &'static str,
    pub(crate) far: &'static str,
    /// Makes the table for filters.
    pub(crate) sql: fn() -> Table,
    schema: &'static str,
}

/// One attribute in a column.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) attribute: &'static str,
    pub(crate) column: &'static str,
    /// The column with the comparable form.
    pub(crate) key: Option<&'static str>,
    pub(crate) unique: bool,
    is_boolean: bool,
}

const fn field(attribute: &'static str, column: &'static str, key: Option<&'static str>) -> Field {
    Field { attribute, column, key, unique: false, is_boolean: false }
}

pub(crate) static USER: Kind = Kind {
    name: "User",
    table: "users",
    fields: &[
        Field { unique: true, ..field("userName", "login", Some("login_key")) },
        field("displayName", "full_name", Some("full_name_key")),
        field("externalId", "external_id", None),
        // A removed `active` is unassigned, so its column can be NULL. If a column cannot be NULL, do not fill it with
        // a default: that would enable an account when a client removes the attribute. Describe the attribute as
        // `required` in `trimmed` instead. The server then refuses to create, replace or patch a resource without it.
        Field { is_boolean: true, ..field("active", "enabled", None) },
    ],
    links: "groups",
    near: "user",
    far: "team",
    sql: || {
        common("users")
            .column("userName", Column::comparable("login_key"))
            .column("displayName", Column::comparable("full_name_key"))
            .column("active", Column::verbatim("enabled"))
            .links("groups", links("user", "team", "teams"))
    },
    schema: urn::USER,
};

pub(crate) static GROUP: Kind = Kind {
    name: "Group",
    table: "teams",
    fields: &[field("displayName", "title", Some("title_key")), field("externalId", "external_id", None)],
    links: "members",
    near: "team",
    far: "user",
    sql: || {
        common("teams")
            .column("displayName", Column::comparable("title_key"))
            .links("members", links("team", "user", "users"))
    },
    schema: urn::GROUP,
};

/// Makes the columns that both tables have.
fn common(table: &str) -> Table {
    Table::new(table, "row")
        .column("id", Column::verbatim("scim_id"))
        .column("externalId", Column::verbatim("external_id"))
        .column("meta.created", Column::unix_millis("created"))
        .column("meta.lastModified", Column::unix_millis("modified"))
        .column("meta.version", Column::verbatim("tag"))
}

fn links(near: &str, far: &str, table: &str) -> Links {
    Links::new("team_users", near, Column::verbatim(far)).through(table, "row", Column::verbatim("scim_id"))
}

impl Kind {
    /// Returns the kind of a resource type, if there is a table for it.
    pub(crate) fn of(resource_type: &ResourceType) -> Option<&'static Self> {
        [&USER, &GROUP].into_iter().find(|kind| kind.name == resource_type.name())
    }

    /// Returns the kind at the other end of the links.
    pub(crate) fn other(&self) -> &'static Self {
        if self.name == USER.name { &GROUP } else { &USER }
    }

    /// Returns the values of the fields' columns. If a field has a key, the key comes before its value.
    pub(crate) fn values(&self, resource: &Resource) -> Vec<(&'static str, rusqlite::types::Value)> {
        let mut values = Vec::new();
        for field in self.fields {
            let value = resource.as_map().get(field.attribute);
            if let Some(key) = field.key {
                let folded = value.and_then(Value::as_str).map(|text| fold(text).into_owned());
                values.push((key, folded.into()));
            }
            values.push((
                field.column,
                match value {
                    Some(Value::Bool(truth)) => (*truth).into(),
                    value => value.and_then(Value::as_str).map(str::to_owned).into(),
                },
            ));
        }
        values
    }

    /// Makes the document of a row. The fields' columns begin at `first`.
    pub(crate) fn resource(&self, row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Resource> {
        let mut document = Map::new();
        document.insert("schemas".into(), Value::Array(vec![self.schema.into()]));
        for (place, field) in (first..).zip(self.fields) {
            let value = if field.is_boolean {
                row.get::<_, Option<bool>>(place)?.map(Value::Bool)
            } else {
                row.get::<_, Option<String>>(place)?.map(Value::String)
            };
            if let Some(value) = value {
                document.insert(field.attribute.into(), value);
            }
        }
        Ok(Resource::from_canonical(document))
    }
}

/// Makes the user type with those attributes of the standard schema that have a column. All others are unknown.
pub(crate) fn user_type() -> Result<Arc<ResourceType>> {
    let document = ResourceTypeDocument::new(USER.name, "/Users", USER.schema).description("A user");
    let groups = Relation::reverse(USER.links, GROUP.links, GROUP.name);
    let builder = ResourceType::builder(document).schema(trimmed(&Schema::user(), &USER)?).relation(groups);
    Ok(Arc::new(builder.build()?))
}

/// Makes the group type that the conformance kit needs. Members are users.
pub(crate) fn group_type() -> Result<Arc<ResourceType>> {
    let document = ResourceTypeDocument::new(GROUP.name, "/Groups", GROUP.schema).description("A team");
    let members = Relation::own(GROUP.links, [USER.name]);
    let builder =
        ResourceType::builder(document).schema(trimmed(&Schema::group(), &GROUP)?).relation(members);
    Ok(Arc::new(builder.build()?))
}

fn trimmed(schema: &Schema, kind: &Kind) -> Result<Arc<Schema>> {
    let is_kept = |name: &str| name == kind.links || kind.fields.iter().any(|field| field.attribute == name);
    let kept = schema.attributes().iter().filter(|attribute| is_kept(&attribute.name));
    let attributes = kept.map(|attribute| (**attribute).clone());
    Ok(Arc::new(Schema::describe(kind.schema, schema.name()).attributes(attributes).build()?))
}
