//! Resources and extensions as Rust types, for applications. The structs keep attributes that they do not know.

mod enterprise_user;
mod group;
mod meta;
mod user;
mod value;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use enterprise_user::{EnterpriseUser, Manager};
pub use group::{Group, MemberRef};
pub use meta::ResourceMeta;
pub use user::{Password, User};
pub use value::{Address, MultiValue, Name};

/// A Rust type for the resources of one endpoint.
///
/// A custom type is a serde struct with `schemas`, and with a flattened map for the attributes that it does not know.
/// With [`Extensible`] it takes extensions. With [`DescribeSchema`](crate::DescribeSchema) a service provider can serve
/// it.
///
/// ```
/// use scim_core::{Extensible, ScimResource};
/// use serde::{Deserialize, Serialize};
/// use serde_json::{Map, Value};
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// #[serde(rename_all = "camelCase", default)]
/// struct Robot {
///     schemas: Vec<String>,
///     #[serde(skip_serializing_if = "Option::is_none")]
///     id: Option<String>,
///     model: String,
///     #[serde(flatten)]
///     other: Map<String, Value>,
/// }
///
/// impl ScimResource for Robot {
///     const SCHEMA: &'static str = "urn:example:params:scim:schemas:Robot";
///     const ENDPOINT: &'static str = "/Robots";
///     fn id(&self) -> Option<&str> {
///         self.id.as_deref()
///     }
/// }
///
/// impl Extensible for Robot {
///     fn schemas_mut(&mut self) -> &mut Vec<String> {
///         &mut self.schemas
///     }
///     fn other(&self) -> &Map<String, Value> {
///         &self.other
///     }
///     fn other_mut(&mut self) -> &mut Map<String, Value> {
///         &mut self.other
///     }
/// }
/// ```
pub trait ScimResource: Serialize + DeserializeOwned {
    /// The URN of the base schema.
    const SCHEMA: &'static str;
    /// The endpoint below the base URL, such as `/Users`.
    const ENDPOINT: &'static str;

    /// The identifier that the service provider assigned.
    fn id(&self) -> Option<&str>;
}

/// A Rust type for a schema extension — RFC 7643 §3.3.
///
/// ```
/// use scim_core::{ExtensionType, User};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Badge {
///     badge_number: u32,
/// }
///
/// impl ExtensionType for Badge {
///     const SCHEMA: &'static str = "urn:example:params:scim:schemas:extension:Badge";
/// }
///
/// let mut user = User::new("ada");
/// user.set_extension(&Badge { badge_number: 7 })?;
/// assert_eq!(user.extension::<Badge>().transpose()?, Some(Badge { badge_number: 7 }));
/// assert!(user.remove_extension::<Badge>().is_some());
/// assert_eq!(user, User::new("ada"));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub trait ExtensionType: Serialize + DeserializeOwned {
    /// The extension's URN.
    const SCHEMA: &'static str;
}

/// A resource that carries extensions, which are accessed by Rust type.
///
/// URNs are compared ignoring case. [`User`] and [`Group`] also have these methods as inherent ones, so that the trait
/// need not be in scope.
pub trait Extensible {
    /// The schemas in use.
    fn schemas_mut(&mut self) -> &mut Vec<String>;

    /// The attributes without a field of their own. Extensions are stored here under their URN.
    fn other(&self) -> &Map<String, Value>;

    /// The mutable form of [`other`](Self::other).
    fn other_mut(&mut self) -> &mut Map<String, Value>;

    /// Reads the extension of type `E`, if the resource has it.
    ///
    /// # Errors
    ///
    /// serde's error if the value under the URN is not an `E`.
    fn extension<E: ExtensionType>(&self) -> Option<Result<E, serde_json::Error>> {
        let found = self.other().iter().find(|(urn, _)| urn.eq_ignore_ascii_case(E::SCHEMA));
        found.map(|(_, value)| E::deserialize(value))
    }

