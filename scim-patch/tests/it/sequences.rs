//! Compares random sequences of operations with the model, and checks laws of every plan.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use scim_core::{
    Error, Lenience, Leniency, Reference, Resource, ResourceType, Schema, UnknownAttributes, urn,
};
use scim_patch::{
    Changed, Op, PatchError, PatchErrorKind, PatchPlan, PatchRequest, RelationStep, diff, diff_relation,
};
use serde_json::{Map, Value, json};

use crate::model::{
    Attr, BADGE, BADGES, ENTERPRISE, GROUP, GROUPS, Kind, Model, Operation, Rule, Target, Test, USER, USERS,
};

/// `User` with the enterprise extension, and one with attributes of every shape and mutability.
pub(crate) static USER_TYPE: LazyLock<Arc<ResourceType>> = LazyLock::new(|| {
    let schema = Schema::from_json(json!({"id": BADGE, "attributes": described(BADGES)})).unwrap();
    ResourceType::user().with_extension(schema.into(), false).unwrap().into()
});

fn described(attributes: &[Attr]) -> Value {
    let one = |attribute: &Attr| {
        let (kind, subs) = match attribute.kind {
            Kind::Text => ("string", json!([])),
            Kind::Bool => ("boolean", json!([])),
            Kind::Complex(subs) => ("complex", described(subs)),
        };
        let mutability = match attribute.rule {
            Rule::Immutable => "immutable",
            Rule::ReadOnly => "readOnly",
            Rule::Free | Rule::Required => "readWrite",
        };
        json!({"name": attribute.name, "type": kind, "subAttributes": subs, "multiValued": attribute.multi,
            "required": attribute.rule == Rule::Required, "mutability": mutability})
    };
    attributes.iter().map(one).collect()
}

/// A list of numbers that decides everything that is drawn. Shrinking the list shrinks the case.
struct Tape<'a> {
    numbers: &'a [u8],
    at: usize,
}

