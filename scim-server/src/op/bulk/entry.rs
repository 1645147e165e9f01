//! One operation of a bulk request, with its references by `bulkId` resolved — RFC 7644 §3.7.2.

use std::collections::{BTreeSet, HashMap};

use http::Method;
use percent_encoding::percent_decode_str;
use scim_core::{BulkMethod, BulkOperation, Error, Lenience, shorten, take_members};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::server::Inner;

/// The beginning of a reference to a resource that another operation creates.
const REFERENCE: &str = "bulkId:";

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) method: BulkMethod,
    pub(super) bulk_id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) path: String,
    pub(super) data: Option<Value>,
    /// The id of the resource that it creates.
    pub(super) id: Option<String>,
    /// The creates that must have succeeded before.
    pub(super) needs: BTreeSet<usize>,
    /// Why it cannot be carried out at all.
    pub(super) fault: Option<Error>,
    /// The rules for reading it, and which of them were used so far.
    pub(super) lenience: Lenience,
}

impl Entry {
    /// Reads the operation at this place of the request. An error in it is its own and not the request's.
    pub(super) fn read(place: usize, operation: Value, mut lenience: Lenience) -> Self {
        // What the answer repeats of it is read even if the rest cannot be read.
        let named = named(&operation);
        let (read, mut fault) = match operation_of(place, operation, &mut lenience) {
            Ok(read) => (read, None),
            Err(error) => (named, Some(error)),
        };
        let BulkOperation { method, bulk_id, version, path, data, .. } = read;
        // BULK-004.
        if fault.is_none() && method == BulkMethod::Post && bulk_id.as_deref().unwrap_or_default().is_empty()
        {
            fault = Some(Error::invalid_value("`bulkId` is missing: POST needs it"));
        }
        let (id, needs) = (None, BTreeSet::new());
        Self { method, bulk_id, version, path, data, id, needs, fault, lenience }
    }

    /// Returns the HTTP method. Fails with 400 for anything but POST, PUT, PATCH and DELETE.
    // BULK-003
    pub(super) fn http_method(&self) -> Result<Method, Error> {
        match &self.method {
            BulkMethod::Post => Ok(Method::POST),
            BulkMethod::Put => Ok(Method::PUT),
            BulkMethod::Patch => Ok(Method::PATCH),
            BulkMethod::Delete => Ok(Method::DELETE),
            other => {
                let given = shorten(other.as_str());
                Err(Error::invalid_value(format!(
                    "`method` must be POST, PUT, PATCH or DELETE, not `{given}`"
                )))
            }
        }
    }

    /// Returns the path's segments, decoded.
    pub(super) fn segments(&self) -> Vec<String> {
        let segments = self.path.split('/').filter(|segment| !segment.is_empty());
        segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
    }

    /// Replaces references by ids, and records what they need.
    pub(super) fn resolve(&mut self, names: &Names) {
        let mut needs = BTreeSet::new();
        let resolved = names.resolve(&mut self.path, &mut needs).and_then(|()| match &mut self.data {
            Some(data) => names.resolve_in(data, &mut needs),
            None => Ok(()),
        });
        self.needs = needs;
        if let (Err(error), None) = (resolved, &self.fault) {
            self.fault = Some(error);
        }
    }
}

fn operation_of(place: usize, operation: Value, lenience: &mut Lenience) -> Result<BulkOperation, Error> {
    let Value::Object(operation) = operation else {
        return Err(Error::invalid_syntax(format!("`Operations[{place}]` must be an object")));
    };
    let members = take_members(&format!("Operations[{place}]"), operation, BulkOperation::MEMBERS, lenience)?;
    let named = BulkOperation::MEMBERS.into_iter().zip(members);
    let operation: Map<String, Value> =
        named.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    BulkOperation::deserialize(Value::Object(operation)).map_err(|_| {
        let detail =
            format!("`Operations[{place}]`: `method`, `path`, `bulkId` and `version` must be strings");
        Error::invalid_syntax(detail)
    })
}

