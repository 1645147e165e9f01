//! A slow model of PATCH as the RFC describes it: plain JSON, one operation after the other on a copy, without plan or
//! journal. Where the RFC is silent, it decides as `DESIGN.md` does. It is strict, without quirks.

use scim_core::urn;
use serde_json::{Map, Value, json};

/// Why the model refuses, in the words of RFC 7644 Table 9.
pub(crate) type Refusal = &'static str;

pub(crate) const BADGE: &str = "urn:example:badge";

/// An attribute as the model knows it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Attr {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) multi: bool,
    pub(crate) rule: Rule,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Text,
    Bool,
    Complex(&'static [Attr]),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    Free,
    Required,
    Immutable,
    ReadOnly,
}

const fn attr(name: &'static str, kind: Kind, multi: bool, rule: Rule) -> Attr {
    Attr { name, kind, multi, rule }
}

const fn text(name: &'static str) -> Attr {
    attr(name, Kind::Text, false, Rule::Free)
}

const EMAIL: &[Attr] =
    &[text("value"), text("type"), text("display"), attr("primary", Kind::Bool, false, Rule::Free)];
const NAME: &[Attr] = &[text("familyName"), text("givenName"), text("formatted")];
const MANAGER: &[Attr] = &[text("value"), attr("displayName", Kind::Text, false, Rule::ReadOnly)];
const CARD: &[Attr] = &[
    attr("value", Kind::Text, false, Rule::Required),
    attr("serial", Kind::Text, false, Rule::Immutable),
    text("note"),
    attr("tags", Kind::Text, true, Rule::Free),
    attr("primary", Kind::Bool, false, Rule::Free),
];
const PIN: &[Attr] = &[text("value"), text("type")];
const BOX: &[Attr] = &[
    text("label"),
    attr("seal", Kind::Text, false, Rule::Immutable),
    attr("tags", Kind::Text, true, Rule::Free),
];

/// The attributes of `User` that the model knows, enough of each shape.
pub(crate) const USER: &[Attr] = &[
    attr("id", Kind::Text, false, Rule::ReadOnly),
    attr("userName", Kind::Text, false, Rule::Required),
    text("title"),
    attr("active", Kind::Bool, false, Rule::Free),
    attr("name", Kind::Complex(NAME), false, Rule::Free),
    attr("emails", Kind::Complex(EMAIL), true, Rule::Free),
];

pub(crate) const ENTERPRISE: &[Attr] =
    &[text("department"), attr("manager", Kind::Complex(MANAGER), false, Rule::Free)];

pub(crate) const BADGES: &[Attr] = &[
    attr("code", Kind::Text, false, Rule::Required),
    attr("pins", Kind::Complex(PIN), true, Rule::Required),
    attr("serial", Kind::Text, false, Rule::Immutable),
    attr("words", Kind::Text, true, Rule::Free),
    attr("keys", Kind::Complex(CARD), true, Rule::Immutable),
    attr("cards", Kind::Complex(CARD), true, Rule::Free),
    attr("box", Kind::Complex(BOX), false, Rule::Free),
];

/// The attributes of `Group` that the model knows, except its members.
pub(crate) const GROUP: &[Attr] =
    &[attr("displayName", Kind::Text, false, Rule::Required), text("externalId")];

/// A resource type as the model knows it.
pub(crate) struct Model {
    pub(crate) urn: &'static str,
    pub(crate) base: &'static [Attr],
    pub(crate) extensions: &'static [(&'static str, &'static [Attr])],
    pub(crate) members: bool,
}

pub(crate) const USERS: Model = Model {
    urn: urn::USER,
    base: USER,
    extensions: &[(urn::ENTERPRISE_USER, ENTERPRISE), (BADGE, BADGES)],
    members: false,
};

pub(crate) const GROUPS: Model = Model { urn: urn::GROUP, base: GROUP, extensions: &[], members: true };

/// The target of an operation, before it is written as a path.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// No path.
    Whole,
    /// An extension's URN.
    Extension(&'static str),
    /// An attribute, perhaps of an extension, with the filter between brackets and the sub-attribute.
    Attribute {
        extension: Option<&'static str>,
        name: &'static str,
        filter: Option<Test>,
        sub: Option<&'static str>,
    },
}

