//! Checks that the members of one value without a path name nothing twice.

use std::collections::HashMap;

use scim_core::AttrRef;
use scim_filter::ElementFilter;
use serde_json::{Map, Value};

/// The targets that the members of one value have named so far.
///
/// A JSON object has no order, so one member must not undo another: `name` and `NAME.givenName`, or an extension that
/// is cleared and one of its attributes.
#[derive(Debug, Default)]
pub(super) struct Named(HashMap<String, Said>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// One member names all of it.
    Whole,
    /// One member that is an object names some of it.
    Object,
    /// Members that lead into it name some of it.
    Parts,
}

impl Named {
    /// Notes an attribute, or the target of a path in it.
    ///
    /// Returns whether it is new: no member has named it, a part of it, or something that contains it.
    pub(super) fn attribute(
        &mut self,
        attr: &AttrRef,
        filter: Option<&ElementFilter>,
        value: &Value,
    ) -> bool {
        let mut target = vec![attr.extension().map_or("", |urn| &**urn), &attr.attribute().name];
        let filter = filter.map(|filter| format!("[{filter}]"));
        target.extend(filter.as_deref());
        // an empty `value` may mean that there is no value at all.
        let is_all = |name: &str| name == "value" && *value == "" && !attr.attribute().multi_valued;
        target.extend(attr.sub().map(|sub| sub.name.as_str()).filter(|name| !is_all(name)));
        let merged = match value {
            Value::Array(values) if values.len() == 1 => &values[0],
            value => value,
        };
        // it may mean that there is no value at all.
        let is_cleared = |object: &Map<String, Value>| {
            object.iter().any(|(key, value)| key.eq_ignore_ascii_case("value") && value == "")
        };
        match merged {
            // A single complex value is merged, so what it does not name stays.
            Value::Object(object)
                if target.len() == 2 && !attr.attribute().multi_valued && !is_cleared(object) =>
            {
                let subs = object.keys().filter_map(|key| attr.attribute().sub_attribute(key));
                self.note(&target, Said::Object)
                    && subs.into_iter().all(|sub| self.note(&[target[0], target[1], &sub.name], Said::Whole))
            }
            _ => self.note(&target, Said::Whole),
        }
    }

    /// Notes an extension. An object names parts of it.
    pub(super) fn extension(&mut self, urn: &str, value: &Value) -> bool {
        self.note(&[urn], if value.is_object() { Said::Object } else { Said::Whole })
    }

    /// Notes an attribute that no schema knows.
    pub(super) fn unknown(&mut self, extension: Option<&str>, name: &str) -> bool {
        self.note(&[extension.unwrap_or_default(), &name.to_ascii_lowercase()], Said::Whole)
    }

    fn note(&mut self, target: &[&str], said: Said) -> bool {
        for end in 1..target.len() {
            if *self.0.entry(target[..end].join("\n")).or_insert(Said::Parts) == Said::Whole {
                return false;
            }
        }
        match self.0.insert(target.join("\n"), said) {
            None => true,
            Some(before) => before == Said::Parts && said == Said::Object,
        }
    }
}
