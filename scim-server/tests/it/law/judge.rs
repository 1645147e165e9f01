//! The judge. It compares a successful request with the resource before and after it, and finds what was lost without
//! being named. It knows the RFC and the named rules, and nothing of the engine.

use serde_json::Value;

use super::cases::{Operation, Path, Request};
use super::table::{Attr, Kind};

/// The exchange that is judged.
pub(crate) struct Exchange<'a> {
    pub(crate) attributes: &'a [Attr],
    pub(crate) before: &'a Value,
    pub(crate) request: &'a Request,
    pub(crate) after: &'a Value,
    /// The names that the answer lists as passed over.
    pub(crate) told: &'a [String],
    pub(crate) lenient: bool,
}

/// What a request says of one attribute.
struct Say<'a> {
    /// The index of the operation; 0 for a whole body.
    at: usize,
    op: &'a str,
    attr: Attr,
    filter: Option<&'a (&'static str, Value)>,
    sub: Option<&'static str>,
    value: Option<&'a Value>,
}

/// Attributes that are judged elsewhere, or that service providers do not accept from clients or do not keep.
const PASSED_BY: &[&str] = &["schemas", "id", "meta", "groups", "userName", "displayName", "password"];

impl Exchange<'_> {
    /// Returns the first violation of the law.
    pub(crate) fn judge(&self) -> Result<(), String> {
        if !self.lenient && !self.told.is_empty() {
            return Err(format!("strict passes over {:?}", self.told));
        }
        let says = self.says()?;
        for say in &says {
            // The members of an object have no order, so only a later operation may undo what one says.
            let later = says.iter().any(|later| later.at > say.at && later.attr.path() == say.attr.path());
            if !later {
                self.judge_claims(say)?;
            }
        }
        if matches!(self.request, Request::Create(_)) {
            return Ok(());
        }
        self.attributes.iter().try_for_each(|attr| self.judge_loss(attr, &says))
    }

    /// Returns what the request says of each attribute, in order. What it says of unknown names must be listed.
    fn says(&self) -> Result<Vec<Say<'_>>, String> {
        let mut says = Vec::new();
        match self.request {
            Request::Create(body) | Request::Replace(body) => self.members(0, "body", "", body, &mut says)?,
            Request::Patch(operations) => {
                for (at, operation) in operations.iter().enumerate() {
                    self.operation(at, operation, &mut says)?;
                }
            }
        }
        Ok(says)
    }

    fn operation<'a>(
        &'a self,
        at: usize,
        operation: &'a Operation,
        says: &mut Vec<Say<'a>>,
    ) -> Result<(), String> {
        let Operation { op, path, value, values } = operation;
        if values.is_some() {
            self.is_told(&format!("Operations[{at}].values"))?;
            let every = matches!(path, Some(Path::Attribute { attr, filter: None, .. }) if attr.multi);
            let selects = value.as_ref().is_some_and(|value| !value.is_null());
            if *op == "remove" && every && !selects {
                return Err("what nobody understands may have said which values to remove".into());
            }
        }
        match path {
            None => self.members(at, op, "", value.as_ref().unwrap_or(&Value::Null), says),
            Some(Path::Extension(urn)) => {
                match value {
                    Some(value) if *op != "remove" && value.is_object() => {
                        return self.members(at, op, urn, value, says);
                    }
                    Some(value) if *op == "remove" => self.spare(at, value)?,
                    _ => {}
                }
                for attr in self.attributes.iter().filter(|attr| attr.urn == *urn) {
                    let value = value.as_ref().filter(|_| *op != "remove");
                    says.push(Say { at, op, attr: *attr, filter: None, sub: None, value });
                }
                Ok(())
            }
            Some(Path::Attribute { attr, filter, sub }) => {
                let selects = attr.multi && filter.is_none() && sub.is_none();
                let mut value = value.as_ref();
                if *op == "remove" && !selects {
                    value.map_or(Ok(()), |value| self.spare(at, value))?;
                    value = None;
                }
                says.push(Say { at, op, attr: *attr, filter: filter.as_ref(), sub: *sub, value });
                Ok(())
            }
        }
    }

    /// A value that selects nothing must be listed.
    fn spare(&self, at: usize, value: &Value) -> Result<(), String> {
        if value.is_null() { Ok(()) } else { self.is_told(&format!("Operations[{at}].value")) }
    }

    fn members<'a>(
        &'a self,
        at: usize,
        op: &'a str,
        urn: &str,
        body: &'a Value,
        says: &mut Vec<Say<'a>>,
    ) -> Result<(), String> {
        for (key, value) in body.as_object().into_iter().flatten() {
            if urn.is_empty() && PASSED_BY.iter().any(|name| name.eq_ignore_ascii_case(key)) {
                continue;
            }
            let is_extension = self.attributes.iter().find(|attr| attr.urn.eq_ignore_ascii_case(key));
            if let Some(extension) = is_extension.filter(|_| urn.is_empty() && key.contains(':')) {
                if value.is_object() {
                    self.members(at, op, extension.urn, value, says)?;
                    let known = |name: &String| {
                        self.attributes
                            .iter()
                            .any(|attr| attr.urn == extension.urn && attr.name.eq_ignore_ascii_case(name))
                    };
                    let names = value.as_object().into_iter().flatten().map(|(name, _)| name);
                    // An extension with unknown names only may not clear what is there.
                    if op == "body" && names.clone().count() > 0 && !names.clone().any(known) {
                        let lost = self.attributes.iter().filter(|attr| attr.urn == extension.urn);
                        let mut lost = lost
                            .filter(|attr| !attr.of(self.before).is_null() && attr.of(self.after).is_null());
                        if let (Some(attr), Request::Replace(_)) = (lost.next(), self.request) {
                            return Err(format!(
                                "{} is gone, and only what nobody knows was said of it",
                                attr.path()
                            ));
                        }
                    }
                } else {
                    for attr in self.attributes.iter().filter(|attr| attr.urn == extension.urn) {
                        says.push(Say { at, op, attr: *attr, filter: None, sub: None, value: Some(value) });
                    }
                }
                continue;
            }
            if let Some((attr, sub)) = self.path_key(key).filter(|_| urn.is_empty() && op != "body") {
                says.push(Say { at, op, attr, filter: None, sub, value: Some(value) });
                continue;
            }
            let found = self.attributes.iter().find(|attr| {
                attr.name.eq_ignore_ascii_case(key) && (attr.urn == urn || (urn.is_empty() && self.lenient))
            });
            match found {
                Some(attr) => {
                    says.push(Say { at, op, attr: *attr, filter: None, sub: None, value: Some(value) });
                }
                None if leaves(value).is_empty() => {}
                None if urn.is_empty() => self.is_told(key)?,
                None => self.is_told(&format!("{urn}:{key}"))?,
            }
        }
        Ok(())
    }

    /// reads a member's name that is a path.
    fn path_key(&self, key: &str) -> Option<(Attr, Option<&'static str>)> {
        let is = |path: String| path.eq_ignore_ascii_case(key);
        self.attributes.iter().find_map(|attr| {
            if is(attr.path()) {
                return Some((*attr, None));
            }
            let sub = attr.subs.iter().find(|sub| is(format!("{}.{sub}", attr.path())))?;
            Some((*attr, Some(*sub)))
        })
    }

    fn is_told(&self, name: &str) -> Result<(), String> {
        if self.told.iter().any(|told| told.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(format!("nobody is told that {name} has no effect; told: {:?}", self.told))
    }

    /// Each leaf of the request is there now, had its effect, or is listed.
    fn judge_claims(&self, say: &Say<'_>) -> Result<(), String> {
        let Some(value) = say.value else { return Ok(()) };
        let attr = &say.attr;
        let value = unnested(attr, value);
        for (names, leaf) in leaves(value) {
            self.judge_leaf(say, &names, leaf)
                .map_err(|error| format!("{} {names:?} {leaf}: {error}", attr.path()))?;
        }
        if say.op == "remove" {
            return self.judge_selection(attr, value);
        }
        let is_whole = say.op != "add" && say.filter.is_none() && say.sub.is_none();
        let counts = attr.multi && attr.subs.iter().all(|sub| *sub != "value");
        if let (true, true, Value::Array(given)) = (is_whole, counts, value) {
            let there = attr.of(self.after).as_array().map_or(0, Vec::len);
            if there != given.len() {
                return Err(format!("{}: {} values were given, {there} are there", attr.path(), given.len()));
            }
        }
        if attr.kind == Kind::Link {
            for element in value.as_array().into_iter().flatten() {
                if let (None, Some(Value::String(uri))) = (member(element, "value"), member(element, "$ref"))
                {
                    let id = uri.rsplit('/').next().unwrap_or_default();
                    if !values(attr, "value", self.after).iter().any(|there| **there == id) {
                        return Err(format!("{uri} is no member"));
                    }
                }
            }
        }
        Ok(())
    }

    /// What a remove selects by its value is gone.
    fn judge_selection(&self, attr: &Attr, value: &Value) -> Result<(), String> {
        let selectors = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for selector in selectors {
            let selects = |element: &Value| {
                // an object may stand for its `value` alone.
                let simple = member(selector, "value").filter(|_| !attr.is_complex());
                let selector = simple.unwrap_or(selector);
                let Value::Object(object) = selector else {
                    return is_same(selector, element.get("value").unwrap_or(element));
                };
                let has_value = member(selector, "value").is_some();
                let mut named = object.iter().filter_map(|(name, given)| Some((attr.sub(name)?, given)));
                named.all(|(sub, given)| {
                    let describes = has_value && matches!(sub, "display" | "$ref" | "primary");
                    describes
                        || given.is_null()
                        || element.get(sub).is_some_and(|there| is_same(given, there))
                })
            };
            let elements = attr.of(self.after).as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(left) = elements.iter().find(|element| selects(element)) {
                return Err(format!("{}: {selector} was removed, and {left} is still there", attr.path()));
            }
        }
        Ok(())
    }

    fn judge_leaf(&self, say: &Say<'_>, names: &[&str], leaf: &Value) -> Result<(), String> {
        let attr = &say.attr;
        let sub = match (say.sub, names) {
            (Some(sub), []) => Some(sub),
            (Some(sub), [name]) if name.eq_ignore_ascii_case("value") => Some(sub),
            (Some(_), _) => None,
            (None, []) if attr.is_complex() => Some("value"),
            (None, []) => Some(""),
            (None, [name]) if attr.is_complex() => attr.sub(name),
            (None, [name]) if name.eq_ignore_ascii_case("value") => Some(""),
            _ => None,
        };
        let Some(sub) = sub else {
            return self.is_told(&format!("{}.{}", attr.path(), names.first().copied().unwrap_or_default()));
        };
        let there = values(attr, sub, self.after);
        if say.op == "remove" {
            return Ok(());
        }
        // CORE-025: `primary` is true once, and its absence means false.
        if sub == "primary" {
            let truth = leaf
                .as_bool()
                .unwrap_or_else(|| leaf.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")));
            let is_there = values(attr, sub, self.after).iter().any(|there| **there == true);
            return if !truth || is_there { Ok(()) } else { Err("nothing is primary".into()) };
        }
        // an empty text clears a single complex value.
        if *leaf == "" && sub == "value" && !attr.multi && self.lenient && there.is_empty() {
            return Ok(());
        }
        if there.iter().any(|there| is_same(leaf, there)) {
            return Ok(());
        }
        if attr.kind == Kind::Link {
            // The service provider computes these. The display name of a member stays as it was first given, also if an
            // earlier operation gave it.
            let may_be_there = say.at > 0 || !attr.of(self.before).is_null();
            let stays = matches!(sub, "type" | "$ref") || (sub == "display" && may_be_there);
            if stays {
                return Ok(());
            }
        }
        self.is_told(&format!("{}.{sub}", attr.path()))
    }

    /// Nothing is removed that the request does not remove.
    fn judge_loss(&self, attr: &Attr, says: &[Say<'_>]) -> Result<(), String> {
        let (before, after) = (attr.of(self.before), attr.of(self.after));
        if before.is_null() {
            return Ok(());
        }
        let says: Vec<&Say<'_>> = says.iter().filter(|say| say.attr.path() == attr.path()).collect();
        let lost = |what: &Value| Err(format!("{}: {what} is gone; {after} is there", attr.path()));
        if matches!(self.request, Request::Replace(_)) {
            // A replace removes what it does not mention. What it mentions is removed only if it says so.
            let clears = says.last().is_none_or(|say| self.clears(say));
            return if !after.is_null() || clears { Ok(()) } else { lost(before) };
        }
        match before {
            Value::Array(elements) => {
                for element in elements {
                    let is_kept = self.is_kept(attr, element);
                    if !is_kept
                        && !says.iter().enumerate().any(|(at, say)| self.takes(say, element, &says[at + 1..]))
                    {
                        return lost(element);
                    }
                }
                Ok(())
            }
            Value::Object(object) => {
                for (name, value) in object {
                    let now = after.get(name).unwrap_or(&Value::Null);
                    let is_gone = now.is_null();
                    if now == value || attr.sub(name).is_none() {
                        continue;
                    }
                    // A `$ref` is removed if `value` changes, even if that changes back.
                    let stale = name == "$ref"
                        && (says.len() > 1 || after.get("value") != before.get("value"))
                        && says.iter().any(|say| self.names(say, "value", false));
                    let named = says.iter().any(|say| self.names(say, name, is_gone));
                    if !stale && !named {
                        return lost(&serde_json::json!({name: value}));
                    }
                }
                Ok(())
            }
            simple if simple == after => Ok(()),
            simple => {
                let named = says
                    .iter()
                    .any(|say| if after.is_null() { self.clears(say) } else { say.op != "remove" });
                if named { Ok(()) } else { lost(simple) }
            }
        }
    }

    /// Returns whether this removes the whole attribute.
    fn clears(&self, say: &Say<'_>) -> bool {
        if say.op == "remove" {
            return say.filter.is_none() && say.sub.is_none();
        }
        let Some(value) = say.value else { return false };
        let single_complex = !say.attr.multi && say.attr.is_complex();
        // a list of one value stands for that value.
        let value = match value {
            Value::Array(elements) if single_complex && self.lenient && elements.len() == 1 => &elements[0],
            value => value,
        };
        let empty_text = |value: &Value| single_complex && self.lenient && *value == "";
        match value {
            _ if say.op == "add" && say.sub.is_none() => is_empty_manager(value, &empty_text),
            Value::Null => true,
            Value::Array(elements) if elements.is_empty() => true,
            // In a body, an object that assigns nothing is unassigned; in a PATCH it names nothing.
            Value::Object(_) if single_complex && say.op == "body" && leaves(value).is_empty() => true,
            value => is_empty_manager(value, &empty_text),
        }
    }

    /// Returns whether this changes or removes one sub-attribute of a single value.
    fn names(&self, say: &Say<'_>, name: &str, is_gone: bool) -> bool {
        if say.sub.is_none() && self.clears(say) {
            return true;
        }
        let unassigns = |value: &Value| {
            value.is_null() || *value == serde_json::json!([]) || (self.lenient && *value == "")
        };
        match (say.sub, say.value) {
            (Some(sub), _) if say.op == "remove" => sub == name,
            (Some(sub), Some(value)) => {
                (sub == name && (!is_gone || unassigns(value)))
                    || (sub == "value" && self.lenient && has_empty_text(value))
            }
            (None, Some(value)) => {
                let object = match value {
                    Value::Array(elements) if elements.len() == 1 => &elements[0],
                    value => value,
                };
                match member(object, name) {
                    Some(given) => !is_gone || unassigns(given),
                    None => name == "value" && !object.is_object() && !object.is_null(),
                }
            }
            _ => false,
        }
    }

    /// Returns whether an element of the resource before is also in the resource after.
    fn is_kept(&self, attr: &Attr, element: &Value) -> bool {
        let elements = |resource| attr.of(resource).as_array().map(Vec::as_slice).unwrap_or_default();
        let (before, after) = (elements(self.before), elements(self.after));
        if element.get("value").is_some()
            || element.is_object() && after.iter().any(|other| holds(other, element))
        {
            return after.iter().any(|other| holds(other, element));
        }
        let count = |of: &[Value]| of.iter().filter(|other| *other == element).count();
        count(after) >= count(before)
    }

    /// Returns whether this may remove or change an element.
    fn takes(&self, say: &Say<'_>, element: &Value, later: &[&Say<'_>]) -> bool {
        let attr = &say.attr;
        let after = attr.of(self.after).as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some((name, operand)) = say.filter {
            // It is not known here what an earlier operation has changed.
            return fits(element, name, operand) || say.at > 0;
        }
        if say.sub.is_some() {
            return true;
        }
        match (say.op, say.value) {
            ("remove", None | Some(Value::Null)) => true,
            ("remove", Some(value)) => {
                let value = unnested(attr, value);
                leaves(value).iter().any(|(_, leaf)| {
                    let own = leaves(element);
                    own.iter().any(|(_, own)| is_same(leaf, own))
                })
            }
            ("add", _) => after.iter().any(|other| {
                let is_pair = ["value", "type"].iter().all(|name| other.get(name) == element.get(name));
                let mut told = element.clone();
                for name in ["display", "$ref"] {
                    told.as_object_mut().map(|object| object.remove(name));
                }
                is_pair && element.get("value").is_some() && holds(other, &told)
            }),
            (_, Some(_)) => self.clears(say) || !after.is_empty() || !later.is_empty(),
            _ => false,
        }
    }
}

/// Returns whether the value is `""` or `{"value": ""}` and says nothing else.
fn is_empty_manager(value: &Value, empty_text: &impl Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(elements) if elements.len() == 1 => is_empty_manager(&elements[0], empty_text),
        Value::Object(_) => {
            let leaves = leaves(value);
            member(value, "value").is_some_and(empty_text) && leaves.iter().all(|(_, leaf)| **leaf == "")
        }
        value => empty_text(value),
    }
}