/// One comparison between brackets, or two joined by `and`.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) sub: &'static str,
    pub(crate) op: &'static str,
    pub(crate) operand: Value,
    pub(crate) and: Option<Box<Test>>,
}

impl Test {
    pub(crate) fn fits(&self, element: &Value) -> bool {
        let value = if element.is_object() {
            let absent = match (self.sub, self.op) {
                // An element without `primary` is not primary (RFC 7643 §2.4).
                ("primary", "eq" | "ne") => json!(false),
                _ => Value::Null,
            };
            element.get(self.sub).cloned().unwrap_or(absent)
        } else {
            element.clone()
        };
        let fold =
            |value: &Value| value.as_str().map_or_else(|| value.clone(), |text| text.to_lowercase().into());
        let operand = fold(&self.operand);
        let one = |value: &Value| {
            let value = fold(value);
            match self.op {
                "eq" | "ne" => value == operand,
                "sw" => value
                    .as_str()
                    .zip(operand.as_str())
                    .is_some_and(|(value, start)| value.starts_with(start)),
                _ => !value.is_null() && value != "",
            }
        };
        let any = match &value {
            Value::Array(values) => values.iter().any(one),
            single => one(single),
        };
        // `ne` is the complement of `eq`.
        let fits = any != (self.op == "ne");
        fits && self.and.as_ref().is_none_or(|other| other.fits(element))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) op: &'static str,
    pub(crate) target: Target,
    pub(crate) value: Option<Value>,
}

impl Model {
    /// Applies a request to a resource that holds its members as a list.
    ///
    /// What request and schema alone show is refused first, for every operation: "validate all, then apply".
    pub(crate) fn patch(&self, before: &Value, operations: &[Operation]) -> Result<Value, Refusal> {
        for operation in operations {
            self.step(&json!({}), operation, false)?;
        }
        let mut resource = before.clone();
        for operation in operations {
            resource = self.step(&resource, operation, true)?;
        }
        self.check_required(&resource).map_err(|refusal| {
            if self.has_lost_what_is_required(before, &resource) { "mutability" } else { refusal }
        })?;
        let used = self.extensions.iter().map(|(urn, _)| *urn).filter(|urn| resource.get(urn).is_some());
        resource["schemas"] = std::iter::once(self.urn).chain(used).collect();
        Ok(resource)
    }

    /// Applies one operation to a copy. Without `there`, only errors of the request itself count.
    fn step(&self, resource: &Value, operation: &Operation, there: bool) -> Result<Value, Refusal> {
        let Operation { op, target, value } = operation;
        if *op != "remove" && value.is_none() {
            return Err("invalidSyntax");
        }
        match target {
            Target::Whole if *op == "remove" => Err("noTarget"),
            Target::Whole => {
                let Some(Value::Object(values)) = value else { return Err("invalidValue") };
                let mut resource = resource.clone();
                for (name, value) in values {
                    let target = self.named(None, name).ok_or("invalidValue")?;
                    resource =
                        self.step(&resource, &Operation { op, target, value: Some(value.clone()) }, there)?;
                }
                Ok(resource)
            }
            Target::Extension(urn) => {
                refuse_spare(op, value.as_ref())?;
                self.extension(resource, op, urn, value.as_ref(), there)
            }
            Target::Attribute { extension: None, name: "members", filter, sub } if self.members => {
                if sub.is_some() || filter.is_some() {
                    refuse_spare(op, value.as_ref())?;
                }
                members(resource, op, filter.as_ref(), *sub, value.as_ref())
            }
            Target::Attribute { extension, name, filter, sub } => {
                let attribute = self.attribute(*extension, name).ok_or("invalidPath")?;
                if !selects(&attribute, filter.as_ref(), *sub)? {
                    refuse_spare(op, value.as_ref())?;
                }
                let mut after = resource.clone();
                let place = match extension {
                    None => &mut after,
                    Some(urn) => &mut after[*urn],
                };
                let old = place.get(*name).cloned();
                let new = attribute_step(
                    &attribute,
                    old.as_ref(),
                    op,
                    filter.as_ref(),
                    *sub,
                    value.as_ref(),
                    there,
                )?;
                let new = new.filter(|value| !is_empty(value));
                if new.is_none() && old.as_ref().is_some_and(|old| is_fixed(&attribute, old)) {
                    return Err("mutability");
                }
                if attribute.rule == Rule::Immutable && old.is_some() && old != new {
                    return Err("mutability");
                }
                match new {
                    Some(new) => place[*name] = new,
                    None => drop(place.as_object_mut().map(|object| object.remove(*name))),
                }
                if let Some(urn) = extension
                    && (after[*urn].is_null() || is_empty(&after[*urn]))
                {
                    after.as_object_mut().unwrap().remove(*urn);
                }
                Ok(after)
            }
        }
    }

