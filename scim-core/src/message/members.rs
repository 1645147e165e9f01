//! Reads the members of protocol messages.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::lenience::Lenience;
use crate::leniency::Quirk;
use crate::shorten::shorten;

/// Takes the named members out of a message or of a part of it. A member that is absent is `None`.
///
/// Names are matched ignoring case (RFC 7643 §2.1). `strict` requires the RFC's spelling, and refuses members that the
/// message does not have. Other presets pass such members over. `at` names the part of the message, and is empty for
/// the whole.
///
/// # Errors
///
/// 400 `invalidSyntax` for a name in another case, an unknown name, or a name that occurs twice.
///
/// ```
/// use scim_core::{Lenience, Leniency, take_members};
/// let message = serde_json::json!({"Filter": "title pr", "count": 1}).as_object().unwrap().clone();
/// let mut lenience = Lenience::new(Leniency::INTEROP);
/// let [filter, count] = take_members("", message.clone(), ["filter", "count"], &mut lenience).unwrap();
/// assert_eq!(filter.unwrap(), "title pr");
/// assert!(take_members("", message, ["filter", "count"], &mut Lenience::strict()).is_err());
/// ```
pub fn take_members<const N: usize>(
    at: &str,
    message: Map<String, Value>,
    names: [&str; N],
    lenience: &mut Lenience,
) -> Result<[Option<Value>; N], Error> {
    let full = |name: &str| if at.is_empty() { shorten(name) } else { format!("{at}.{}", shorten(name)) };
    let refused = |name: &str, what: &str| Err(Error::invalid_syntax(format!("`{}` {what}", full(name))));
    let mut found = [const { None }; N];
    for (key, value) in message {
        let Some(place) = names.iter().position(|name| name.eq_ignore_ascii_case(&key)) else {
            if !lenience.uses(Quirk::UnknownMessageMembers) {
                return refused(&key, &format!("is no member of the message: it has {}", names.join(", ")));
            }
            lenience.pass_over(full(&key));
            continue;
        };
        if key != names[place] && !lenience.uses(Quirk::EnvelopeAnyCase) {
            // It is not passed over: a remove without its `value` would remove everything.
            return refused(&key, &format!("must be written `{}`", names[place]));
        }
        if found[place].replace(value).is_some() {
            return refused(names[place], "stands twice");
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leniency::Leniency;
    use serde_json::json;

    fn take(leniency: Leniency, message: Value) -> (Result<[Option<Value>; 2], Error>, Lenience) {
        let Value::Object(message) = message else { panic!("an object") };
        let mut lenience = Lenience::new(leniency);
        (take_members("Operations[0]", message, ["op", "path"], &mut lenience), lenience)
    }

    #[test]
    fn patch_001_q_74_names_in_any_case_unless_strict() {
        let message = json!({"OP": "add", "Path": "title"});
        let (taken, lenience) = take(Leniency::INTEROP, message.clone());
        assert_eq!(taken, Ok([Some("add".into()), Some("title".into())]));
        assert!(lenience.used().contains(Quirk::EnvelopeAnyCase) && lenience.passed_over().is_empty());
        let (refused, _) = take(Leniency::STRICT, message);
        assert!(refused.unwrap_err().detail.contains("must be written"));
    }

    #[test]
    fn q_38_unknown_members_are_named_or_refused() {
        let message = json!({"op": "add", "name": "addMember"});
        let (taken, lenience) = take(Leniency::INTEROP, message.clone());
        assert_eq!(taken, Ok([Some("add".into()), None]));
        assert_eq!(lenience.passed_over().names().collect::<Vec<_>>(), ["Operations[0].name"]);
        let (refused, _) = take(Leniency::STRICT, message);
        assert!(refused.unwrap_err().detail.contains("Operations[0].name"));
    }

    #[test]
    fn one_name_in_two_spellings_is_refused() {
        let (refused, _) = take(Leniency::INTEROP, json!({"op": "add", "Op": "remove"}));
        assert!(refused.unwrap_err().detail.contains("stands twice"));
    }
}
