//! One link of a relation as a client writes it.

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use crate::error::Error;
use crate::lenience::Lenience;
use crate::leniency::Quirk;

/// One link of a relation as a client writes it: the id of the target, and what the client sent about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reference {
    /// The `id` of the resource that is linked to.
    pub value: String,
    /// The `type` that the client sent. It is only a hint, because `type` is computed on read.
    pub r#type: Option<String>,
    /// The `display` that the client sent. It is shown instead of the target's name, and is immutable like the link.
    pub display: Option<String>,
}

impl Reference {
    /// Makes a link to this id.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), r#type: None, display: None }
    }

    /// Reads the canonical elements of a relation, as one link for each resource that they name.
    ///
    /// An element without a `value` names the resource to which its `$ref` points, by the last segment of the URI's
    /// path. If several elements name one resource, the first values count.
    ///
    /// # Errors
    ///
    /// 400 `invalidValue` for an element that names no resource. In `strict` also for two elements that name one
    /// resource with different `display`. `at` is the attribute's path.
    pub fn read_all(
        at: &impl fmt::Display,
        elements: Vec<Value>,
        lenience: &mut Lenience,
    ) -> Result<Vec<Self>, Error> {
        let mut links: Vec<Self> = Vec::with_capacity(elements.len());
        let mut places: HashMap<String, usize> = HashMap::with_capacity(elements.len());
        for mut element in elements {
            let link = Self::take_from(&mut element).ok_or_else(|| {
                Error::invalid_value(format!(
                    "`{at}.value` is required in each element, or a `$ref` to a resource"
                ))
            })?;
            // A link does not store these members. A `$ref` with a `value` is not reported, because it is computed.
            for (name, _) in element
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, value)| *name != "$ref" && !value.is_null())
            {
                lenience.pass_over(format_args!("{at}.{name}"));
            }
            match places.get(&link.value) {
                None => {
                    places.insert(link.value.clone(), links.len());
                    links.push(link);
                }
                Some(first) => links[*first].take_over(link, at, lenience)?,
            }
        }
        Ok(links)
    }

    /// Reads a canonical element such as `{"value": "u1", "type": "User"}`. Returns `None` if it names no resource.
    pub fn from_element(element: &Value) -> Option<Self> {
        Self::take_from(&mut element.clone())
    }

    fn take_from(element: &mut Value) -> Option<Self> {
        let mut text = |name: &str| match element.get_mut(name)?.take() {
            Value::String(text) => Some(text),
            _ => None,
        };
        let value = match text("value") {
            Some(value) => Some(value).filter(|value| !value.is_empty())?,
            None => resource_at(&text("$ref")?)?,
        };
        Some(Self { value, r#type: text("type"), display: text("display") })
    }

    /// Adds what a repeated element says. The type is computed, so only `display` can contradict.
    fn take_over(
        &mut self,
        again: Self,
        at: &impl fmt::Display,
        lenience: &mut Lenience,
    ) -> Result<(), Error> {
        match (&self.display, again.display) {
            (None, display) => self.display = display,
            (Some(_), None) => {}
            (Some(first), Some(second)) if *first == second => {}
            (Some(_), Some(_)) if lenience.uses(Quirk::RepeatedLinks) => {
                lenience.pass_over(format_args!("{at}.display"));
            }
            (Some(_), Some(_)) => {
                let detail =
                    format!("`{at}` names one resource twice, with different `display`: name it once");
                return Err(Error::invalid_value(detail));
            }
        }
        Ok(())
    }
}

/// Returns the id of the resource at a URI: the last segment of its path, after at least one other segment.
///
/// An id that is percent-encoded is not guessed.
///
/// ```
/// assert_eq!(scim_core::resource_at("https://example.com/v2/Users/u1").as_deref(), Some("u1"));
/// assert_eq!(scim_core::resource_at("https://example.com"), None);
/// ```
pub fn resource_at(uri: &str) -> Option<String> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let (parent, id) = path.rsplit_once('/')?;
    let names_type =
        parent.rsplit('/').next().is_some_and(|segment| !segment.is_empty() && !segment.contains(':'));
    (names_type && !id.is_empty() && !id.contains('%')).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leniency::Leniency;
    use serde_json::json;

    fn read(leniency: Leniency, elements: Value) -> Result<Vec<Reference>, Error> {
        let Value::Array(elements) = elements else { panic!("an array") };
        Reference::read_all(&"members", elements, &mut Lenience::new(leniency))
    }

    #[test]
    fn core_066_a_lone_ref_names_the_resource_it_points_at() {
        for uri in ["https://example.com/v2/Users/u1", "../Users/u1", "Users/u1", "/Users/u1?x=y#z"] {
            assert_eq!(
                read(Leniency::STRICT, json!([{"$ref": uri}])),
                Ok(vec![Reference::new("u1")]),
                "{uri}"
            );
        }
        let named = json!([{"$ref": "/Users/u1", "value": "u2"}]);
        assert_eq!(read(Leniency::STRICT, named), Ok(vec![Reference::new("u2")]));
        for uri in ["", "u1", "/", "/Users/", "https://u1", "urn:x", "/Users/a%2Fb"] {
            assert!(read(Leniency::INTEROP, json!([{"$ref": uri}])).is_err(), "{uri}");
        }
        assert!(read(Leniency::INTEROP, json!([{"display": "Ada"}])).is_err());
        assert!(read(Leniency::INTEROP, json!([{"value": "", "$ref": "/Users/u1"}])).is_err());
    }

    #[test]
    fn what_a_link_has_no_place_for_is_named() {
        let mut lenience = Lenience::new(Leniency::INTEROP);
        let links =
            vec![json!({"value": "u1", "$ref": "/Users/u1", "type": "User", "since": 1, "note": null})];
        assert_eq!(Reference::read_all(&"members", links, &mut lenience).unwrap()[0].value, "u1");
        assert_eq!(lenience.passed_over().names().collect::<Vec<_>>(), ["members.since"]);
    }

    #[test]
    fn one_resource_is_linked_once_and_no_name_of_it_is_lost_silently() {
        let links =
            json!([{"value": "u1"}, {"value": "u2"}, {"value": "u1", "display": "Ada", "type": "User"}]);
        let read_links = read(Leniency::STRICT, links).unwrap();
        assert_eq!(read_links.len(), 2);
        assert_eq!(read_links[0].display.as_deref(), Some("Ada"));
        let two = json!([{"value": "u1", "display": "Ada"}, {"value": "u1", "display": "Countess"}]);
        assert!(read(Leniency::STRICT, two.clone()).is_err());
        let mut lenience = Lenience::new(Leniency::INTEROP);
        let Value::Array(two) = two else { panic!() };
        let links = Reference::read_all(&"members", two, &mut lenience).unwrap();
        assert_eq!(links[0].display.as_deref(), Some("Ada"));
        assert_eq!(lenience.passed_over().names().collect::<Vec<_>>(), ["members.display"]);
    }
}
