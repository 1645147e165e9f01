//! Requests drawn from a list of numbers: some well formed, most odd in ways that were reported.

use scim_core::urn;
use serde_json::{Map, Value, json};

use super::table::{Attr, GROUP, Kind, ODD, USER};

/// The numbers that decide everything that is drawn, so that shrinking them shrinks the case.
pub(crate) struct Tape<'a> {
    pub(crate) numbers: &'a [u8],
    pub(crate) at: usize,
    /// The ids of existing users.
    pub(crate) ids: &'a [String],
}

/// One operation of a PATCH.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) op: &'static str,
    pub(crate) path: Option<Path>,
    pub(crate) value: Option<Value>,
    /// An unknown member named `values`.
    pub(crate) values: Option<Value>,
}

/// A path before it is written as text.
#[derive(Clone, Debug)]
pub(crate) enum Path {
    Extension(&'static str),
    Attribute { attr: Attr, filter: Option<(&'static str, Value)>, sub: Option<&'static str> },
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Create(Value),
    Replace(Value),
    Patch(Vec<Operation>),
}

impl Operation {
    pub(crate) fn to_value(&self) -> Value {
        let mut operation = json!({"op": self.op});
        if let Some(path) = &self.path {
            operation["path"] = path.to_string().into();
        }
        if let Some(value) = &self.value {
            operation["value"] = value.clone();
        }
        if let Some(values) = &self.values {
            operation["values"] = values.clone();
        }
        operation
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Extension(urn) => f.write_str(urn),
            Self::Attribute { attr, filter, sub } => {
                f.write_str(&attr.path())?;
                if let Some((name, operand)) = filter {
                    write!(f, "[{name} eq {operand}]")?;
                }
                sub.map_or(Ok(()), |sub| write!(f, ".{sub}"))
            }
        }
    }
}

impl Tape<'_> {
    pub(crate) fn below(&mut self, many: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        usize::from(number) % many
    }

    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(crate) fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }

    fn id(&mut self) -> Value {
        let at = self.below(self.ids.len());
        self.ids[at].as_str().into()
    }

    /// Draws a value that fits.
    fn scalar(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Text => self.one_of(&["a", "b", "c", "work"]).into(),
            Kind::Bool => self.one_of(&[true, false]).into(),
            Kind::Number => self.one_of(&[1, 2]).into(),
            Kind::Link => self.id(),
        }
    }

    fn element(&mut self, attr: &Attr) -> Value {
        if !attr.is_complex() {
            return self.scalar(attr.kind);
        }
        let mut object = Map::new();
        for sub in attr.subs {
            let value = match *sub {
                "primary" if self.once_in(4) => Value::Bool(self.once_in(2)),
                "primary" => continue,
                "value" => self.scalar(attr.kind),
                "$ref" if self.once_in(3) => {
                    format!("../Users/{}", self.id().as_str().unwrap_or_default()).into()
                }
                "type" if attr.kind != Kind::Link && self.once_in(2) => self.one_of(&["work", "home"]).into(),
                "$ref" | "type" => continue,
                _ if self.once_in(2) => self.scalar(Kind::Text),
                _ => continue,
            };
            object.insert((*sub).to_owned(), value);
        }
        if object.is_empty() {
            object.insert(attr.subs[0].to_owned(), self.scalar(Kind::Text));
        }
        object.into()
    }

    fn fitting(&mut self, attr: &Attr) -> Value {
        if !attr.multi {
            return self.element(attr);
        }
        (0..1 + self.below(3)).map(|_| self.element(attr)).collect()
    }

    /// Draws a value in one of the forms that clients send, right or wrong.
    pub(crate) fn value(&mut self, attr: &Attr) -> Value {
        let good = self.element(attr);
        let scalar = self.scalar(attr.kind);
        match self.below(34) {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!(""),
            4 => json!([{}]),
            5 => json!([null]),
            6 => json!([""]),
            7 => json!({"value": null}),
            8 => json!([{"value": null}]),
            9 => json!({"value": ""}),
            10 => json!({"value": "", "label": "a"}),
            11 => json!([{"id": scalar}]),
            12 => json!({"nope": "x"}),
            13 => json!([{"nope": "x"}]),
            14 => json!([good, {"nope": "x"}]),
            15 => json!([good, {}]),
            16 => json!({attr.name: [good]}),
            17 => json!({attr.name.to_uppercase(): good}),
            18 => json!({"value": scalar}),
            19 => json!([{"value": scalar, "nope": 1}]),
            20 => scalar,
            21 => json!([scalar]),
            22 => good,
            23 => json!([good, good]),
            24 => {
                json!([{"$ref": format!("https://h.example/scim/v2/Users/{}", scalar.as_str().unwrap_or("x"))}])
            }
            25 => self.one_of(&["True", "false", "[]", "null", "1", "{}"]).into(),
            26 => self.one_of(&[0, 1]).into(),
            27 => json!([[]]),
            28 => match good {
                Value::Object(object) => {
                    object.into_iter().map(|(name, value)| (name.to_uppercase(), value)).collect()
                }
                other => other,
            },
            29 => match good {
                Value::Object(mut object) => {
                    object.insert("nope".into(), json!("x"));
                    object.into()
                }
                other => json!([other, other]),
            },
            _ => self.fitting(attr),
        }
    }

    fn attribute(&mut self, of: &[Attr]) -> Attr {
        of[self.below(of.len())]
    }

    /// Puts an attribute into a body, where it belongs or where clients put it.
    fn put(&mut self, body: &mut Value, attr: &Attr, value: Value) {
        if attr.urn.is_empty() || self.once_in(12) {
            body[attr.name] = value;
        } else {
            body[attr.urn][attr.name] = value;
        }
    }

    /// Draws a sub-attribute: its name, and a value for it.
    fn part(&mut self, attr: &Attr) -> (&'static str, Value) {
        let name = attr.subs[self.below(attr.subs.len())];
        let kind = if name == "primary" { Kind::Bool } else { Kind::Text };
        let inner = Attr { name, multi: false, subs: &[], kind, ..*attr };
        (name, if name == "$ref" { "../Users/x".into() } else { self.value(&inner) })
    }

    /// Puts a member into a value without a path: a name in any letter case, or a path.
    fn put_key(&mut self, body: &mut Value, attr: &Attr) {
        let mut value = self.value(attr);
        let mut key = match self.below(4) {
            0 => attr.path(),
            1 if attr.is_complex() && attr.kind != Kind::Link => {
                let (name, part) = self.part(attr);
                value = part;
                format!("{}.{name}", attr.path())
            }
            _ => return self.put(body, attr, value),
        };
        if self.once_in(2) {
            key = key.to_uppercase();
        }
        body[key] = value;
    }

    /// Draws a resource that every preset accepts.
    pub(crate) fn resource(&mut self, of: &[Attr], unique: usize) -> Value {
        let mut body = json!({"schemas": [urn::GROUP], "displayName": "g"});
        let is_user = of.len() == USER.len();
        if is_user {
            body = json!({"schemas": [urn::USER], "userName": format!("u{unique}")});
        }
        for attr in of {
            if self.once_in(3) {
                continue;
            }
            let mut value = self.fitting(attr);
            one_primary(&mut value);
            if attr.kind == Kind::Link {
                value = links(&value);
            }
            if attr.urn.is_empty() {
                body[attr.name] = value;
            } else {
                body[attr.urn][attr.name] = value;
            }
        }
        if is_user {
            let used = [urn::ENTERPRISE_USER, ODD].into_iter().filter(|urn| body.get(urn).is_some());
            body["schemas"] = std::iter::once(urn::USER).chain(used).collect();
        }
        body
    }

    fn body(&mut self, of: &[Attr], unique: usize) -> Value {
        let mut body = self.resource(of, unique);
        for _ in 0..1 + self.below(3) {
            let attr = self.attribute(of);
            let value = self.value(&attr);
            self.put(&mut body, &attr, value);
        }
        if self.once_in(6) {
            body["nope"] = json!({"a": "x"});
        }
        if self.once_in(6) {
            body["password"] = "s3cret".into();
        }
        if self.once_in(8) && of.len() == USER.len() {
            let odd = [json!({}), json!({"nope": 1}), json!(null), json!([])];
            body[ODD] = odd[self.below(4)].clone();
        }
        body
    }

    fn operation(&mut self, of: &[Attr]) -> Operation {
        let op = self.one_of(&["add", "replace", "replace", "remove"]);
        let attr = self.attribute(of);
        if op != "remove" && self.once_in(4) {
            let mut body = json!({});
            let again = self.attribute(of);
            for _ in 0..1 + self.below(3) {
                let attr = if self.once_in(2) { again } else { self.attribute(of) };
                self.put_key(&mut body, &attr);
            }
            if again.urn == urn::ENTERPRISE_USER && self.once_in(8) {
                body[again.urn] = Value::Null;
            }
            if self.once_in(4) {
                body["nope"] = json!("x");
            }
            return Operation { op, path: None, value: Some(body), values: None };
        }
        if !attr.urn.is_empty() && self.once_in(6) {
            let value = match self.below(5) {
                0 => json!({}),
                1 => Value::Null,
                2 => json!({"nope": "x"}),
                3 => json!(""),
                _ => json!({attr.name: self.value(&attr)}),
            };
            let value = (op != "remove" || self.once_in(3)).then_some(value);
            return Operation { op, path: Some(Path::Extension(attr.urn)), value, values: None };
        }
        let mut value = self.value(&attr);
        let (mut filter, mut sub) = (None, None);
        if attr.is_complex() {
            if attr.multi && self.once_in(3) {
                let name = self.one_of(&["type", attr.subs[0]]);
                let operand = if name == "type" { "work".into() } else { self.scalar(attr.kind) };
                filter = Some((name, operand));
                value = if self.once_in(2) { self.element(&attr) } else { value };
            }
            if attr.kind != Kind::Link && self.once_in(3) {
                let (name, part) = self.part(&attr);
                (sub, value) = (Some(name), part);
            }
        }
        let value = (op != "remove" || self.once_in(3)).then_some(value);
        let values = self.once_in(16).then(|| json!([self.element(&attr)]));
        Operation { op, path: Some(Path::Attribute { attr, filter, sub }), value, values }
    }

    pub(crate) fn request(&mut self, of: &[Attr], unique: usize) -> Request {
        match self.below(4) {
            0 => Request::Create(self.body(of, unique)),
            1 => Request::Replace(self.body(of, unique)),
            _ => Request::Patch((0..1 + self.below(2)).map(|_| self.operation(of)).collect()),
        }
    }

    pub(crate) fn attributes(&mut self) -> &'static [Attr] {
        if self.once_in(3) { GROUP } else { USER }
    }
}

/// Leaves only one `primary: true`, so that `strict` accepts it.
fn one_primary(value: &mut Value) {
    let elements = value.as_array_mut().into_iter().flatten().filter(|element| element["primary"] == true);
    for element in elements.skip(1) {
        element["primary"] = Value::Bool(false);
    }
}

/// Returns links with each user once.
fn links(value: &Value) -> Value {
    let mut ids: Vec<&Value> =
        value.as_array().into_iter().flatten().map(|element| &element["value"]).collect();
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    ids.into_iter().map(|id| json!({"value": id})).collect()
}
