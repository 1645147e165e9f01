//! The limits of a request: 413 if one is exceeded, and not before.

use scim_core::{Error, Lenience, Leniency, Limits, Resource, ResourceType, urn};
use scim_patch::{PatchError, PatchErrorKind, PatchPlan, PatchRequest};
use serde_json::{Map, Value, json};

fn compile(operations: Value, limits: &Limits) -> Result<PatchPlan, PatchError> {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations}).to_string();
    let leniency = Leniency::INTEROP;
    PatchRequest::parse(body.as_bytes(), &mut Lenience::new(leniency), limits)?
        .compile(&ResourceType::user(), &mut Lenience::new(leniency))
}

#[track_caller]
fn too_large(operations: Value, limits: &Limits, word: &str) {
    let error = compile(operations, limits).unwrap_err();
    assert_eq!(error.kind, PatchErrorKind::TooLarge, "{error:?}");
    assert_eq!(Error::from(error.clone()).status, 413);
    assert!(error.to_string().contains(word), "{error}");
}

fn titles(many: usize) -> Value {
    (0..many).map(|at| json!({"op": "add", "path": "title", "value": at.to_string()})).collect()
}

#[test]
fn operations_are_counted() {
    let limits = Limits { operations: 3, ..Limits::default() };
    assert!(compile(titles(3), &limits).is_ok());
    too_large(titles(4), &limits, "at most 3");
    assert!(compile(titles(1_000), &Limits::default()).is_ok());
    too_large(titles(1_001), &Limits::default(), "at most 1000");
}

#[test]
fn changes_are_counted_wherever_they_come_from() {
    let limits = Limits { changes: 3, ..Limits::default() };
    assert!(compile(titles(3), &limits).is_ok());
    too_large(titles(4), &limits, "more than 3 changes");
    let emails = |many: usize| -> Map<String, Value> {
        (0..many).map(|at| (format!("emails[type eq \"t{at}\"].value"), json!("x"))).collect()
    };
    assert!(compile(json!([{"op": "add", "value": emails(3)}]), &limits).is_ok());
    too_large(json!([{"op": "add", "value": emails(4)}]), &limits, "changes");
    too_large(json!([{"op": "add", "value": emails(1_001)}]), &Limits::default(), "more than 1000 changes");
    let names = json!({"nickName": "a", "title": "b", "locale": "c", "displayName": "d"});
    too_large(json!([{"op": "replace", "value": names}]), &limits, "changes");
}

/// A filter over members evaluates each term for each member.
#[test]
fn terms_over_members_are_counted() {
    let limits = Limits { changes: 3, ..Limits::default() };
    let compile = |filters: &[&str]| {
        let remove = |filter: &&str| json!({"op": "remove", "path": format!("members[{filter}]")});
        let operations: Value = filters.iter().map(remove).collect();
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        let request =
            PatchRequest::parse(body.to_string().as_bytes(), &mut Lenience::strict(), &limits).unwrap();
        request.compile(&ResourceType::group(), &mut Lenience::strict())
    };
    let (one, two) = ("value sw \"a\"", "value sw \"a\" or value sw \"b\"");
    assert!(compile(&[one, two]).is_ok());
    for filters in [&[two, two][..], &[one, one, one, one]] {
        assert!(compile(filters).is_err_and(|error| error.kind == PatchErrorKind::TooLarge));
    }
}

fn apply(leniency: &Leniency, limits: &Limits, before: Value, operations: Value) -> Result<(), PatchError> {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations}).to_string();
    let request = PatchRequest::parse(body.as_bytes(), &mut Lenience::new(*leniency), limits).unwrap();
    let plan = request.compile(&ResourceType::user(), &mut Lenience::new(*leniency)).unwrap();
    let mut document = json!({"schemas": [urn::USER], "userName": "ada"}).as_object().unwrap().clone();
    document.extend(before.as_object().unwrap().clone());
    let mut resource = Resource::from_canonical(document);
    let untouched = resource.clone();
    let result = plan.apply(&mut resource).map(drop);
    assert!(result.is_ok() || resource == untouched, "PATCH-014");
    result
}

/// Returns the cost of the operations: the smallest limit of steps within which they pass.
fn cost(before: &Value, operations: &Value) -> u64 {
    let passes = |steps: u64| {
        let limits = Limits { steps, ..Limits::default() };
        match apply(&Leniency::INTEROP, &limits, before.clone(), operations.clone()) {
            Ok(()) => true,
            Err(error) if error.kind == PatchErrorKind::TooLarge => false,
            Err(other) => unreachable!("{operations}: {other}"),
        }
    };
    let (mut refused, mut passed) = (0, 1 << 40);
    assert!(passes(passed), "{operations}");
    while passed - refused > 1 {
        let middle = u64::midpoint(refused, passed);
        if passes(middle) { passed = middle } else { refused = middle }
    }
    passed
}