impl Tape<'_> {
    fn below(&mut self, many: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        usize::from(number) % many
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// True once in so many times.
    fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }

    fn word(&mut self) -> Value {
        self.one_of(&["a", "A", "b", "work", "home", ""]).into()
    }

    /// Draws a value, mostly of the attribute's type.
    fn value(&mut self, attribute: &Attr) -> Value {
        if self.once_in(24) {
            return self
                .one_of(&["null", "[]", "{}", "1", "[null]", "\" \"", "{\"nope\":\"x\"}"])
                .parse()
                .unwrap();
        }
        if attribute.multi && !self.once_in(6) {
            let many = self.below(4);
            return (0..many).map(|_| self.single(attribute)).collect();
        }
        self.single(attribute)
    }

    fn single(&mut self, attribute: &Attr) -> Value {
        match attribute.kind {
            Kind::Text => self.word(),
            Kind::Bool => self.one_of(&[true, false]).into(),
            Kind::Complex(subs) => {
                let mut object = Map::new();
                for sub in subs {
                    // Mostly present if it is required, mostly absent if it may not be written.
                    let given = match sub.rule {
                        Rule::Required => !self.once_in(12),
                        Rule::ReadOnly => self.once_in(12),
                        _ => self.once_in(2),
                    };
                    if given {
                        object.insert(sub.name.into(), self.value(sub));
                    }
                }
                object.into()
            }
        }
    }

    fn test(&mut self, subs: &[Attr], depth: usize) -> Test {
        let sub = match subs {
            [] => None,
            [value, ..] if self.once_in(2) => Some(*value),
            subs => Some(subs[self.below(subs.len())]),
        };
        let bool = sub.is_some_and(|sub| sub.kind == Kind::Bool);
        let op = if bool {
            self.one_of(&["eq", "ne", "pr"])
        } else {
            self.one_of(&["eq", "eq", "ne", "sw", "pr"])
        };
        let operand =
            if bool { self.one_of(&[true, false]).into() } else { self.one_of(&["a", "b", "work"]).into() };
        let and = (depth == 0 && self.once_in(4)).then(|| Box::new(self.test(subs, 1)));
        Test { sub: sub.map_or("value", |sub| sub.name), op, operand, and }
    }

    fn operation(&mut self, model: &Model) -> Operation {
        let op = self.one_of(&["add", "replace", "remove"]);
        let (target, value) = self.target(model, op);
        let value = match op {
            "remove" => self.once_in(12).then_some(value),
            _ => (!self.once_in(40)).then_some(value),
        };
        Operation { op, target, value }
    }

    fn target(&mut self, model: &Model, op: &str) -> (Target, Value) {
        if model.members && !self.once_in(3) {
            return self.members(op);
        }
        if self.once_in(8) && op != "remove" || self.once_in(40) {
            let mut values = self.attributes(model.base, 3);
            if let [first, ..] = model.extensions
                && self.once_in(3)
            {
                let (urn, attributes) = if self.once_in(2) { *first } else { model.extensions[1] };
                values.insert(urn.into(), self.attributes(attributes, 3).into());
            }
            if model.members && self.once_in(2) {
                values.insert("members".into(), self.links());
            }
            return (Target::Whole, if self.once_in(20) { json!("x") } else { values.into() });
        }
        let (extension, attributes) = match self.below(1 + 2 * model.extensions.len()) {
            0 => (None, model.base),
            at => {
                let (urn, attributes) = model.extensions[(at - 1) % model.extensions.len()];
                (Some(urn), attributes)
            }
        };
        if let Some(urn) = extension
            && self.once_in(8)
        {
            let values = self.attributes(attributes, 4);
            return (Target::Extension(urn), if self.once_in(12) { Value::Null } else { values.into() });
        }
        let mut attribute = attributes[self.below(attributes.len())];
        if attribute.rule != Rule::Free && !self.once_in(4) {
            attribute = attributes[self.below(attributes.len())];
        }
        let mut value = self.value(&attribute);
        let (mut filter, mut sub) = (None, None);
        if let Kind::Complex(subs) = attribute.kind {
            if (attribute.multi && self.once_in(2)) || self.once_in(20) {
                filter = Some(self.test(subs, 0));
                value = self.single(&attribute);
                if self.once_in(20) {
                    value = json!([value]);
                }
            }
            if self.once_in(2) {
                let named = subs[self.below(subs.len())];
                sub = Some(named.name);
                value = self.value(&named);
            }
        }
        (Target::Attribute { extension, name: attribute.name, filter, sub }, value)
    }

    fn attributes(&mut self, attributes: &[Attr], many: usize) -> Map<String, Value> {
        let mut values = Map::new();
        for _ in 0..self.below(many + 1) {
            let attribute = attributes[self.below(attributes.len())];
            values.insert(attribute.name.into(), self.value(&attribute));
        }
        values
    }

    fn members(&mut self, op: &str) -> (Target, Value) {
        let filter = ((op == "remove" && self.once_in(2)) || self.once_in(20)).then(|| Test {
            sub: "value",
            op: self.one_of(&["eq", "eq", "sw", "pr"]),
            operand: self.id().into(),
            and: None,
        });
        let sub = self.once_in(20).then_some("value");
        (Target::Attribute { extension: None, name: "members", filter, sub }, self.links())
    }

    fn id(&mut self) -> &'static str {
        self.one_of(&["u1", "u2", "u3", "v4"])
    }

    fn links(&mut self) -> Value {
        match self.below(20) {
            19 => json!([{"display": "x"}]),
            18 => json!(null),
            17 => json!({"value": self.id()}),
            many => (0..many % 4).map(|_| json!({"value": self.id()})).collect(),
        }
    }

    /// Adds attributes that no schema knows, or that only the service provider writes, to two states of a resource.
    fn with_what_no_client_writes(&mut self, before: &mut Value, after: &mut Value) {
        for resource in [before, after] {
            for name in ["shoe", "app.role", "a[b"] {
                if self.once_in(3) {
                    resource[name] = self.one_of(&[1, 2]).into();
                }
            }
            for (owner, name) in [(urn::ENTERPRISE_USER, "badge"), ("name", "nick")] {
                if self.once_in(2) && resource.get(owner).is_some() {
                    resource[owner][name] = self.one_of(&[1, 2]).into();
                }
            }
            let element = resource.get_mut("emails").and_then(|emails| emails.get_mut(0));
            if let Some(element) = element
                && self.once_in(2)
            {
                element["x"] = self.one_of(&[1, 2]).into();
            }
            let manager =
                resource.get_mut(urn::ENTERPRISE_USER).and_then(|extension| extension.get_mut("manager"));
            if let Some(manager) = manager {
                manager["displayName"] = "Boss".into();
            }
        }
    }

    /// Draws a resource as it could be stored: what the model makes of some additions.
    fn resource(&mut self, model: &Model) -> Value {
        let bare = if model.members {
            json!({"schemas": [model.urn], "displayName": "g"})
        } else {
            json!({"schemas": [model.urn], "userName": "a"})
        };
        let mut resource = bare;
        let bases = std::iter::once((None, model.base));
        let extensions = model.extensions.iter().map(|(urn, attributes)| (Some(*urn), *attributes));
        for (extension, attributes) in bases.chain(extensions) {
            for attribute in attributes {
                // An immutable attribute is mostly left unset, because it can be set only once.
                if self.once_in(if attribute.rule == Rule::Immutable { 4 } else { 2 }) {
                    let value = self.value(attribute);
                    resource = given(model, resource, extension, attribute.name, value);
                }
            }
        }
        if model.members {
            resource = given(model, resource, None, "members", self.links());
        }
        resource
    }
}

