//! The elements of a multi-valued attribute: which ones are the same value, and how they are merged.

// CORE-026, PATCH-027

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::schema::{Attribute, Mutability};

/// The identity of an element: its `value` and `type` (RFC 7643 §2.4).
///
/// An element without a `value` has no identity, and neither has a simple value. Both differ from all others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Identity<'a> {
    value: &'a Value,
    r#type: Option<&'a Value>,
}

impl<'a> Identity<'a> {
    fn of(element: &'a Value) -> Option<Self> {
        let object = element.as_object()?;
        Some(Self { value: object.get("value")?, r#type: object.get("type") })
    }
}

/// Merges elements with equal `value` and `type` into the first of them, with all their sub-attributes.
///
/// Elements that contradict each other all stay. `primary: false` means the same as no `primary` and contradicts
/// nothing.
///
/// ```
/// use scim_core::merge_duplicates;
/// let mut emails = vec![
///     serde_json::json!({"value": "ada@example.com", "type": "work"}),
///     serde_json::json!({"value": "ada@example.com", "type": "work", "primary": true}),
///     serde_json::json!({"value": "ada@example.com", "type": "home"}),
/// ];
/// merge_duplicates(&mut emails);
/// assert_eq!(emails.len(), 2);
/// assert_eq!(emails[0]["primary"], true);
/// ```
pub fn merge_duplicates(elements: &mut Vec<Value>) {
    if elements.len() < 2 {
        return;
    }
    let identities: Vec<Option<Identity<'_>>> = elements.iter().map(Identity::of).collect();
    for (at, first) in repeats(&identities) {
        let later = elements[at].take();
        if agree(&elements[first], &later, |_| false) {
            take_over(&mut elements[first], later);
        } else {
            elements[at] = later;
        }
    }
    elements.retain(|element| !element.is_null());
}

/// Adds values to a multi-valued attribute, except those that it already has (RFC 7644 §3.5.2.1).
///
/// A value is already there if an element equals it, or has its `value` and `type` and contradicts it at most in
/// `display` or `$ref`. These are then replaced, unless they are immutable. The last value that is added as primary
/// becomes the only primary one.
///
/// ```
/// use scim_core::{ResourceType, add_elements};
/// let emails = ResourceType::user().resolve("emails").unwrap();
/// let mut elements = vec![serde_json::json!({"value": "ada@example.com", "display": "Ada"})];
/// let again = serde_json::json!({"value": "ada@example.com", "display": "Ada L."});
/// add_elements(emails.attribute(), &mut elements, vec![again.clone()]);
/// assert_eq!(elements, [again]);
/// ```
pub fn add_elements(attribute: &Attribute, elements: &mut Vec<Value>, mut added: Vec<Value>) {
    let describes = |name: &str| {
        let sub = attribute.sub_attribute(name);
        matches!(name, "display" | "$ref") && sub.is_none_or(|sub| sub.mutability != Mutability::Immutable)
    };
    if let Some(primary) = added.iter().rposition(is_primary) {
        let is_new = !elements.contains(&added[primary]);
        let others = added.iter_mut().enumerate().filter(|(at, _)| *at != primary).map(|(_, other)| other);
        let others = others.chain(elements.iter_mut().filter(|_| is_new));
        others.filter(|other| is_primary(other)).for_each(|other| other["primary"] = Value::Bool(false));
    }
    // Compared after that, because an element that is no longer primary may be one that is added.
    let mut added: Vec<Option<Value>> = {
        let there: HashSet<&Value> = elements.iter().collect();
        added.into_iter().map(|element| Some(element).filter(|element| !there.contains(element))).collect()
    };
    let told: Vec<(usize, usize)> = {
        let mut places = HashMap::with_capacity(elements.len());
        for (at, element) in elements.iter().enumerate() {
            if let Some(identity) = Identity::of(element) {
                places.entry(identity).or_insert(at);
            }
        }
        let place = |element: &Option<Value>| places.get(&Identity::of(element.as_ref()?)?).copied();
        added.iter().enumerate().filter_map(|(at, element)| Some((at, place(element)?))).collect()
    };
    // If a value is added twice, the second one must not overwrite what the first one changed.
    let mut relabelled = HashSet::new();
    for (at, place) in told {
        let is_first = !relabelled.contains(&place);
        let describes = |name: &str| is_first && describes(name);
        if let Some(later) = added[at].take_if(|later| agree(&elements[place], later, describes)) {
            take_over(&mut elements[place], later);
            relabelled.insert(place);
        }
    }
    elements.extend(added.into_iter().flatten());
    merge_duplicates(elements);
}

fn is_primary(element: &Value) -> bool {
    element.get("primary").is_some_and(|primary| *primary == true)
}

/// Elements with more members than this are not merged, so that comparing their names takes linear time in all.
const MERGED: usize = 64;

/// Whether two elements can be merged: the members they share are equal, except `primary` and those in `describes`.
///
/// Names that no schema knows keep their spelling. Two that differ only in case are one name (RFC 7643 §2.1), so no
/// element may have both.
fn agree(one: &Value, other: &Value, describes: impl Fn(&str) -> bool) -> bool {
    let (Value::Object(one), Value::Object(other)) = (one, other) else { return false };
    if one.len().max(other.len()) > MERGED {
        return false;
    }
    let contradicts = |(name, value): (&String, &Value)| match one.get(name) {
        Some(first) => name != "primary" && !describes(name) && first != value,
        None => one.keys().any(|known| known.eq_ignore_ascii_case(name)),
    };
    !other.iter().any(contradicts)
}

fn take_over(element: &mut Value, later: Value) {
    let (Value::Object(element), Value::Object(later)) = (element, later) else { return };
    for (name, value) in later {
        // CORE-025: an absent `primary` means false, so `false` changes nothing.
        if name != "primary" || value == true {
            element.insert(name, value);
        }
    }
}

/// Up to this many elements, comparing all pairs is cheaper than a hash table.
const FEW: usize = 8;

/// Returns each element that has the identity of an earlier one, with the index of the first such element.
fn repeats<T: Copy + Eq + std::hash::Hash>(identities: &[Option<T>]) -> Vec<(usize, usize)> {
    if identities.len() <= FEW {
        let first = |at: usize| {
            let identity = identities[at]?;
            identities[..at].iter().position(|known| *known == Some(identity))
        };
        return (1..identities.len()).filter_map(|at| Some((at, first(at)?))).collect();
    }
    let mut seen = HashMap::with_capacity(identities.len());
    let mut repeats = Vec::new();
    for (at, identity) in identities.iter().enumerate() {
        let Some(identity) = identity else { continue };
        match seen.get(identity) {
            Some(first) => repeats.push((at, *first)),
            None => {
                seen.insert(*identity, at);
            }
        }
    }
    repeats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_type::ResourceType;
    use serde_json::json;

    fn elements(value: Value) -> Vec<Value> {
        let Value::Array(elements) = value else { panic!("an array") };
        elements
    }

    fn merged(value: Value) -> Value {
        let mut elements = elements(value);
        merge_duplicates(&mut elements);
        Value::Array(elements)
    }

    fn added(path: &str, there: Value, more: Value) -> Value {
        let path = ResourceType::user().resolve(path).unwrap();
        let mut there = elements(there);
        add_elements(path.attribute(), &mut there, elements(more));
        Value::Array(there)
    }

    #[test]
    fn core_026_one_pair_of_type_and_value_stays_once_with_all_that_is_said_of_it() {
        assert_eq!(
            merged(json!([
                {"value": "a", "type": "work", "primary": true},
                {"value": "b", "type": "work"},
                {"value": "a", "type": "work", "display": "A", "primary": false},
            ])),
            json!([
                {"value": "a", "type": "work", "display": "A", "primary": true},
                {"value": "b", "type": "work"},
            ])
        );
    }

    #[test]
    fn core_026_core_027_only_the_pair_of_type_and_value_makes_one_of_two() {
        for apart in [
            json!([{"value": "a", "type": "work"}, {"value": "a", "type": "home"}, {"value": "a"}]),
            json!([{"display": "a"}, {"display": "a"}]),
            json!([{"display": "a"}, {"value": "b", "display": "a"}]),
            json!([{"street": "1", "type": "home"}, {"street": "1", "type": "home"}]),
            json!([true, false, true]),
            json!(["a", "a"]),
        ] {
            assert_eq!(merged(apart.clone()), apart);
        }
    }

    #[test]
    fn patch_027_what_is_no_longer_primary_is_not_there_twice() {
        let there = json!([{"primary": true}]);
        let more = json!([{"primary": true, "type": "a"}, {"primary": false}]);
        let expected = json!([{"primary": false}, {"primary": true, "type": "a"}]);
        assert_eq!(added("emails", there, more), expected);
    }

    #[test]
    fn core_026_elements_that_contradict_each_other_both_stay() {
        let two = json!([
            {"value": "a", "type": "work", "display": "A"},
            {"value": "a", "type": "work", "display": "B"},
        ]);
        assert_eq!(merged(two.clone()), two);
    }

    #[test]
    fn core_002_elements_whose_unknown_names_differ_in_case_both_stay() {
        let two = json!([{"value": "a", "colour": "red"}, {"value": "a", "Colour": "red"}]);
        assert_eq!(merged(two.clone()), two);
        assert_eq!(added("emails", json!([two[0]]), json!([two[1]])), two);
        let one = json!([{"value": "a", "colour": "red"}, {"value": "a", "size": 1}]);
        assert_eq!(merged(one), json!([{"value": "a", "colour": "red", "size": 1}]));
    }

    #[test]
    fn elements_with_very_many_members_both_stay() {
        let many = |from: usize| {
            let mut element = json!({"value": "a"});
            (from..from + MERGED).for_each(|at| element[format!("x{at}")] = json!(at));
            element
        };
        assert_eq!(merged(json!([many(0), {"value": "a"}])), json!([many(0), {"value": "a"}]));
        assert_eq!(merged(json!([{"value": "a"}, many(0)])), json!([{"value": "a"}, many(0)]));
    }

    #[test]
    fn patch_027_what_is_there_is_not_added_again() {
        let there =
            json!([{"value": "a", "type": "work", "display": "A", "primary": true}, {"display": "b"}]);
        for again in [
            there.clone(),
            json!([{"display": "b"}]),
            json!([{"value": "a", "type": "work"}]),
            json!([{"value": "a", "type": "work", "primary": false}]),
        ] {
            assert_eq!(added("emails", there.clone(), again), there);
        }
        let primary = json!([{"display": "a"}, {"display": "b", "primary": true}]);
        assert_eq!(added("emails", primary.clone(), json!([{"display": "b", "primary": true}])), primary);
        assert_eq!(
            added("emails", primary, json!([{"value": "c", "primary": true}])),
            json!([{"display": "a"}, {"display": "b", "primary": false}, {"value": "c", "primary": true}])
        );
        let relabelled =
            added("emails", there.clone(), json!([{"value": "a", "type": "work", "display": "B"}]));
        assert_eq!(relabelled[0], json!({"value": "a", "type": "work", "display": "B", "primary": true}));
        let two = json!([{"value": "a", "display": "B"}, {"value": "a", "display": "C"}]);
        assert_eq!(added("emails", json!([{"value": "a"}]), two.clone()), two, "neither label is lost");
        assert_eq!(
            added("emails", json!([]), json!([{"display": "b"}, {"display": "b"}])).as_array().unwrap().len(),
            2
        );
    }

    #[test]
    fn patch_027_two_that_are_added_as_one_value_are_both_told() {
        let there = json!([{"value": "a", "type": "work"}]);
        let two = json!([
            {"value": "a", "type": "work", "display": "B"},
            {"value": "a", "type": "work", "display": "C"},
        ]);
        assert_eq!(added("emails", there.clone(), two.clone()), two);
        assert_eq!(added("emails", json!([]), two.clone()), two);
        let one = json!([{"value": "a", "type": "work"}, {"value": "a", "type": "work", "display": "C"}]);
        assert_eq!(added("emails", there, one), json!([{"value": "a", "type": "work", "display": "C"}]));
    }

    thread_local! {
        static COMPARED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[derive(Clone, Copy, Eq, Hash)]
    #[allow(clippy::derived_hash_with_manual_eq, reason = "the comparison is the same, counted")]
    struct Counted(usize);

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARED.set(COMPARED.get() + 1);
            self.0 == other.0
        }
    }

    #[test]
    fn core_026_duplicates_are_found_in_linear_time() {
        for many in [0, 2, 8, 9, 1_000, 100_000] {
            COMPARED.set(0);
            let identities: Vec<_> = (0..many).map(|at| Some(Counted(at / 2))).collect();
            assert_eq!(repeats(&identities).len(), many / 2);
            assert!(COMPARED.get() <= FEW * many, "{} comparisons of {many}", COMPARED.get());
        }
    }
}