    fn extension(
        &self,
        resource: &Value,
        op: &'static str,
        urn: &'static str,
        value: Option<&Value>,
        there: bool,
    ) -> Result<Value, Refusal> {
        let mut resource = resource.clone();
        match value {
            _ if op == "remove" => {}
            Some(Value::Null) if op == "add" => return Ok(resource),
            Some(Value::Null) => {}
            Some(Value::Object(values)) => {
                for (name, value) in values {
                    let target = self.named(Some(urn), name).ok_or("invalidValue")?;
                    resource =
                        self.step(&resource, &Operation { op, target, value: Some(value.clone()) }, there)?;
                }
                return Ok(resource);
            }
            _ => return Err("invalidValue"),
        }
        let attributes = self.extensions.iter().find(|(known, _)| *known == urn).unwrap().1;
        let fixed = |attribute: &Attr| is_fixed(attribute, &resource[urn][attribute.name]);
        if resource.get(urn).is_some() && attributes.iter().any(fixed) {
            return Err("mutability");
        }
        resource.as_object_mut().unwrap().remove(urn);
        Ok(resource)
    }

    fn named(&self, extension: Option<&'static str>, name: &str) -> Option<Target> {
        if extension.is_none() {
            if self.members && name == "members" {
                return Some(Target::Attribute { extension, name: "members", filter: None, sub: None });
            }
            if let Some((urn, _)) = self.extensions.iter().find(|(urn, _)| *urn == name) {
                return Some(Target::Extension(urn));
            }
        }
        let name = self.attribute(extension, name)?.name;
        Some(Target::Attribute { extension, name, filter: None, sub: None })
    }

    fn attribute(&self, extension: Option<&str>, name: &str) -> Option<Attr> {
        let attributes = match extension {
            None => self.base,
            Some(urn) => self.extensions.iter().find(|(known, _)| *known == urn)?.1,
        };
        attributes.iter().find(|attribute| attribute.name == name).copied()
    }

    /// PATCH-022: whether a required attribute was removed, of the resource or of an extension that is still in use.
    fn has_lost_what_is_required(&self, before: &Value, after: &Value) -> bool {
        let has_lost = |before: &Value, after: &Value, attributes: &[Attr]| {
            attributes.iter().any(|attribute| {
                attribute.rule == Rule::Required
                    && before.get(attribute.name).is_some()
                    && after.get(attribute.name).is_none()
            })
        };
        let mut used = self.extensions.iter().filter(|(urn, _)| after.get(urn).is_some());
        has_lost(before, after, self.base)
            || used.any(|(urn, attributes)| has_lost(&before[*urn], &after[*urn], attributes))
    }

    fn check_required(&self, resource: &Value) -> Result<(), Refusal> {
        let lacks = |values: &Value, attributes: &[Attr]| {
            attributes.iter().any(|attribute| {
                let value = values.get(attribute.name);
                let inner = |element: &Value| match attribute.kind {
                    Kind::Complex(subs) => {
                        subs.iter().any(|sub| sub.rule == Rule::Required && element.get(sub.name).is_none())
                    }
                    _ => false,
                };
                let elements = value.into_iter().flat_map(|value| match value {
                    Value::Array(elements) => elements.iter().collect(),
                    single => vec![single],
                });
                (attribute.rule == Rule::Required && value.is_none_or(is_blank))
                    || elements.into_iter().any(inner)
            })
        };
        let used = self.extensions.iter().filter(|(urn, _)| resource.get(urn).is_some());
        let extended = used.into_iter().any(|(urn, attributes)| lacks(&resource[*urn], attributes));
        if lacks(resource, self.base) || extended { Err("invalidValue") } else { Ok(()) }
    }
}

