//! How members of a group are spelled in answers.

// E-48

use bytes::Bytes;
use serde_json::Value;

/// The keys of an element of `members`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberKeys {
    /// `$ref` and `display`, as GitHub's schema says.
    #[default]
    Schema,
    /// `$+ref` and `displayName`, as GitHub's examples print.
    Examples,
}

/// Each key as in the schema, and as in the examples.
const RENAMED: [(&str, &str); 2] = [("$ref", "$+ref"), ("display", "displayName")];

/// Renames the keys of members in a JSON answer, so that they are as in GitHub's examples.
pub(crate) fn as_in_examples(body: Bytes) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { return body };
    rename(&mut value);
    if let Some(Value::Array(resources)) = value.get_mut("Resources") {
        resources.iter_mut().for_each(rename);
    }
    value.to_string().into()
}

fn rename(resource: &mut Value) {
    let Some(Value::Array(members)) = resource.get_mut("members") else { return };
    for member in members.iter_mut().filter_map(Value::as_object_mut) {
        for (from, to) in RENAMED {
            if let Some(value) = member.remove(from) {
                member.insert(to.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_48_the_switch() {
        let body = Bytes::from_static(br#"{"members":[{"$ref":"x","display":"Ada","value":"u1"}]}"#);
        let spelled = as_in_examples(body);
        assert_eq!(&spelled[..], br#"{"members":[{"$+ref":"x","displayName":"Ada","value":"u1"}]}"#);
    }
}