fn has_empty_text(value: &Value) -> bool {
    leaves(value).iter().any(|(_, leaf)| **leaf == "")
}

/// Returns a list that is nested below its own name.
fn unnested<'a>(attr: &Attr, value: &'a Value) -> &'a Value {
    match value {
        Value::Object(object) if attr.multi && object.len() == 1 => match member(value, attr.name) {
            Some(list @ Value::Array(_)) => list,
            _ => value,
        },
        value => value,
    }
}

/// Returns the scalars of a value with the names that lead to them. Lists have no names, and `null` says nothing.
fn leaves(value: &Value) -> Vec<(Vec<&str>, &Value)> {
    match value {
        Value::Null => vec![],
        Value::Array(elements) => elements.iter().flat_map(leaves).collect(),
        Value::Object(object) => {
            let below = |(name, inner)| {
                leaves(inner).into_iter().map(move |(mut names, leaf)| {
                    let name: &String = name;
                    names.insert(0, name.as_str());
                    (names, leaf)
                })
            };
            object.iter().flat_map(below).collect()
        }
        scalar => vec![(vec![], scalar)],
    }
}

fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Returns the values of an attribute, or of one of its sub-attributes.
fn values<'a>(attr: &Attr, sub: &str, resource: &'a Value) -> Vec<&'a Value> {
    let elements = match attr.of(resource) {
        Value::Null => vec![],
        Value::Array(elements) => elements.iter().collect(),
        single => vec![single],
    };
    let inner = |element: &'a Value| if sub.is_empty() { Some(element) } else { element.get(sub) };
    elements.into_iter().filter_map(inner).collect()
}

/// Returns whether a value is the one that was sent. Booleans may be sent as texts.
fn is_same(sent: &Value, there: &Value) -> bool {
    sent == there
        || sent.as_str().is_some_and(|text| {
            there
                .as_bool()
                .is_some_and(|truth| text.eq_ignore_ascii_case(if truth { "true" } else { "false" }))
                || there.as_str().is_some_and(|there| there.eq_ignore_ascii_case(text))
        })
}

/// Returns whether an element says everything that another one says, except which one is primary.
fn holds(element: &Value, other: &Value) -> bool {
    match (element, other) {
        (Value::Object(element), Value::Object(other)) => other
            .iter()
            .filter(|(name, _)| *name != "primary")
            .all(|(name, value)| element.get(name) == Some(value)),
        (one, other) => one == other,
    }
}

fn fits(element: &Value, name: &str, operand: &Value) -> bool {
    element.get(name).is_some_and(|value| is_same(operand, value))
}
