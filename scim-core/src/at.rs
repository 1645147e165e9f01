//! The location of a value, for messages.

use std::fmt;

use crate::error::Error;
use crate::resource_type::AttrRef;
use crate::schema::Attribute;

/// The path of an attribute, which is formatted only if a message needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) urn: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) sub: Option<&'a str>,
}

impl<'a> At<'a> {
    /// An attribute of the base schema, or of the extension with this URN.
    pub(crate) fn new(urn: Option<&'a str>, name: &'a str) -> Self {
        Self { urn, name, sub: None }
    }

    /// A sub-attribute of the same attribute.
    pub(crate) fn sub<'b>(&self, name: &'b str) -> At<'b>
    where
        'a: 'b,
    {
        At { sub: Some(name), ..*self }
    }

    /// The error for names that differ only in case, because it is unknown which one was meant.
    pub(crate) fn twice(&self) -> Error {
        Error::invalid_syntax(format!("`{self}` stands twice, in different case"))
    }

    pub(crate) fn expected(&self, attribute: &Attribute, found: &str) -> Error {
        Error::invalid_value(format!("`{self}`: expected {}, found {found}", attribute.r#type))
    }
}

impl<'a> From<&'a AttrRef> for At<'a> {
    fn from(path: &'a AttrRef) -> Self {
        Self {
            urn: path.extension().map(|urn| &**urn),
            name: &path.attribute().name,
            sub: path.sub().map(|sub| sub.name.as_str()),
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.name)?;
        match self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}