#[test]
fn what_is_looked_at_is_charged() {
    let emails = |many: usize, text: &str| -> Value {
        let emails: Value = (0..many).map(|at| json!({"value": format!("{at}{text}")})).collect();
        json!({"emails": emails})
    };
    let (few, many, large) = (emails(10, "x"), emails(1_000, "x"), emails(10, &"x".repeat(10_000)));
    let remove = |filter: &str| json!({"op": "remove", "path": format!("emails[{filter}]")});
    let one = remove("value co \"y\"");
    let two = remove("value co \"y\" or value co \"z\"");
    for operation in [
        one.clone(),
        two.clone(),
        json!({"op": "remove", "path": "emails", "value": [{"value": "y"}]}),
        json!({"op": "add", "path": "emails", "value": [{"value": "y"}]}),
        json!({"op": "replace", "path": "emails[value co \"9\"].display", "value": "y"}),
    ] {
        let operations = |times: usize| Value::Array(vec![operation.clone(); times]);
        let once = cost(&few, &operations(1));
        assert!(cost(&many, &operations(1)) > 50 * once, "a hundred times the elements: {operation}");
        assert!(cost(&large, &operations(1)) > 10 * once, "a thousand times the bytes: {operation}");
        assert!(cost(&few, &operations(10)) > 5 * once, "ten times the work: {operation}");
    }
    assert!(cost(&few, &json!([two])) > cost(&few, &json!([one])), "each term");
}

/// A text that is written into every element counts for each of them.
#[test]
fn what_is_written_into_many_elements_counts_for_each() {
    let emails: Value = (0..10).map(|at| json!({"value": at.to_string()})).collect();
    let limits = Limits { bytes: 1_000, ..Limits::default() };
    let replace =
        |long: usize| json!([{"op": "replace", "path": "emails.display", "value": "x".repeat(long)}]);
    let run = |long: usize| apply(&Leniency::STRICT, &limits, json!({"emails": emails}), replace(long));
    assert!(run(100).is_ok());
    assert!(run(200).is_err_and(|error| error.kind == PatchErrorKind::TooLarge));
    // 9 more times 7 + 2 + 91 bytes are 900: `display`, its quotes and its letters.
    for (long, bytes, fits) in [(91, 900, true), (92, 900, false)] {
        let limits = Limits { bytes, ..Limits::default() };
        let whole =
            json!([{"op": "add", "path": "emails[value pr]", "value": {"display": "x".repeat(long - 7)}}]);
        assert!(apply(&Leniency::STRICT, &limits, json!({"emails": emails}), whole).is_ok());
        let whole =
            json!([{"op": "replace", "path": "emails[value pr]", "value": {"display": "x".repeat(long)}}]);
        let applied = apply(&Leniency::STRICT, &limits, json!({"emails": emails}), whole);
        assert_eq!(applied.is_ok(), fits, "{long}: {applied:?}");
    }
    let one = json!({"emails": [{"value": "1"}]});
    assert!(apply(&Leniency::STRICT, &limits, one, replace(200)).is_ok(), "it came with the request");
}

#[test]
fn values_are_bounded_by_the_body() {
    let title = |text: String| json!([{"op": "add", "path": "title", "value": text}]);
    let limits = Limits { bytes: 1_000, ..Limits::default() };
    assert!(compile(title("x".repeat(500)), &limits).is_ok());
    too_large(title("x".repeat(1_000)), &limits, "1000 bytes");
    let emails: Value = (0..100).map(|at| json!({"value": at.to_string()})).collect();
    let operation = json!([{"op": "add", "path": "emails", "value": emails}]);
    assert!(compile(operation.clone(), &Limits { elements: 300, ..Limits::default() }).is_ok());
    let error = compile(operation, &Limits { elements: 200, ..Limits::default() }).unwrap_err();
    assert_eq!(error.kind, PatchErrorKind::InvalidSyntax, "{error:?}");
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let error = compile(json!([{"op": "add", "path": "emails", "value": deep}]), &Limits::default());
    assert_eq!(error.unwrap_err().kind, PatchErrorKind::InvalidSyntax);
}

#[test]
fn members_do_not_count_as_changes() {
    let members: Value = (0..5_000).map(|at| json!({"value": at.to_string()})).collect();
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": members}]});
    let request = PatchRequest::from_value(body, &mut Lenience::strict()).unwrap();
    let plan = request.compile(&ResourceType::group(), &mut Lenience::strict()).unwrap();
    assert!(!plan.touches_document());
    assert_eq!(plan.relations().len(), 1);
}

#[test]
fn lists_written_into_many_elements_count_for_each() {
    let boxes = crate::laws::one_schema(json!({"id": "urn:b", "attributes": [
        {"name": "boxes", "type": "complex", "multiValued": true,
         "subAttributes": [{"name": "value"}, {"name": "tags", "multiValued": true}]}]}));
    let values: Value = (0..11).map(|at| json!({"value": at.to_string()})).collect();
    let before = json!({"schemas": ["urn:b"], "boxes": values}).as_object().unwrap().clone();
    let run = |op: &str, bytes: usize| {
        let operation = json!({"op": op, "path": "boxes.tags", "value": ["x".repeat(18), "y".repeat(28)]});
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]}).to_string();
        let limits = Limits { bytes, ..Limits::default() };
        let request = PatchRequest::parse(body.as_bytes(), &mut Lenience::strict(), &limits).unwrap();
        let plan = request.compile(&boxes, &mut Lenience::strict()).unwrap();
        plan.apply(&mut Resource::from_canonical(before.clone())).is_ok()
    };
    for op in ["add", "replace"] {
        assert_eq!([run(op, 500), run(op, 499)], [true, false], "{op}");
    }
}
