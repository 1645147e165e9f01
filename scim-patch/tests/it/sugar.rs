//! Lenient forms: a request that the model accepts is rewritten as clients write it, and must have an equal result.

use proptest::prelude::*;
use scim_core::{Lenience, Leniency, Quirk, urn};
use scim_patch::{PatchErrorKind, PatchRequest};
use serde_json::{Map, Value, json};

use crate::model::{Attr, BADGES, ENTERPRISE, GROUP, Kind, Operation, Rule, Target, USER};
use crate::sequences::{applied, case, cases, numbers, path, sorted};

/// Rewrites operations, as the numbers decide.
struct Sugar<'a> {
    numbers: &'a [u8],
    at: usize,
}

/// Leaves out the quirks that read a well-formed request in another way.
const LENIENCY: Leniency = Leniency::INTEROP
    .deny(Quirk::EmptyStringClears)
    .deny(Quirk::DropHollowElements)
    .deny(Quirk::SubAttributeOfPrimary);

const MEMBERS: Attr = Attr {
    name: "members",
    kind: Kind::Complex(&[Attr { name: "value", kind: Kind::Text, multi: false, rule: Rule::Free }]),
    multi: true,
    rule: Rule::Free,
};

impl Sugar<'_> {
    fn once_in(&mut self, many: u8) -> bool {
        let number = self.numbers.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        number % many == many - 1
    }

    fn operation(&mut self, operation: &Operation) -> Value {
        let Operation { op, target, value } = operation;
        let mut written = json!({"op": op});
        if self.once_in(3) {
            written["op"] = op.to_uppercase().into();
        }
        let whole = value.as_ref().map(|value| match target {
            Target::Whole => self.body(None, value),
            Target::Extension(urn) => self.body(Some(urn), value),
            Target::Attribute { extension, name, filter, sub } => {
                let Some(attr) = attribute(*extension, name) else { return value.clone() };
                match (filter, sub) {
                    (_, Some(sub)) => {
                        sub_of(&attr, sub).map_or(value.clone(), |sub| self.value(&sub, value, op))
                    }
                    (Some(_), None) => value.clone(),
                    (None, None) => self.value(&attr, value, op),
                }
            }
        });
        if let Some(value) = whole {
            written["value"] = value;
        }
        if let Some(path) = path(target) {
            // No other schema has the attributes of this extension.
            let bare = path.strip_prefix(urn::ENTERPRISE_USER).and_then(|rest| rest.strip_prefix(':'));
            written["path"] = bare.filter(|_| self.once_in(2)).unwrap_or(&path).into();
        }
        if *op == "remove" && value.is_none() && self.once_in(3) && !selects(target) {
            written["value"] = "spare".into();
        }
        // In a remove from a whole list, an unknown member would be refused.
        if *op != "remove" && self.once_in(6) {
            written["comment"] = "x".into();
        }
        written
    }

    /// Rewrites the attributes of a value without a path.
    fn body(&mut self, extension: Option<&str>, value: &Value) -> Value {
        let Value::Object(values) = value else { return value.clone() };
        let mut written = Map::new();
        for (name, value) in values {
            let value = match attribute(extension, name) {
                Some(attr) => self.value(&attr, value, "replace"),
                None if extension.is_none() && name.contains(':') => self.body(Some(name), value),
                None => value.clone(),
            };
            written.insert(name.clone(), value);
        }
        if self.once_in(4) {
            written.insert("unknown".into(), json!(["x"]));
        }
        written.into()
    }

    fn value(&mut self, attr: &Attr, value: &Value, op: &str) -> Value {
        match value {
            Value::Array(elements) if attr.multi => {
                let elements: Vec<Value> =
                    elements.iter().map(|element| self.single(attr, element)).collect();
                match elements.as_slice() {
                    _ if self.once_in(6) => json!({attr.name: elements}),
                    [single] if self.once_in(3) && *single != "" => single.clone(),
                    _ => elements.into(),
                }
            }
            Value::Null if !attr.multi && op == "replace" && self.once_in(2) => json!([]),
            Value::Array(_) | Value::Null => value.clone(),
            single if attr.multi => self.single(attr, single),
            single => match self.single(attr, single) {
                wrapped if self.once_in(4) => json!([wrapped]),
                wrapped => wrapped,
            },
        }
    }

    fn single(&mut self, attr: &Attr, value: &Value) -> Value {
        match (attr.kind, value) {
            (Kind::Bool, Value::Bool(truth)) if self.once_in(2) => {
                if *truth { "True" } else { "FALSE" }.into()
            }
            (Kind::Text | Kind::Bool, Value::String(_) | Value::Bool(_)) if self.once_in(6) => {
                json!({"value": value})
            }
            (Kind::Complex(subs), Value::Object(object)) => {
                let only_value = object.len() == 1
                    && object.get("value").is_some_and(|value| value.is_string() && value != "");
                if only_value && self.once_in(3) {
                    return object["value"].clone();
                }
                let mut written = Map::new();
                for (name, value) in object {
                    let sub = subs.iter().find(|sub| sub.name == name);
                    written.insert(
                        name.clone(),
                        sub.map_or(value.clone(), |sub| self.value(sub, value, "replace")),
                    );
                }
                if !object.is_empty() && object.values().any(|value| !value.is_null()) && self.once_in(4) {
                    written.insert("unknown".into(), json!({"x": 1}));
                }
                written.into()
            }
            _ => value.clone(),
        }
    }
}

