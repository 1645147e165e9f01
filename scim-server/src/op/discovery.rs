//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` — RFC 7644 §4. Read-only; parameters are
//! ignored, except that a filter is refused.

// X16

use std::sync::Arc;

use http::StatusCode;
use scim_core::{Error, ListResponse, ResourceType, Schema, urn};
use serde::Serialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::respond::Answer;
use crate::server::Inner;

pub(crate) fn service_provider_config(call: &Call<'_>) -> Result<Answer, Error> {
    refuse_filter(call)?;
    let location = format!("{}/ServiceProviderConfig", call.server.base);
    answer(&with_meta(&call.server.config, "ServiceProviderConfig", location)?)
}

pub(crate) fn resource_types(call: &Call<'_>) -> Result<Answer, Error> {
    refuse_filter(call)?;
    let documents = call
        .server
        .registry
        .resource_types()
        .iter()
        .map(|resource_type| document(call.server, resource_type));
    answer(&ListResponse::all(documents.collect::<Result<Vec<_>, _>>()?))
}

pub(crate) fn resource_type(call: &Call<'_>, name: &str) -> Result<Answer, Error> {
    refuse_filter(call)?;
    let found = call.server.registry.resource_types().iter().find(|resource_type| {
        resource_type.document().id.as_deref() == Some(name) || resource_type.name() == name
    });
    let found = found.ok_or_else(|| Error::not_found(format!("there is no resource type `{name}`")))?;
    answer(&document(call.server, found)?)
}

pub(crate) fn schemas(call: &Call<'_>) -> Result<Answer, Error> {
    refuse_filter(call)?;
    let documents = all_schemas(call.server).map(|schema| schema_document(call.server, &schema));
    answer(&ListResponse::all(documents.collect::<Result<Vec<_>, _>>()?))
}

pub(crate) fn schema(call: &Call<'_>, id: &str) -> Result<Answer, Error> {
    refuse_filter(call)?;
    let found = all_schemas(call.server).find(|schema| schema.id().eq_ignore_ascii_case(id));
    let found = found.ok_or_else(|| Error::not_found(format!("there is no schema `{id}`")))?;
    answer(&schema_document(call.server, &found)?)
}

fn answer(document: &impl Serialize) -> Result<Answer, Error> {
    Ok(Answer::json(StatusCode::OK, document)?.public())
}

fn refuse_filter(call: &Call<'_>) -> Result<(), Error> {
    match call.parameters.filter {
        Some(_) => Err(Error::new(StatusCode::FORBIDDEN, "discovery endpoints take no filter")),
        None => Ok(()),
    }
}

fn all_schemas(server: &Inner) -> impl Iterator<Item = Arc<Schema>> {
    let own = [Schema::service_provider_config(), Schema::resource_type(), Schema::schema()];
    server.registry.schemas().iter().cloned().chain(own)
}

fn document(server: &Inner, resource_type: &ResourceType) -> Result<Value, Error> {
    let document = resource_type.document();
    let name = document.id.as_deref().unwrap_or(&document.name);
    with_meta(document, "ResourceType", format!("{}/ResourceTypes/{name}", server.base))
}

fn schema_document(server: &Inner, schema: &Schema) -> Result<Value, Error> {
    let location = format!("{}/Schemas/{}", server.base, schema.id());
    let mut document = with_meta(schema.document(), "Schema", location)?;
    document["schemas"] = json!([urn::SCHEMA]);
    Ok(document)
}

fn with_meta(document: &impl Serialize, resource_type: &str, location: String) -> Result<Value, Error> {
    let mut value = serde_json::to_value(document)
        .map_err(|error| Error::internal(format!("the answer could not be written: {error}")))?;
    value["meta"] = json!({"resourceType": resource_type, "location": location});
    Ok(value)
}