/// Returns the resource with this value, if it may have the value.
fn given(
    model: &Model,
    resource: Value,
    extension: Option<&'static str>,
    name: &'static str,
    value: Value,
) -> Value {
    let add = |name, value| {
        let target = Target::Attribute { extension, name, filter: None, sub: None };
        Operation { op: "add", target, value: Some(value) }
    };
    let mut operations = vec![add(name, value)];
    if extension == Some(BADGE) {
        operations.extend([add("code", json!("c")), add("pins", json!({"value": "p"}))].into_iter().filter(
            |operation| !matches!(operation.target, Target::Attribute { name: other, .. } if other == name),
        ));
    }
    model.patch(&resource, &operations).unwrap_or(resource)
}

/// A case: the type, the resource and the operations.
pub(crate) fn case(numbers: &[u8]) -> (&'static Model, Arc<ResourceType>, Value, Vec<Operation>) {
    let mut tape = Tape { numbers, at: 0 };
    let (model, resource_type) =
        if tape.once_in(4) { (&GROUPS, ResourceType::group()) } else { (&USERS, Arc::clone(&USER_TYPE)) };
    let resource = tape.resource(model);
    let operations = (0..1 + tape.below(5)).map(|_| tape.operation(model)).collect();
    (model, resource_type, resource, operations)
}

pub(crate) fn path(target: &Target) -> Option<String> {
    fn brackets(test: &Test) -> String {
        let this = match test.op {
            "pr" => format!("{} pr", test.sub),
            op => format!("{} {op} {}", test.sub, test.operand),
        };
        test.and.as_ref().map_or_else(|| this.clone(), |other| format!("{this} and {}", brackets(other)))
    }
    match target {
        Target::Whole => None,
        Target::Extension(urn) => Some((*urn).to_owned()),
        Target::Attribute { extension, name, filter, sub } => {
            let urn = extension.map(|urn| format!("{urn}:")).unwrap_or_default();
            let filter = filter.as_ref().map(|test| format!("[{}]", brackets(test))).unwrap_or_default();
            let sub = sub.map(|sub| format!(".{sub}")).unwrap_or_default();
            Some(format!("{urn}{name}{filter}{sub}"))
        }
    }
}

fn request(operations: &[Operation]) -> PatchRequest {
    operations.iter().fold(PatchRequest::new(), |request, Operation { op, target, value }| {
        let op = match *op {
            "add" => Op::Add,
            "remove" => Op::Remove,
            _ => Op::Replace,
        };
        request.operation(scim_patch::Operation { op, path: path(target), value: value.clone() })
    })
}

fn split(resource: &Value) -> (Resource, Vec<Value>) {
    let mut document = resource.as_object().unwrap().clone();
    let members = match document.remove("members") {
        Some(Value::Array(members)) => members,
        _ => vec![],
    };
    (Resource::from_canonical(document), members)
}

/// Carries out the steps on a relation, link by link.
pub(crate) fn link(members: &mut Vec<Value>, plan: &PatchPlan) {
    for edit in plan.relations() {
        match &edit.step {
            RelationStep::Clear => members.clear(),
            RelationStep::Remove(ids) => {
                members.retain(|member| !ids.iter().any(|id| member["value"] == *id));
            }
            RelationStep::RemoveWhere(filter) => members.retain(|member| !filter.matches(member)),
            RelationStep::Set(references) | RelationStep::Add(references) => {
                if matches!(edit.step, RelationStep::Set(_)) {
                    members.retain(|member| {
                        references.iter().any(|reference| member["value"] == reference.value)
                    });
                }
                for reference in references {
                    if members.iter().all(|member| member["value"] != reference.value) {
                        members.push(json!({"value": reference.value}));
                    }
                }
            }
        }
    }
}

