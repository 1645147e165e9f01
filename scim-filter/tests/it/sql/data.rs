//! Random resources and filters over every type of attribute.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use scim_core::{Attribute, Resource, ResourceType, Schema, Timestamp};
use scim_filter::{CompareOp, Filter, Literal};
use serde_json::{Map, Value, json};

use crate::properties::joined;
use crate::support::{Links, Stored};

pub(super) const TEST: &str = "urn:example:params:scim:schemas:extension:test:2.0:User";

/// Makes the user type with an extension in which every type occurs.
pub(super) fn user() -> ResourceType {
    let points = [
        Attribute::string("label"),
        Attribute::decimal("weight"),
        Attribute::string("tags").multi_valued(),
        Attribute::date_time("since"),
    ];
    let schema = Schema::describe(TEST, "Test")
        .attributes([
            Attribute::string("code").case_exact(),
            Attribute::string("label"),
            Attribute::integer("count"),
            Attribute::decimal("ratio"),
            Attribute::date_time("since"),
            Attribute::binary("blob"),
            Attribute::boolean("flag"),
            Attribute::reference("home", ["external"]),
            Attribute::reference("boss", ["User"]),
            Attribute::string("tags").multi_valued(),
            Attribute::integer("marks").multi_valued(),
            Attribute::complex("points", points).multi_valued(),
        ])
        .build()
        .unwrap();
    ResourceType::user().with_extension(Arc::new(schema), false).unwrap()
}

/// Filters and resources. `ascii` if all texts are ASCII.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) ascii: bool,
    pub(super) filters: Vec<Filter>,
    pub(super) resources: Vec<Fields>,
}

/// The parts of a resource.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    document: Value,
    groups: Vec<String>,
    id: String,
    created: i64,
    modified: i64,
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    any::<bool>().prop_flat_map(|ascii| {
        let filters = prop::collection::vec(filter(ascii), 1..8);
        (filters, prop::collection::vec(fields(ascii), 1..6)).prop_map(move |(filters, resources)| Case {
            ascii,
            filters,
            resources,
        })
    })
}

impl Fields {
    /// Makes a resource of which only this attribute of the extension matters.
    pub(super) fn with(name: &str, value: &Value) -> Self {
        let document = json!({TEST: {name: value}});
        Self { document, groups: Vec::new(), id: "1".to_owned(), created: 0, modified: 0 }
    }

    pub(super) fn stored(&self) -> Stored {
        let links = self.groups.iter().map(|id| ("groups".to_owned(), id.clone())).collect();
        Stored {
            id: self.id.clone(),
            created: Timestamp::from_millis(self.created),
            modified: Timestamp::from_millis(self.modified),
            resource_type: "User".to_owned(),
            version: "W/\"1\"".to_owned(),
            resource: Resource::from_canonical(self.document.as_object().unwrap().clone()),
            links: Links(links),
        }
    }
}

fn fields(ascii: bool) -> impl Strategy<Value = Fields> {
    let maybe = |values: BoxedStrategy<Value>| prop::option::weighted(0.7, values);
    let text = move || maybe(text(ascii));
    let flag = move || maybe(any::<bool>().prop_map(Value::from).boxed());
    let name = object([("familyName", text().boxed()), ("givenName", text().boxed())]);
    let email = object([
        ("value", text().boxed()),
        ("type", text().boxed()),
        ("display", text().boxed()),
        ("primary", flag().boxed()),
    ]);
    let manager = object([("value", text().boxed()), ("$ref", maybe(reference()).boxed())]);
    let point = object([
        ("label", text().boxed()),
        ("weight", maybe(decimal(ascii)).boxed()),
        ("tags", several(self::text(ascii))),
        ("since", maybe(instant()).boxed()),
    ]);
    let test = object([
        ("code", text().boxed()),
        ("label", text().boxed()),
        ("count", maybe(integer()).boxed()),
        ("ratio", maybe(decimal(ascii)).boxed()),
        ("since", maybe(instant()).boxed()),
        ("blob", maybe(binary()).boxed()),
        ("flag", flag().boxed()),
        ("home", maybe(reference()).boxed()),
        ("boss", maybe(reference()).boxed()),
        ("tags", several(self::text(ascii))),
        ("marks", several(integer())),
        ("points", several(filled(point))),
    ]);
    let document = object([
        ("userName", text().boxed()),
        ("externalId", text().boxed()),
        ("title", text().boxed()),
        ("active", flag().boxed()),
        ("name", name),
        ("emails", several(filled(email))),
        (scim_core::urn::ENTERPRISE_USER, object([("manager", manager)])),
        (TEST, test),
    ]);
    let moment = || select(vec![0, -1, 1_305_261_754_000, 1_305_261_754_123, 1_305_261_754_500]);
    (document, prop::collection::vec("[ab]", 0..3), "[abA]{1,2}", moment(), moment()).prop_map(
        |(document, groups, id, created, modified)| {
            let document = document.unwrap_or_else(|| json!({}));
            Fields { document, groups, id, created, modified }
        },
    )
}