fn attribute(extension: Option<&str>, name: &str) -> Option<Attr> {
    let attributes = match extension {
        None if name == "members" => return Some(MEMBERS),
        None => [USER, GROUP].concat(),
        Some(urn::ENTERPRISE_USER) => ENTERPRISE.to_vec(),
        Some(_) => BADGES.to_vec(),
    };
    attributes.into_iter().find(|attribute| attribute.name == name)
}

fn sub_of(attr: &Attr, name: &str) -> Option<Attr> {
    let Kind::Complex(subs) = attr.kind else { return None };
    subs.iter().find(|sub| sub.name == name).copied()
}

/// Whether the value of a remove could, or would have to, select something at this target.
fn selects(target: &Target) -> bool {
    match target {
        Target::Whole => true,
        Target::Extension(_) => false,
        Target::Attribute { extension, name, filter, sub } => {
            attribute(*extension, name).is_none_or(|attr| match sub {
                None => attr.multi && filter.is_none(),
                Some(_) if attr.multi && filter.is_none() => true,
                Some(sub) => sub_of(&attr, sub).is_none_or(|sub| sub.multi),
            })
        }
    }
}

proptest! {
    #![proptest_config(cases(3_000))]

    ///
    #[test]
    fn lenient_forms_come_to_what_the_strict_ones_do(numbers in numbers(), sugar in numbers()) {
        let (model, resource_type, before, operations) = case(&numbers);
        let Ok(expected) = model.patch(&before, &operations).map(sorted) else { return Ok(()) };
        let mut sugar = Sugar { numbers: &sugar, at: 0 };
        let written: Vec<Value> = operations.iter().map(|operation| sugar.operation(operation)).collect();
        let request = json!({"schemas": [urn::PATCH_OP], "Operations": written});
        let mut lenience = Lenience::new(LENIENCY);
        let plan = PatchRequest::from_value(request.clone(), &mut lenience)
            .and_then(|request| request.compile(&resource_type, &mut lenience));
        let found = plan.and_then(|plan| applied(&plan, &before)).map_err(|error| error.to_string());
        prop_assert_eq!(found, Ok(expected), "{}\n{}", before, request);
    }
}

// an empty `value` clears a whole single complex attribute, so the request may name nothing else of it.
#[test]
fn q_15_an_empty_value_undoes_no_other_member() {
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    for other in ["displayName", "$ref"] {
        let request = serde_json::json!({
            "schemas": [scim_core::urn::PATCH_OP],
            "Operations": [{"op": "add", "value": {
                format!("{manager}.{other}"): "../Users/x", format!("{manager}.value"): ""}}],
        });
        let mut lenience = scim_core::Lenience::new(scim_core::Leniency::INTEROP);
        let request = scim_patch::PatchRequest::from_value(request, &mut lenience).unwrap();
        let compiled = request.compile(&scim_core::ResourceType::user(), &mut lenience);
        assert!(
            compiled.is_err_and(|error| {
                matches!(error.kind, PatchErrorKind::InvalidValue | PatchErrorKind::InvalidSyntax)
            }),
            "{other}"
        );
    }
}