/// Changes the value of one attribute.
fn attribute_step(
    attribute: &Attr,
    old: Option<&Value>,
    op: &str,
    filter: Option<&Test>,
    sub: Option<&str>,
    value: Option<&Value>,
    there: bool,
) -> Result<Option<Value>, Refusal> {
    let subs = match attribute.kind {
        Kind::Complex(subs) => subs,
        _ => &[],
    };
    let sub = match sub {
        Some(name) => Some(subs.iter().find(|sub| sub.name == name).ok_or("invalidPath")?),
        None => None,
    };
    if filter.is_some() && !(attribute.multi && (sub.is_some() || !subs.is_empty())) {
        return Err("invalidPath");
    }
    if attribute.rule == Rule::ReadOnly || sub.is_some_and(|sub| sub.rule == Rule::ReadOnly) {
        return Err("mutability");
    }
    match (attribute.multi, filter, sub) {
        (true, filter, sub) if filter.is_some() || sub.is_some() => {
            let elements = old.and_then(Value::as_array).cloned().unwrap_or_default();
            elements_step(subs, elements, op, filter, sub, value, there).map(|list| Some(list.into()))
        }
        (_, _, Some(sub)) => {
            let mut object = old.cloned().unwrap_or_else(|| json!({}));
            let inner = object.get(sub.name).cloned();
            let new = attribute_step(sub, inner.as_ref(), op, None, None, value, there)?
                .filter(|new| !is_empty(new));
            if sub.rule == Rule::Immutable && inner.is_some() && inner != new {
                return Err("mutability");
            }
            match new {
                Some(new) => object[sub.name] = new,
                None => drop(object.as_object_mut().unwrap().remove(sub.name)),
            }
            Ok(Some(object))
        }
        _ if op == "remove" => {
            if attribute.multi && value.is_some_and(|value| !value.is_null()) {
                return Err("invalidValue");
            }
            if attribute.rule == Rule::Required { Err("mutability") } else { Ok(None) }
        }
        (true, ..) => {
            let value = value.unwrap();
            let listed = if op == "add" && !value.is_array() && !value.is_null() {
                json!([value])
            } else {
                value.clone()
            };
            match canonical(attribute, &listed)? {
                None if op == "add" => Ok(old.cloned()),
                None if attribute.rule == Rule::Required => Err("mutability"),
                None => Ok(None),
                Some(new) if op == "replace" => Ok(Some(new)),
                Some(new) => {
                    let mut elements = old.and_then(Value::as_array).cloned().unwrap_or_default();
                    let new = new.as_array().unwrap();
                    let is_new_primary = |new: &Value| new["primary"] == true && !elements.contains(new);
                    if new.iter().any(is_new_primary) {
                        no_primary(&mut elements);
                    }
                    Ok(Some(added(attribute, elements, new).into()))
                }
            }
        }
        (false, ..) if !subs.is_empty() => merge_step(subs, old, op, value.unwrap()),
        _ => match canonical(attribute, value.unwrap())? {
            None if op == "add" => Ok(old.cloned()),
            None if attribute.rule == Rule::Required => Err("mutability"),
            new => Ok(new),
        },
    }
}