/// Makes an object of those members that have a value, or nothing if there are none.
fn object<const N: usize>(
    members: [(&'static str, BoxedStrategy<Option<Value>>); N],
) -> BoxedStrategy<Option<Value>> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| value.prop_map(move |value| value.map(|value| (name.to_owned(), value))))
        .collect();
    members
        .prop_map(|members| {
            let members: Map<_, _> = members.into_iter().flatten().collect();
            (!members.is_empty()).then_some(Value::Object(members))
        })
        .boxed()
}

fn filled(value: BoxedStrategy<Option<Value>>) -> BoxedStrategy<Value> {
    value.prop_filter_map("empty", |value| value).boxed()
}

fn several(value: BoxedStrategy<Value>) -> BoxedStrategy<Option<Value>> {
    prop::collection::vec(value, 0..3)
        .prop_map(|values| (!values.is_empty()).then_some(Value::Array(values)))
        .boxed()
}

fn text(ascii: bool) -> BoxedStrategy<Value> {
    prop::collection::vec(select(pieces(ascii)), 0..3).prop_map(|pieces| pieces.concat().into()).boxed()
}

fn pieces(ascii: bool) -> Vec<&'static str> {
    let mut pieces = vec!["a", "A", "b", "%", "_", "'", "\"", "\\", "*", "?", "[", " "];
    if !ascii {
        pieces.extend(["é", "É", "e\u{301}", "Ａ", "ß", "\u{212a}", "k", "İ", "\u{10ffff}", "\u{ffff}"]);
    }
    pieces
}

/// Returns all texts of one piece, and some of two.
pub(super) fn texts() -> Vec<Value> {
    let pieces = pieces(false);
    let pairs = pieces.iter().zip(pieces.iter().skip(1)).map(|(one, other)| format!("{one}{other}"));
    [String::new()]
        .into_iter()
        .chain(pieces.iter().map(ToString::to_string))
        .chain(pairs)
        .map(Value::from)
        .collect()
}

fn integer() -> BoxedStrategy<Value> {
    select(integers()).boxed()
}

fn decimal(verbatim: bool) -> BoxedStrategy<Value> {
    select(decimals(verbatim)).boxed()
}

fn integers() -> Vec<Value> {
    [0, 1, -1, 2, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN].map(Value::from).to_vec()
}

/// Whole numbers beyond 63 bits are also exact as floats, because SQLite has no others.
///
/// If documents are stored verbatim, every float is written with all its digits, because PostgreSQL reads the digits.
pub(super) fn decimals(verbatim: bool) -> Vec<Value> {
    let mut floats = vec![0.0, 0.1, -0.5, 0.5, 1.0, 1.5, 2.0_f64.powi(53), 1e300, -1e300, 5e-324];
    if !verbatim {
        floats.extend([2.0_f64.powi(63), -2.0_f64.powi(63), 1e19, 1e23]);
    }
    let large = [1_u64 << 63, u64::MAX - 2047].map(Value::from);
    integers().into_iter().chain(floats.into_iter().map(Value::from)).chain(large).collect()
}

fn instant() -> BoxedStrategy<Value> {
    select(instants()).boxed()
}

pub(super) fn instants() -> Vec<Value> {
    let instants = [
        "2011-05-13T04:42:34Z",
        "2011-05-13T04:42:34",
        "2011-05-13T06:42:34.000+02:00",
        "2011-05-13T04:42:34.123Z",
        "2011-05-13T04:42:34.5Z",
        "2011-05-13T04:42:34.123456Z",
        "2011-05-13T04:42:34.1234567Z",
        "2011-05-12T24:00:00Z",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "1969-12-31T23:59:59.9999Z",
        "0000-01-01T00:00:00Z",
        "-0044-03-15T12:00:00Z",
        "12026-01-01T00:00:00+14:00",
        "9999999999-12-31T23:59:59.9Z",
        "-9999999999-01-01T00:00:00Z",
    ];
    instants.map(Value::from).to_vec()
}

fn binary() -> BoxedStrategy<Value> {
    select(vec!["", "aGVsbG8=", "aGVsbG8", "YWI=", "+/+/"]).prop_map(Value::from).boxed()
}

fn reference() -> BoxedStrategy<Value> {
    select(references()).boxed()
}

