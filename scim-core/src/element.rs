//! The elements of a multi-valued attribute: which of them are one value, and what becomes of the second
//! (CORE-026, PATCH-027).

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use crate::schema::{Attribute, Mutability};

/// What makes an element the same as another, whatever else it says: every sub-attribute but `primary`, and
/// where there is a `value`, but `display` and `$ref`, which only describe it. For the sub-attributes of RFC
/// 7643 §2.4 that is the pair of `type` and `value`. A simple value is itself.
#[derive(Clone, Copy, Debug)]
struct Identity<'a>(&'a Value);

impl<'a> Identity<'a> {
    fn members(object: &'a Map<String, Value>) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let described = object.contains_key("value");
        object.iter().filter(move |(name, _)| match name.as_str() {
            "primary" => false,
            "display" | "$ref" => !described,
            _ => true,
        })
    }
}

impl PartialEq for Identity<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Value::Object(one), Value::Object(two)) => {
                one.contains_key("value") == two.contains_key("value")
                    && Self::members(one).count() == Self::members(two).count()
                    && Self::members(one).all(|(name, value)| two.get(name) == Some(value))
            }
            (one, two) => one == two,
        }
    }
}

impl Eq for Identity<'_> {}

impl Hash for Identity<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            Value::Object(object) => {
                // A map may or may not be sorted: that depends on who else uses serde_json.
                let mut members: Vec<_> = Self::members(object).collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                members.hash(state);
            }
            simple => simple.hash(state),
        }
    }
}

/// Leaves each value of a multi-valued attribute once, where it first stood. What a later mention says of it
/// (`display`, `primary: true`) is taken over, unless that sub-attribute is immutable.
///
/// ```
/// use scim_core::{ResourceType, merge_duplicates};
/// let emails = ResourceType::user().resolve("emails").unwrap();
/// let mut elements = vec![
///     serde_json::json!({"value": "ada@example.com", "type": "work"}),
///     serde_json::json!({"value": "ada@example.com", "type": "work", "primary": true}),
/// ];
/// merge_duplicates(emails.attribute(), &mut elements);
/// assert_eq!(elements.len(), 1);
/// assert_eq!(elements[0]["primary"], true);
/// ```
pub fn merge_duplicates(attribute: &Attribute, elements: &mut Vec<Value>) {
    if elements.len() < 2 {
        return;
    }
    let identities: Vec<Identity<'_>> = elements.iter().map(Identity).collect();
    let Some(firsts) = firsts(&identities) else { return };
    for (at, first) in firsts.iter().enumerate() {
        if *first < at {
            let later = elements[at].take();
            take_over(attribute, &mut elements[*first], later);
        }
    }
    let mut places = firsts.into_iter().enumerate();
    elements.retain(|_| places.next().is_some_and(|(at, first)| at == first));
}

/// Leaves equal ones once.
pub(crate) fn remove_duplicates<T: Eq + Hash>(elements: &mut Vec<T>) {
    let Some(firsts) = firsts(elements) else { return };
    let mut places = firsts.into_iter().enumerate();
    elements.retain(|_| places.next().is_some_and(|(at, first)| at == first));
}

fn take_over(attribute: &Attribute, element: &mut Value, later: Value) {
    let (Value::Object(element), Value::Object(later)) = (element, later) else { return };
    for (name, value) in later {
        let fixed = attribute.sub_attribute(&name).is_some_and(|sub| sub.mutability == Mutability::Immutable);
        // CORE-025: `primary` that is not said is false.
        let says_nothing = name == "primary" && value == false;
        let stays = says_nothing || (fixed && element.contains_key(&name));
        if !stays {
            element.insert(name, value);
        }
    }
}

/// Up to this many elements, comparing each with each is cheaper than a table.
const FEW: usize = 8;

/// For each element the place of the first one that is the same; `None` when each is its own.
fn firsts<T: Eq + Hash>(elements: &[T]) -> Option<Vec<usize>> {
    let firsts: Vec<usize> = if elements.len() <= FEW {
        let before = |at: usize| elements[..at].iter().position(|known| *known == elements[at]);
        if (1..elements.len()).all(|at| before(at).is_none()) {
            return None;
        }
        (0..elements.len()).map(|at| before(at).unwrap_or(at)).collect()
    } else {
        let mut seen = HashMap::with_capacity(elements.len());
        elements.iter().enumerate().map(|(at, element)| *seen.entry(element).or_insert(at)).collect()
    };
    firsts.iter().enumerate().any(|(at, first)| *first != at).then_some(firsts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_type::ResourceType;
    use serde_json::json;

    fn merged(path: &str, elements: Value) -> Value {
        let path = ResourceType::user().resolve(path).unwrap();
        let Value::Array(mut elements) = elements else { panic!("an array") };
        merge_duplicates(path.attribute(), &mut elements);
        Value::Array(elements)
    }

    #[test]
    fn core_026_one_pair_of_type_and_value_stays_once_with_what_was_said_last() {
        assert_eq!(
            merged(
                "emails",
                json!([
                    {"value": "a", "type": "work", "display": "old", "primary": true},
                    {"value": "b", "type": "work"},
                    {"value": "a", "type": "work", "display": "new", "primary": false},
                ])
            ),
            json!([
                {"value": "a", "type": "work", "display": "new", "primary": true},
                {"value": "b", "type": "work"},
            ])
        );
    }

    #[test]
    fn core_027_the_same_value_with_another_type_is_another() {
        let two = json!([{"value": "a", "type": "work"}, {"value": "a", "type": "home"}, {"value": "a"}]);
        assert_eq!(merged("emails", two.clone()), two);
        let described = json!([{"display": "a"}, {"value": "b", "display": "a"}]);
        assert_eq!(merged("emails", described.clone()), described);
        let undescribed = json!([{"display": "a", "type": "work"}, {"display": "b", "type": "work"}]);
        assert_eq!(merged("emails", undescribed.clone()), undescribed);
    }

    thread_local! {
        static COMPARED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[derive(Eq)]
    struct Counted(usize);

    impl Hash for Counted {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

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
            let mut elements: Vec<_> = (0..many).map(|at| Counted(at / 2)).collect();
            remove_duplicates(&mut elements);
            assert_eq!(elements.len(), many / 2 + many % 2);
            assert!(COMPARED.get() <= FEW * many, "{} comparisons of {many}", COMPARED.get());
        }
    }
}