/// Merges a complex value (row 5 of the matrix).
fn merge_step(subs: &[Attr], old: Option<&Value>, op: &str, value: &Value) -> Result<Option<Value>, Refusal> {
    if value.is_null() {
        return Ok(if op == "add" { old.cloned() } else { None });
    }
    let mut object = old.cloned().unwrap_or_else(|| json!({}));
    let Value::Object(values) = value else { return Err("invalidValue") };
    let is_unassigned = |value: &Value| value.is_null() || *value == json!([]);
    let named = |name: &String| subs.iter().find(|sub| sub.name == name);
    let takes_required = |(name, value): (&String, &Value)| {
        is_unassigned(value) && named(name).is_some_and(|sub| sub.rule == Rule::Required)
    };
    if op == "replace" && values.iter().any(takes_required) {
        return Err("mutability");
    }
    // The error is that of the first member that is wrong.
    for (name, value) in values {
        match named(name) {
            None if value.is_null() => {}
            None => return Err("invalidValue"),
            Some(sub) if sub.rule == Rule::ReadOnly => return Err("mutability"),
            Some(sub) => drop(canonical(sub, value)?),
        }
    }
    // Members that clear come first, then those that set.
    for (name, value) in values.iter().filter(|(_, value)| is_unassigned(value)) {
        match subs.iter().find(|sub| sub.name == name) {
            Some(sub) if sub.rule == Rule::ReadOnly => return Err("mutability"),
            Some(sub) if !sub.multi && !value.is_null() => return Err("invalidValue"),
            Some(sub) if op == "replace" => {
                if sub.rule == Rule::Required || is_fixed(sub, &object[name]) {
                    return Err("mutability");
                }
                object.as_object_mut().unwrap().remove(name);
            }
            Some(_) => {}
            None if value.is_null() => {}
            None => return Err("invalidValue"),
        }
    }
    for (name, value) in values.iter().filter(|(_, value)| !is_unassigned(value)) {
        let sub = subs.iter().find(|sub| sub.name == name).ok_or("invalidValue")?;
        if sub.rule == Rule::ReadOnly {
            return Err("mutability");
        }
        if let Some(new) = canonical(sub, value)? {
            set_sub(sub, &mut object, op, &new)?;
        }
    }
    Ok(Some(object))
}

/// Sets a sub-attribute of a value. An add to a multi-valued one appends.
fn set_sub(sub: &Attr, object: &mut Value, op: &str, value: &Value) -> Result<(), Refusal> {
    let old = object.get(sub.name).cloned();
    let new = match (&old, value) {
        (Some(Value::Array(old)), Value::Array(new)) if sub.multi && op == "add" => {
            added(sub, old.clone(), new).into()
        }
        _ => value.clone(),
    };
    if sub.rule == Rule::Immutable && old.is_some_and(|old| old != new) {
        return Err("mutability");
    }
    object[sub.name] = new;
    Ok(())
}

/// Whether a value may not be removed: it is immutable, or a single value that holds something immutable.
fn is_fixed(attribute: &Attr, value: &Value) -> bool {
    let within = match (attribute.kind, value) {
        (Kind::Complex(subs), Value::Object(object)) => {
            subs.iter().any(|sub| sub.rule == Rule::Immutable && object.contains_key(sub.name))
        }
        _ => false,
    };
    !value.is_null() && (attribute.rule == Rule::Immutable || within)
}

/// Changes elements (rows 8 to 12 of the matrix).
#[allow(clippy::too_many_arguments, reason = "everything the rows speak of")]
fn elements_step(
    subs: &[Attr],
    mut elements: Vec<Value>,
    op: &str,
    filter: Option<&Test>,
    sub: Option<&Attr>,
    value: Option<&Value>,
    there: bool,
) -> Result<Vec<Value>, Refusal> {
    let chosen: Vec<bool> =
        elements.iter().map(|element| filter.is_none_or(|filter| filter.fits(element))).collect();
    let mut given = match (value, sub) {
        (Some(value), Some(sub)) if op == "remove" && sub.multi && !value.is_null() => {
            return Err("invalidValue");
        }
        _ if op == "remove" => None,
        (Some(value), Some(sub)) if op == "add" && sub.multi && !value.is_array() && !value.is_null() => {
            canonical(sub, &json!([value]))?
        }
        (Some(value), Some(sub)) => canonical(sub, value)?,
        (Some(Value::Null), None) => None,
        (Some(value), None) => {
            let value = match value.as_array().map(Vec::as_slice) {
                Some([single]) => single,
                _ => value,
            };
            Some(element(subs, value, false)?.ok_or("invalidValue")?)
        }
        (None, _) => None,
    };
    if op == "add" && given.is_none() {
        return Ok(elements);
    }
    if given.is_none() && sub.is_some_and(|sub| sub.rule == Rule::Required) {
        return Err("mutability");
    }
    if !there {
        return Ok(vec![]);
    }
    if given.is_some() && !chosen.contains(&true) {
        return Err("noTarget");
    }
    let mut primary = None;
    for (at, old) in elements.iter_mut().enumerate().filter(|(at, _)| chosen[*at]) {
        let mut new = old.clone();
        match (&mut given, sub) {
            (None, None) => new = Value::Null,
            (None, Some(sub)) => drop(new.as_object_mut().unwrap().remove(sub.name)),
            (Some(value), Some(sub)) => set_sub(sub, &mut new, op, value)?,
            (Some(value), None) if op == "replace" => new = value.clone(),
            (Some(value), None) => {
                for (name, value) in value.as_object().unwrap() {
                    let sub = subs.iter().find(|sub| sub.name == name).unwrap();
                    set_sub(sub, &mut new, op, value)?;
                }
            }
        }
        // Whole elements may be removed. In those that stay, immutable parts stay (rows 16, 17).
        let fixed = |sub: &Attr| {
            sub.rule == Rule::Immutable
                && old.get(sub.name).is_some()
                && old.get(sub.name) != new.get(sub.name)
        };
        if !new.is_null() && subs.iter().any(fixed) {
            return Err("mutability");
        }
        let names_primary = match (&given, sub) {
            (Some(_), Some(sub)) => sub.name == "primary",
            (Some(value), None) => value.get("primary").is_some(),
            _ => false,
        };
        if names_primary && new["primary"] == true {
            primary = Some(at);
        }
        *old = new;
    }
    if let Some(primary) = primary {
        no_primary(&mut elements);
        elements[primary]["primary"] = json!(true);
    }
    elements.retain(|element| !element.is_null() && !is_empty(element));
    Ok(once(elements))
}

