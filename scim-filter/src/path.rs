//! PATCH paths (RFC 7644 §3.5.2 Figure 7).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use scim_core::{AttrRef, Lenience, Resolved, ResourceType};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::bind::{Binder, Unknown};
use crate::element::ElementFilter;
use crate::error::{FilterError, PathError};
use crate::filter::{Budget, Filter};
use crate::parse;

/// A parsed PATCH path: `attrPath`, `valuePath [subAttr]`, or the bare URN of an extension.
///
/// ```
/// use scim_core::{Lenience, ResourceType};
/// use scim_filter::{BoundPath, Path};
/// let path: Path = "emails[type eq \"work\"].value".parse().unwrap();
/// let bound = path.bind(&ResourceType::user(), &mut Lenience::strict()).unwrap();
/// let BoundPath::Attribute { attr, filter: Some(filter) } = bound else { panic!() };
/// assert_eq!(attr.to_string(), "emails.value");
/// assert!(filter.matches(&serde_json::json!({"type": "Work", "value": "a@example.com"})));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    attribute: String,
    filter: Option<Filter>,
    sub: Option<String>,
}

/// The target of a PATCH path in a resource type.
#[derive(Clone, Debug, PartialEq)]
pub enum BoundPath {
    /// All attributes of the extension with this URN.
    // D9
    Extension(Arc<str>),
    /// An attribute.
    Attribute {
        /// The attribute, including the sub-attribute that is named after a dot or behind the bracket.
        attr: AttrRef,
        /// Selects some of the values. Without it, the path means all of them.
        filter: Option<ElementFilter>,
    },
}

impl Path {
    /// Parses a path, forgiving what `lenience` allows, within the default [`Budget`].
    ///
    /// # Errors
    ///
    /// [`PathError`], which says whether the path or the filter between its brackets is at fault.
    pub fn parse_with(text: &str, lenience: &mut Lenience) -> Result<Self, PathError> {
        let parts = parse::path(text, lenience, &Budget::default())?;
        Ok(Self {
            attribute: parts.attribute.to_owned(),
            filter: parts.filter,
            sub: parts.sub.map(str::to_owned),
        })
    }

    /// Returns the attribute path as it was written, up to the bracket.
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// Returns the filter between the brackets.
    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Looks the path up in `resource_type`, forgiving what `lenience` allows.
    ///
    /// A relation is bound like any other attribute. Its filter then applies to the links written out as elements.
    ///
    /// # Errors
    ///
    /// As for [`Path::parse_with`].
    pub fn bind(
        &self,
        resource_type: &ResourceType,
        lenience: &mut Lenience,
    ) -> Result<BoundPath, PathError> {
        let unknown = |path: &str| {
            let resource_type = resource_type.name().to_owned();
            let path = path.to_owned();
            PathError::Path(FilterError::UnknownAttribute { position: 0, path, resource_type })
        };
        let resolved = resource_type.resolve_with(&self.attribute, lenience);
        let attr = match (resolved, &self.filter) {
            (Ok(Resolved::Attribute(attr)), _) => attr,
            (Ok(Resolved::Extension(urn)), None) => return Ok(BoundPath::Extension(urn)),
            _ => return Err(unknown(&self.attribute)),
        };
        let Some(filter) = &self.filter else { return Ok(BoundPath::Attribute { attr, filter: None }) };
        let binder = Binder::new(filter, resource_type, lenience, Unknown::Refused);
        let mut binder = binder.map_err(PathError::Filter)?;
        let bound = ElementFilter::bind_path(&mut binder, &attr, filter.tree().root())?;
        let attr = match &self.sub {
            None => attr,
            Some(sub) => match attr.attribute().sub_attribute(sub) {
                Some(found) => attr.with_sub(Arc::clone(found)),
                None => return Err(unknown(&format!("{}.{sub}", self.attribute))),
            },
        };
        Ok(BoundPath::Attribute { attr, filter: Some(bound) })
    }
}

impl FromStr for Path {
    type Err = PathError;

    /// Parses strictly: see [`Path::parse_with`].
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse_with(text, &mut Lenience::strict())
    }
}

/// Writes strict syntax that parses to an equal path.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// Serializes the path as text.
impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Deserializes the path from text, strictly: see [`Path::parse_with`].
impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