    /// Sets the extension of type `E` and names it in `schemas`.
    ///
    /// # Errors
    ///
    /// serde's error if `extension` cannot be written as JSON.
    fn set_extension<E: ExtensionType>(&mut self, extension: &E) -> Result<(), serde_json::Error> {
        let value = serde_json::to_value(extension)?;
        take(self.other_mut(), E::SCHEMA);
        self.other_mut().insert(E::SCHEMA.into(), value);
        if !self.schemas_mut().iter().any(|urn| urn.eq_ignore_ascii_case(E::SCHEMA)) {
            self.schemas_mut().push(E::SCHEMA.into());
        }
        Ok(())
    }

    /// Removes the extension of type `E`, also from `schemas`, and returns it.
    fn remove_extension<E: ExtensionType>(&mut self) -> Option<Value> {
        self.schemas_mut().retain(|urn| !urn.eq_ignore_ascii_case(E::SCHEMA));
        take(self.other_mut(), E::SCHEMA)
    }
}

fn take(other: &mut Map<String, Value>, urn: &str) -> Option<Value> {
    let key = other.keys().find(|key| key.eq_ignore_ascii_case(urn))?.clone();
    other.remove(&key)
}

/// Implements [`Extensible`] for a type with the fields `schemas` and `other`, and adds inherent methods.
macro_rules! extensible {
    ($name:ident) => {
        impl crate::typed::Extensible for $name {
            fn schemas_mut(&mut self) -> &mut Vec<String> {
                &mut self.schemas
            }

            fn other(&self) -> &Map<String, Value> {
                &self.other
            }

            fn other_mut(&mut self) -> &mut Map<String, Value> {
                &mut self.other
            }
        }

        impl $name {
            /// Reads the extension of type `E`, if the resource has it.
            ///
            /// # Errors
            ///
            /// serde's error if the value under the URN is not an `E`.
            pub fn extension<E: ExtensionType>(&self) -> Option<Result<E, serde_json::Error>> {
                crate::typed::Extensible::extension(self)
            }

            /// Sets the extension of type `E` and names it in `schemas`.
            ///
            /// # Errors
            ///
            /// serde's error if `extension` cannot be written as JSON.
            pub fn set_extension<E: ExtensionType>(
                &mut self,
                extension: &E,
            ) -> Result<(), serde_json::Error> {
                crate::typed::Extensible::set_extension(self, extension)
            }

            /// Removes the extension of type `E`, also from `schemas`, and returns it.
            pub fn remove_extension<E: ExtensionType>(&mut self) -> Option<Value> {
                crate::typed::Extensible::remove_extension::<E>(self)
            }
        }
    };
}

pub(crate) use extensible;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urn;
    use serde_json::json;

    #[test]
    fn core_007_extensions_by_type_whatever_the_case_of_the_urn() {
        let body = json!({
            "schemas": [urn::USER, urn::ENTERPRISE_USER.to_uppercase()], "userName": "ada",
            urn::ENTERPRISE_USER.to_uppercase(): {"department": "R&D"},
        });
        let mut user: User = serde_json::from_value(body).unwrap();
        let mut extension: EnterpriseUser = user.extension().unwrap().unwrap();
        assert_eq!(extension.department.as_deref(), Some("R&D"));
        extension.department = Some("Sales".into());
        user.set_extension(&extension).unwrap();
        assert_eq!((user.schemas.len(), user.other.len()), (2, 1), "set anew, not beside the old");
        assert_eq!(user.other[urn::ENTERPRISE_USER]["department"], "Sales");
        assert_eq!(user.remove_extension::<EnterpriseUser>(), Some(json!({"department": "Sales"})));
        assert_eq!(user, User::new("ada"));
        assert!(user.extension::<EnterpriseUser>().is_none());
    }

    #[test]
    fn core_007_an_extension_of_another_shape_is_an_error_and_stays() {
        let body = json!({"schemas": [], "displayName": "g", urn::ENTERPRISE_USER: 5});
        let group: Group = serde_json::from_value(body.clone()).unwrap();
        assert!(group.extension::<EnterpriseUser>().unwrap().is_err());
        assert_eq!(serde_json::to_value(&group).unwrap(), body);
    }
}