fn no_primary(elements: &mut [Value]) {
    for element in elements {
        if element["primary"] == true {
            element["primary"] = json!(false);
        }
    }
}

/// Returns a value of the attribute's type, or nothing if it is unassigned.
fn canonical(attribute: &Attr, value: &Value) -> Result<Option<Value>, Refusal> {
    let subs = match attribute.kind {
        Kind::Complex(subs) => subs,
        _ => &[],
    };
    match value {
        Value::Null => Ok(None),
        Value::Array(values) if attribute.multi => {
            let mut elements = Vec::new();
            for value in values {
                if value.is_null() {
                    return Err("invalidValue");
                }
                let single = Attr { multi: false, ..*attribute };
                let new =
                    if subs.is_empty() { canonical(&single, value)? } else { element(subs, value, true)? };
                // RFC 7643 §2.5: only `null` and `[]` are "no value".
                elements.push(new.ok_or("invalidValue")?);
            }
            let elements = once(elements);
            if elements.iter().filter(|element| element["primary"] == true).count() > 1 {
                return Err("invalidValue");
            }
            Ok((!elements.is_empty()).then(|| elements.into()))
        }
        Value::Array(_) => Err("invalidValue"),
        _ if attribute.multi => Err("invalidValue"),
        Value::String(_) if attribute.kind == Kind::Text => Ok(Some(value.clone())),
        Value::Bool(_) if attribute.kind == Kind::Bool => Ok(Some(value.clone())),
        _ => Err("invalidValue"),
    }
}

/// Returns one element. If `whole`, it must have all that is required.
fn element(subs: &[Attr], value: &Value, whole: bool) -> Result<Option<Value>, Refusal> {
    let Value::Object(values) = value else { return Err("invalidValue") };
    let mut new = Map::new();
    for (name, value) in values {
        let Some(sub) = subs.iter().find(|sub| sub.name == name) else {
            if value.is_null() { continue } else { return Err("invalidValue") }
        };
        if sub.rule == Rule::ReadOnly {
            return Err("mutability");
        }
        if let Some(value) = canonical(sub, value)? {
            new.insert(name.clone(), value);
        }
    }
    if new.is_empty() {
        return Ok(None);
    }
    let lacks = |sub: &Attr| sub.rule == Rule::Required && !new.contains_key(sub.name);
    if whole && subs.iter().any(lacks) { Err("invalidValue") } else { Ok(Some(new.into())) }
}

/// Merges elements with equal `type` and `value` (CORE-026), unless they contradict each other.
fn once(elements: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for element in elements {
        match kept.iter_mut().find(|first| is_pair(first, &element)) {
            Some(first) if agree(first, &element, &[]) => tell(first, &element),
            _ => kept.push(element),
        }
    }
    kept
}

