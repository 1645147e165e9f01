//! The types that are served: the standard ones, and those that `--schema` and `--resource-type` add.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use scim_core::{Registry, ResourceType, ResourceTypeDocument, Schema};
use serde_json::Value;

/// Reads the files. Every error names the file and what is wrong with it.
pub(crate) fn read(schemas: &[PathBuf], resource_types: &[PathBuf]) -> anyhow::Result<Registry> {
    let mut builder =
        Registry::builder().resource_type(ResourceType::user()).resource_type(ResourceType::group());
    let mut known = vec![Schema::user(), Schema::group(), Schema::enterprise_user()];
    for path in schemas {
        for (place, document) in documents(path)? {
            known.push(Arc::new(Schema::from_json(document.clone()).with_context(|| place.clone())?));
            builder = builder.schema_json(document).with_context(|| place.clone())?;
            // The registry is built after each document, so that a clash is reported with the file that causes it.
            builder.clone().build().context(place)?;
        }
    }
    for path in resource_types {
        for (place, document) in documents(path)? {
            let document: ResourceTypeDocument = serde_json::from_value(document)
                .context("not a resource type document")
                .with_context(|| place.clone())?;
            let endpoint = document.endpoint.trim_start_matches('/');
            ensure!(!endpoint.contains('/'), "{place}: endpoint `{}` must be one segment", document.endpoint);
            let resource_type = known
                .iter()
                .fold(ResourceType::builder(document), |builder, schema| builder.schema(Arc::clone(schema)))
                .build()
                .with_context(|| place.clone())?;
            builder = builder.resource_type(Arc::new(resource_type));
            builder.clone().build().context(place)?;
        }
    }
    Ok(builder.build()?)
}

/// Returns the documents of a file, each with its place for error messages. A file has one document or an array.
fn documents(path: &Path) -> anyhow::Result<Vec<(String, Value)>> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{file}`"))?;
    let value: Value = serde_json::from_str(&text).with_context(|| format!("`{file}` is not JSON"))?;
    match value {
        Value::Array(documents) => Ok(documents
            .into_iter()
            .zip(1..)
            .map(|(document, number)| (format!("`{file}`, document {number}"), document))
            .collect()),
        document @ Value::Object(_) => Ok(vec![(format!("`{file}`"), document)]),
        _ => bail!("`{file}` must hold one JSON object or an array of them"),
    }
}
