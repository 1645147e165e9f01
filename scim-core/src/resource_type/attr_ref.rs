//! References to attributes.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::schema::{Attribute, Type};

/// A reference to an attribute that was looked up. It is cheap to clone and has no lifetime.
#[derive(Clone, Debug, PartialEq)]
pub struct AttrRef {
    pub(super) extension: Option<Arc<str>>,
    pub(super) attribute: Arc<Attribute>,
    pub(super) sub: Option<Arc<Attribute>>,
}

impl AttrRef {
    /// The URN of the extension that has the attribute, or `None` for the top level.
    pub fn extension(&self) -> Option<&Arc<str>> {
        self.extension.as_ref()
    }

    /// The attribute.
    pub fn attribute(&self) -> &Arc<Attribute> {
        &self.attribute
    }

    /// The sub-attribute, if the path names one.
    pub fn sub(&self) -> Option<&Arc<Attribute>> {
        self.sub.as_ref()
    }

    /// The sub-attribute if there is one, otherwise the attribute.
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// Whether it is the `primary` of a multi-valued attribute.
    ///
    /// An absent `primary` counts as `false` (RFC 7643 §2.4).
    ///
    /// ```
    /// use scim_core::ResourceType;
    /// let user = ResourceType::user();
    /// assert!(user.resolve("emails.primary").unwrap().is_primary());
    /// assert!(!user.resolve("active").unwrap().is_primary());
    /// ```
    pub fn is_primary(&self) -> bool {
        self.attribute.multi_valued
            && self.sub.as_ref().is_some_and(|sub| {
                sub.name.eq_ignore_ascii_case("primary") && sub.r#type == Type::Boolean && !sub.multi_valued
            })
    }

    /// Returns a reference to this sub-attribute of the attribute.
    #[must_use]
    pub fn with_sub(&self, sub: Arc<Attribute>) -> Self {
        Self { sub: Some(sub), ..self.clone() }
    }

    /// Returns a reference to the attribute without a sub-attribute.
    #[must_use]
    pub fn without_sub(&self) -> Self {
        Self { sub: None, ..self.clone() }
    }

    /// The member of the document that holds the attribute: its own name, or its extension's URN.
    pub fn member(&self) -> &str {
        self.extension.as_deref().unwrap_or(&self.attribute.name)
    }

    /// Returns the attribute's value in a canonical document, without following the sub-attribute.
    #[inline]
    pub fn get<'a>(&self, document: &'a Map<String, Value>) -> Option<&'a Value> {
        let container = match &self.extension {
            None => document,
            Some(urn) => document.get(&**urn)?.as_object()?,
        };
        container.get(&self.attribute.name)
    }

    /// Whether it has a value in a canonical document. For a sub-attribute, one element with a value is enough.
    pub fn is_assigned(&self, document: &Map<String, Value>) -> bool {
        let mut assigned = false;
        self.for_each(document, &mut |_| assigned = true);
        assigned
    }

    /// Calls `visit` with each simple or complex value to which the reference points.
    ///
    /// It visits the elements of an array one by one, and follows the sub-attribute.
    pub fn for_each<'a>(&self, document: &'a Map<String, Value>, visit: &mut dyn FnMut(&'a Value)) {
        if let Some(value) = self.get(document) {
            self.for_each_in(value, visit);
        }
    }

    /// Returns the first error of `check` for a value in `now` that is not in `before`.
    ///
    /// Both are values of the attribute. Stored values may stay, so that the rest of their resource can be changed.
    pub(crate) fn check_new<E>(
        &self,
        now: Option<&Value>,
        before: Option<&Value>,
        check: impl Fn(&Value) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        let Some(now) = now else { return outcome };
        self.for_each_in(now, &mut |value| {
            if outcome.is_err() {
                return;
            }
            outcome = check(value);
            // The stored values are searched only after an error, because most values are valid.
            if let (Err(_), Some(before)) = (&outcome, before) {
                let mut is_stored = false;
                self.for_each_in(before, &mut |stored| is_stored |= stored == value);
                if is_stored {
                    outcome = Ok(());
                }
            }
        });
        outcome
    }

    /// Calls `visit` as [`for_each`](Self::for_each) does, for a given value of the attribute.
    pub fn for_each_in<'a>(&self, value: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
        let mut leaf = |value: &'a Value| match &self.sub {
            None => visit(value),
            Some(sub) => match value.get(&sub.name) {
                Some(Value::Array(values)) => values.iter().for_each(&mut *visit),
                Some(value) => visit(value),
                None => {}
            },
        };
        match value {
            Value::Array(elements) => elements.iter().for_each(&mut leaf),
            single => leaf(single),
        }
    }
}

impl fmt::Display for AttrRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.extension {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.attribute.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}