fn whole(document: Resource, mut members: Vec<Value>) -> Value {
    let mut document = document.into_map();
    if !members.is_empty() {
        // Links have no order.
        members.sort_by_key(Value::to_string);
        document.insert("members".into(), members.into());
    }
    if let Some(Value::Array(schemas)) = document.get_mut("schemas") {
        schemas.sort_by_key(Value::to_string);
    }
    document.into()
}

fn keyword(error: impl Into<Error>) -> String {
    error.into().scim_type.map_or_else(|| "none".to_owned(), |keyword| keyword.to_string())
}

fn plan(resource_type: &Arc<ResourceType>, operations: &[Operation]) -> Result<PatchPlan, String> {
    request(operations).compile(resource_type, &mut Lenience::strict()).map_err(keyword)
}

fn engine(
    resource_type: &Arc<ResourceType>,
    before: &Value,
    operations: &[Operation],
) -> Result<Value, String> {
    applied(&plan(resource_type, operations)?, before).map_err(keyword)
}

/// Applies a plan to a resource, and checks that a refusal leaves it unchanged.
pub(crate) fn applied(plan: &PatchPlan, before: &Value) -> Result<Value, PatchError> {
    let (mut document, mut members) = split(before);
    let untouched = document.clone();
    match plan.apply(&mut document) {
        Ok(changed) => assert_eq!(changed == Changed::No, document == untouched, "PATCH-021"),
        Err(error) => {
            assert_eq!(document, untouched, "PATCH-014");
            return Err(error);
        }
    }
    link(&mut members, plan);
    Ok(whole(document, members))
}

pub(crate) fn sorted(resource: Value) -> Value {
    let (document, members) = split(&resource);
    whole(document, members)
}

fn told(before: &Value, operations: &[Operation]) -> String {
    format!("{before}\n{}", told_of(&request(operations)))
}

fn told_of(request: &PatchRequest) -> String {
    serde_json::to_string(request).unwrap()
}

pub(crate) fn cases(many: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(many);
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100_000,
        ..ProptestConfig::default()
    }
}

pub(crate) fn numbers() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 50..500)
}