pub(super) fn references() -> Vec<Value> {
    let bases = [
        "https://a.example",
        "https://a.example/",
        "https://a.example/v1/",
        "https://a.example/v2/",
        "https://a.example/v2.1/",
        "https://a.example/v./",
        "https://a.example/v/",
        "https://a.example/v2x/",
        "https://a.example/v1/v2/",
        "https://a.example/scim/v2/",
        "https://b.example/v2/",
        "https://v2/",
        "https:///",
        "HTTPS://a.example/",
        "/",
        "../",
        "/scim/v2/",
        "v2/",
        "",
    ];
    let rests = ["Users/1", "Users/2", "users/1", "Groups/1", "1", "Users/", ""];
    let with_base = |base: &str| rests.map(|rest| Value::from(format!("{base}{rest}")));
    bases.into_iter().flat_map(with_base).collect()
}

fn filter(ascii: bool) -> impl Strategy<Value = Filter> {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let every: &[CompareOp] = &CompareOp::ALL;
    let (equal, ordered): (&[_], &[_]) = (&[Eq, Ne], &[Eq, Ne, Gt, Ge, Lt, Le]);
    let flag = any::<bool>().prop_map(Value::from).boxed();
    // An operand may use either alphabet of base64.
    let bytes = prop_oneof![binary(), Just(Value::from("-_-_"))].boxed();
    let term = move |paths: &[&str], ops: &[CompareOp], value: BoxedStrategy<Value>| {
        let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        let value = prop_oneof![8 => value.prop_map(Some), 1 => Just(Some(Value::Null)), 1 => Just(None)];
        (select(paths), select(ops.to_vec()), value)
            .prop_map(|(path, op, value)| match value {
                None => Filter::present(&path).unwrap(),
                Some(Value::Null) if !matches!(op, CompareOp::Eq | CompareOp::Ne) => {
                    Filter::present(&path).unwrap()
                }
                Some(value) => Filter::compare(&path, op, literal(value)).unwrap(),
            })
            .boxed()
    };
    let in_test = |name: &str| format!("{TEST}:{name}");
    let one =
        |name: &str, ops: &[CompareOp], value: BoxedStrategy<Value>| term(&[&in_test(name)], ops, value);
    let manager = format!("{}:manager", scim_core::urn::ENTERPRISE_USER);
    let plain = prop_oneof![
        4 => term(&["userName", "title", "externalId", "name.familyName", "name.givenName", "emails",
            "emails.value", "emails.type", &format!("{manager}.value"), "id"], every, text(ascii)),
        2 => term(&[&in_test("code"), &in_test("label"), &in_test("tags"), &in_test("points.label"), &in_test("points.tags")],
            every, text(ascii)),
        1 => term(&["active", "emails.primary", &in_test("flag")], equal, flag.clone()),
        1 => one("count", ordered, decimal(false)),
        1 => one("marks", ordered, decimal(false)),
        1 => one("ratio", ordered, decimal(false)),
        1 => one("points.weight", ordered, decimal(false)),
        1 => term(&[&in_test("since"), &in_test("points.since"), "meta.created", "meta.lastModified"],
            ordered, instant()),
        1 => one("blob", equal, bytes),
        1 => one("home", every, reference()),
        1 => term(&[&in_test("boss"), &format!("{manager}.$ref")], every, reference()),
        1 => term(&["groups", "groups.value", "groups.$ref"], equal, "[ab]".prop_map(Value::from).boxed()),
        1 => select(vec!["name".to_owned(), "emails".into(), manager.clone(), in_test("points"), "meta".into()])
            .prop_map(|path| Filter::present(&path).unwrap()),
        1 => Just(Filter::eq("meta.resourceType", "User").unwrap()),
    ];
    let within = |path: &str, inner: BoxedStrategy<Filter>| {
        let path = path.to_owned();
        joined(inner).prop_map(move |inner| inner.within(&path).unwrap()).boxed()
    };
    let email = prop_oneof![
        4 => term(&["value", "type", "display"], every, text(ascii)),
        1 => term(&["primary"], equal, flag),
    ];
    let point = prop_oneof![
        3 => term(&["label", "tags"], every, text(ascii)),
        1 => term(&["weight"], ordered, decimal(false)),
        1 => term(&["since"], ordered, instant()),
    ];
    let element = prop_oneof![
        3 => within("emails", email.boxed()),
        1 => within(&in_test("points"), point.boxed()),
        1 => within(&in_test("tags"), term(&["value"], every, text(ascii))),
        1 => within(&in_test("marks"), term(&["value"], ordered, decimal(false))),
        1 => within("name", term(&["familyName", "givenName"], every, text(ascii))),
        1 => within(&manager, term(&["$ref"], every, reference())),
        1 => within("groups", term(&["value"], equal, "[ab]".prop_map(Value::from).boxed())),
    ];
    joined(prop_oneof![3 => plain, 1 => element])
}

pub(super) fn literal(value: Value) -> Literal<'static> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => Literal::Null,
        Value::Bool(truth) => Literal::Boolean(truth),
        Value::Number(number) => Literal::Number(number),
        Value::String(text) => Literal::from(text),
    }
}
