//! Error bodies: the members of RFC 7644 §3.12, and those that a service provider adds.

use scim_core::Error;
use serde_json::{Map, Value, json};

/// A member that every error body has in addition to those of RFC 7644 §3.12.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorMember {
    /// The sentence that `detail` holds.
    Detail,
    /// A fixed text.
    Text(String),
}

/// How errors are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorBody {
    /// Whether `status` is a number instead of a string.
    // E-71
    pub(crate) numeric_status: bool,
    /// Further members. None replaces a member of the RFC.
    pub(crate) members: Vec<(String, ErrorMember)>,
}

impl ErrorBody {
    /// Returns the body that answers an error.
    pub(crate) fn value(&self, error: &Error) -> Value {
        let mut body = serde_json::to_value(error).unwrap_or_default();
        if self.numeric_status {
            body["status"] = Value::from(error.status.as_u16());
        }
        for (name, member) in &self.members {
            if body.get(name).is_none() {
                body[name] = match member {
                    ErrorMember::Detail => Value::from(error.detail.as_str()),
                    ErrorMember::Text(text) => Value::from(text.as_str()),
                };
            }
        }
        body
    }

    /// Returns the JSON Schemas of the further members.
    pub(crate) fn schemas(&self) -> Map<String, Value> {
        let schema = |member: &ErrorMember| match member {
            ErrorMember::Detail => json!({"type": "string"}),
            ErrorMember::Text(text) => json!({"const": text}),
        };
        self.members.iter().map(|(name, member)| (name.clone(), schema(member))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // E-71, E-82
    #[test]
    fn further_members_never_replace_those_of_the_rfc() {
        let members =
            vec![("detail".into(), ErrorMember::Text("x".into())), ("more".into(), ErrorMember::Detail)];
        let body = ErrorBody { numeric_status: true, members }.value(&Error::not_found("there is none"));
        assert_eq!((&body["detail"], &body["more"]), (&json!("there is none"), &json!("there is none")));
        assert_eq!(body["status"], 404);
    }
}