/// Returns the method and the `bulkId`, whatever else there is.
fn named(operation: &Value) -> BulkOperation {
    let member = |name: &str| operation.get(name).filter(|value| value.is_string()).cloned();
    let method = member("method").and_then(|method| BulkMethod::deserialize(method).ok());
    let mut named = BulkOperation::default();
    named.method = method.unwrap_or_default();
    named.bulk_id = member("bulkId").and_then(|name| name.as_str().map(str::to_owned));
    named
}

/// What each `bulkId` stands for.
pub(super) struct Names(HashMap<String, Named>);

#[derive(Clone)]
struct Named {
    id: String,
    /// The operation that creates it; `None` if it exists already.
    made_by: Option<usize>,
}

impl Names {
    /// Gives an id to every resource that will be created.
    ///
    /// Fails with 400 `invalidValue` for a `bulkId` that is used twice.
    // BULK-004
    pub(super) fn give(entries: &mut [Entry], server: &Inner) -> Result<Self, Error> {
        let mut names = HashMap::new();
        let name = |name: &str, named: Named, names: &mut HashMap<String, Named>| match names
            .insert(name.to_owned(), named)
        {
            Some(_) => Err(Error::invalid_value(format!("`bulkId`: `{name}` names two operations"))),
            None => Ok(()),
        };
        let (made, there): (Vec<_>, Vec<_>) =
            entries.iter_mut().enumerate().partition(|(_, entry)| entry.method == BulkMethod::Post);
        for (at, entry) in made {
            let Some(bulk_id) = entry.bulk_id.as_ref().filter(|name| !name.is_empty()) else { continue };
            let id = server.ids.next_id();
            entry.id = Some(id.clone());
            name(bulk_id, Named { id, made_by: Some(at) }, &mut names)?;
        }
        // These exist already, or are created by another operation that the path names.
        for (_, entry) in there {
            let Some(bulk_id) = entry.bulk_id.as_ref().filter(|name| !name.is_empty()) else { continue };
            let id = entry.segments().pop().unwrap_or_default();
            let made = id.strip_prefix(REFERENCE).and_then(|other| names.get(other)).cloned();
            name(bulk_id, made.unwrap_or(Named { id, made_by: None }), &mut names)?;
        }
        Ok(Self(names))
    }

    fn resolve_in(&self, value: &mut Value, needs: &mut BTreeSet<usize>) -> Result<(), Error> {
        match value {
            Value::String(text) => self.resolve(text, needs),
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.resolve_in(value, needs)),
            Value::Object(members) => {
                members.values_mut().try_for_each(|value| self.resolve_in(value, needs))
            }
            _ => Ok(()),
        }
    }

    /// Replaces references in a text. A reference is a whole text, a segment of a path, or a quoted operand of a
    /// filter.
    // BULK-014
    fn resolve(&self, text: &mut String, needs: &mut BTreeSet<usize>) -> Result<(), Error> {
        // In a whole text, a name may contain what would end it elsewhere.
        if let Some(named) = text.strip_prefix(REFERENCE).and_then(|name| self.0.get(name)) {
            needs.extend(named.made_by);
            text.clone_from(&named.id);
            return Ok(());
        }
        let mut resolved = String::new();
        let mut from = 0;
        while let Some(found) = text[from..].find(REFERENCE) {
            let start = from + found;
            let begins = start == 0 || text[..start].ends_with(['/', '"']);
            let name_at = start + REFERENCE.len();
            let end = text[name_at..].find(['/', '"']).map_or(text.len(), |length| name_at + length);
            resolved.push_str(&text[from..start]);
            match self.0.get(&text[name_at..end]) {
                Some(named) if begins => {
                    needs.extend(named.made_by);
                    resolved.push_str(&named.id);
                }
                None if start == 0 && end == text.len() => {
                    return Err(Error::invalid_value(format!("`{text}`: no operation has this bulkId")));
                }
                _ => resolved.push_str(&text[start..end]),
            }
            from = end;
        }
        if from > 0 {
            resolved.push_str(&text[from..]);
            *text = resolved;
        }
        Ok(())
    }
}