/// PATCH-027: an existing element is not added again, but may get a new `display` or `$ref`.
fn added(attribute: &Attr, old: Vec<Value>, new: &[Value]) -> Vec<Value> {
    let subs = match attribute.kind {
        Kind::Complex(subs) => subs,
        _ => &[],
    };
    let is_free = |name: &&str| subs.iter().all(|sub| sub.name != *name || sub.rule != Rule::Immutable);
    let labels: Vec<&str> = ["display", "$ref"].into_iter().filter(is_free).collect();
    let mut kept = old.clone();
    let mut told = vec![false; old.len()];
    for element in new.iter().filter(|element| !old.contains(element)) {
        let place = old.iter().position(|first| is_pair(first, element));
        match place {
            Some(at) if agree(&kept[at], element, if told[at] { &[] } else { &labels }) => {
                tell(&mut kept[at], element);
                told[at] = true;
            }
            _ => kept.push(element.clone()),
        }
    }
    once(kept)
}

fn is_pair(one: &Value, other: &Value) -> bool {
    let is_same = |name: &str| one.get(name) == other.get(name);
    one.get("value").is_some() && is_same("value") && is_same("type")
}

fn agree(one: &Value, other: &Value, labels: &[&str]) -> bool {
    let told = other.as_object().into_iter().flatten();
    let mut told = told.filter(|(name, _)| *name != "primary" && !labels.contains(&name.as_str()));
    told.all(|(name, value)| one.get(name).is_none_or(|first| first == value))
}

fn tell(first: &mut Value, later: &Value) {
    for (name, value) in later.as_object().into_iter().flatten() {
        if name != "primary" || *value == true {
            first[name] = value.clone();
        }
    }
}

/// Whether a `remove` at this target could select values by a value.
fn selects(attribute: &Attr, filter: Option<&Test>, sub: Option<&str>) -> Result<bool, Refusal> {
    let subs = match attribute.kind {
        Kind::Complex(subs) => subs,
        _ => &[],
    };
    if filter.is_some() && !(attribute.multi && (sub.is_some() || !subs.is_empty())) {
        return Err("invalidPath");
    }
    match sub {
        None => Ok(attribute.multi && filter.is_none()),
        Some(name) => subs.iter().find(|sub| sub.name == name).map(|sub| sub.multi).ok_or("invalidPath"),
    }
}

/// Refuses the value of a `remove` that has nothing to select.
fn refuse_spare(op: &str, value: Option<&Value>) -> Result<(), Refusal> {
    if op == "remove" && value.is_some_and(|value| !value.is_null()) { Err("invalidValue") } else { Ok(()) }
}

/// Changes members: links exist or not, and have no parts that could be changed (row 21 of the matrix).
fn members(
    resource: &Value,
    op: &str,
    filter: Option<&Test>,
    sub: Option<&str>,
    value: Option<&Value>,
) -> Result<Value, Refusal> {
    if sub.is_some() || (filter.is_some() && op != "remove") {
        return Err("mutability");
    }
    let mut members = resource["members"].as_array().cloned().unwrap_or_default();
    match op {
        "remove" => match (filter, value) {
            (Some(filter), _) => members.retain(|member| !filter.fits(member)),
            (None, None | Some(Value::Null)) => members.clear(),
            (None, Some(_)) => return Err("invalidValue"),
        },
        _ => {
            let given = match value.unwrap() {
                Value::Null => vec![],
                Value::Array(links) => links.clone(),
                single if op == "add" => vec![single.clone()],
                _ => return Err("invalidValue"),
            };
            if op == "replace" {
                members.clear();
            }
            for link in given {
                let id = link["value"].as_str().filter(|id| !id.is_empty()).ok_or("invalidValue")?;
                if members.iter().all(|member| member["value"] != id) {
                    members.push(json!({"value": id}));
                }
            }
        }
    }
    let mut after = resource.clone();
    if members.is_empty() {
        after.as_object_mut().unwrap().remove("members");
    } else {
        after["members"] = members.into();
    }
    Ok(after)
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