proptest! {
    #![proptest_config(cases(3_000))]

    /// Every result and every refusal equals the model's.
    #[test]
    fn patch_013_patch_014_random_requests_agree_with_the_model(numbers in numbers()) {
        let (model, resource_type, before, operations) = case(&numbers);
        let expected = model.patch(&before, &operations).map(sorted).map_err(str::to_owned);
        let found = engine(&resource_type, &before, &operations);
        prop_assert_eq!(found, expected, "{}", told(&before, &operations));
    }

    /// What `diff` writes leads from one resource to the other. From a resource to itself it writes nothing.
    #[test]
    fn diff_leads_from_one_resource_to_the_other(numbers in numbers(), others in numbers(), chunk in 1_usize..4) {
        let (_, resource_type, before, _) = case(&numbers);
        let model = if resource_type.relation("members").is_some() { &GROUPS } else { &USERS };
        let mut after = Tape { numbers: &others, at: 0 }.resource(model);
        if !keep_immutable(&before, &mut after) {
            return Ok(());
        }
        let mut extra = Tape { numbers: &others, at: 200 };
        let (mut before, mut after) = (before, after);
        extra.with_what_no_client_writes(&mut before, &mut after);
        let (from, links_from) = split(&before);
        let (to, links_to) = split(&after);
        let seal = |resource: &Resource| resource.as_map().get(BADGE).map_or(Value::Null, |badge| badge["box"]["seal"].clone());
        let references = |links: &[Value]| links.iter().filter_map(Reference::from_element).collect::<Vec<_>>();
        let request = diff(&resource_type, &from, &to);
        prop_assert!(diff(&resource_type, &from, &from).is_empty());
        let mut members = links_from.clone();
        let (before_ids, after_ids) = (references(&links_from), references(&links_to));
        prop_assert!(diff_relation("members", &after_ids, &after_ids, chunk).is_empty());
        for links in diff_relation("members", &before_ids, &after_ids, chunk) {
            link(&mut members, &links.compile(&resource_type, &mut Lenience::strict()).unwrap());
        }
        let keep = Leniency::STRICT.with_unknown_attributes(UnknownAttributes::Keep);
        let plan = request.clone().compile(&resource_type, &mut Lenience::new(keep));
        let plan = plan.map_err(|error| TestCaseError::fail(format!("{error}: {}", told_of(&request))))?;
        let mut document = from.clone();
        match plan.apply(&mut document) {
            // A seal, once set, stays: no PATCH can change it.
            Err(error)
                if error.kind == PatchErrorKind::Immutable
                    && error.path.contains("box")
                    && !seal(&from).is_null() && seal(&from) != seal(&to) => return Ok(()),
            outcome => {
                prop_assert!(outcome.is_ok(), "{:?}: {}\n{} to {}", outcome, told_of(&request), before, after);
            }
        }
        prop_assert_eq!(written(whole(document, members)), written(sorted(after)), "{}", told_of(&request));
    }

    /// Edits of the document and relation steps can be carried out separately. Joined steps do what the single steps
    /// do.
    #[test]
    fn patch_013_plans_may_be_split_and_their_steps_folded(numbers in numbers()) {
        let (_, resource_type, before, operations) = case(&numbers);
        let Ok(at_once) = engine(&resource_type, &before, &operations) else { return Ok(()) };
        let mut one_by_one = before.clone();
        for operation in &operations {
            let alone = std::slice::from_ref(operation);
            let step = plan(&resource_type, alone).unwrap();
            let (mut document, mut members) = split(&one_by_one);
            // A required attribute may come later in the request.
            let Ok(_) = step.apply(&mut document) else { return Ok(()) };
            link(&mut members, &step);
            one_by_one = whole(document, members);
        }
        prop_assert_eq!(&one_by_one, &at_once, "{}", told(&before, &operations));
        let links = |operation: &Operation| {
            matches!(operation.target, Target::Attribute { name: "members", .. })
        };
        let (relations, edits): (Vec<_>, Vec<_>) =
            operations.iter().flat_map(without_members).partition(links);
        let apart = engine(&resource_type, &before, &edits)
            .and_then(|between| engine(&resource_type, &between, &relations));
        prop_assert_eq!(apart, Ok(at_once), "{}", told(&before, &operations));
    }
}

/// Copies the immutable attributes of the old state to the new one; `false` if it cannot have them.
fn keep_immutable(before: &Value, after: &mut Value) -> bool {
    ["serial", "keys"].iter().all(|name| {
        let old = before.get(BADGE).and_then(|badge| badge.get(name));
        match (old, after.get_mut(BADGE).and_then(Value::as_object_mut)) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(old), Some(badge)) => {
                badge.insert((*name).to_owned(), old.clone());
                true
            }
        }
    })
}

/// Removes what only the service provider writes.
fn written(mut resource: Value) -> Value {
    let manager = resource.get_mut(urn::ENTERPRISE_USER).and_then(|extension| extension.get_mut("manager"));
    if let Some(Value::Object(manager)) = manager {
        manager.remove("displayName");
    }
    resource
}

/// Splits an operation without a path that names members and other attributes.
fn without_members(operation: &Operation) -> Vec<Operation> {
    let mut rest = operation.clone();
    let members = match (&rest.target, &mut rest.value) {
        (Target::Whole, Some(Value::Object(values))) => values.remove("members"),
        _ => None,
    };
    let target = Target::Attribute { extension: None, name: "members", filter: None, sub: None };
    let links = members.map(|value| Operation { target, value: Some(value), op: operation.op });
    std::iter::once(rest).chain(links).collect()
}

#[test]
fn the_model_knows_the_schemas() {
    for (resource_type, extension, attributes) in [
        (&*USER_TYPE, None, USER),
        (&USER_TYPE, Some(urn::ENTERPRISE_USER), ENTERPRISE),
        (&ResourceType::group(), None, GROUP),
    ] {
        let urn = extension.map(|urn| format!("{urn}:")).unwrap_or_default();
        for attribute in attributes {
            let known = resource_type.resolve(&format!("{urn}{}", attribute.name)).unwrap();
            assert_eq!(known.attribute().multi_valued, attribute.multi, "{}", attribute.name);
            assert_eq!(known.attribute().required, attribute.rule == Rule::Required, "{}", attribute.name);
        }
    }
}
