//! What a request may cost.

use std::fmt::Display;
use std::time::Duration;

use serde_json::Value;

use crate::error::Error;
use crate::resource_type::AttrRef;
use crate::schema::{Attribute, Type};
use crate::work::Work;

/// What a request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The size of a body in bytes.
    pub bytes: usize,
    /// Levels of nesting.
    pub depth: usize,
    /// JSON values, counting every element and member.
    pub elements: usize,
    /// How long a single text may be.
    pub texts: TextLimits,
    /// Operations of one PATCH.
    pub operations: usize,
    /// Changes of a document that one PATCH may come to: an operation without a path makes one for each
    /// attribute. Members that come and go do not count, but a filter over them does.
    pub changes: usize,
    /// What deciding filters, sorting and changing documents may come to, in steps of about ten nanoseconds; all that
    /// one request asks for counts together. See [`Work`].
    pub steps: u64,
    /// What one part of that may come to: one PATCH, a filter on a few resources, or what an index is asked.
    pub part: u64,
    /// How long that may take, if it is not to take as long as it takes.
    pub time: Option<Duration>,
}

impl Limits {
    /// The account of a request that begins now.
    pub fn work(&self) -> Work {
        let work = Work::steps(self.steps).in_parts_of(self.part);
        match self.time {
            Some(time) => work.within(time),
            None => work,
        }
    }
}

impl Default for Limits {
    /// 8 MiB, 32 levels, a million values: a group of 100,000 members fits. A PATCH may have a thousand operations and
    /// make a thousand changes. A request may cost 25 million steps, about a quarter of a second, and one part of it
    /// 2.5 million.
    fn default() -> Self {
        Self {
            bytes: 8 << 20,
            depth: 32,
            elements: 1_000_000,
            texts: TextLimits::default(),
            operations: 1_000,
            changes: 1_000,
            steps: 25_000_000,
            part: 2_500_000,
            time: None,
        }
    }
}

/// How long a single text in a body may be, in bytes. Longer ones that are stored already can be read, and a PATCH can
/// change the rest of their resource.
///
/// ```
/// use scim_core::{Leniency, Limits, ResourceType, ingest};
/// let user = ResourceType::user();
/// let body = |title: usize| format!(r#"{{"userName": "ada", "title": "{}"}}"#, "x".repeat(title));
/// let read = |body: String| ingest(body.as_bytes(), &user, None, &mut Leniency::INTEROP.into(), &Limits::default());
/// assert!(read(body(65_536)).is_ok());
/// let error = read(body(65_537)).unwrap_err();
/// assert_eq!(error.detail, "`title` has 65537 bytes, more than the 65536 that are taken");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextLimits {
    /// Any text that has no limit of its own.
    pub plain: usize,
    /// What may be a file: binary values, and references to what is no SCIM resource, such as a photo that is a `data:`
    /// URI.
    pub large: usize,
    /// What stores keep keys of: attributes that are indexed or unique.
    pub keys: usize,
}

impl TextLimits {
    /// No limits but those of the body.
    pub const NONE: Self = Self { plain: usize::MAX, large: usize::MAX, keys: usize::MAX };

    /// Refuses a text that is too long for its attribute.
    pub(crate) fn check(&self, at: &impl Display, attribute: &Attribute, text: &str) -> Result<(), Error> {
        let is_external = |kinds: &[String]| {
            kinds.is_empty() || kinds.iter().any(|kind| kind.eq_ignore_ascii_case("external"))
        };
        let limit = match attribute.r#type {
            Type::Binary => self.large,
            Type::Reference if is_external(&attribute.reference_types) => self.large,
            _ => self.plain,
        };
        within(limit, at, text)
    }

    /// Refuses a value that no schema knows for a text in it that is too long.
    ///
    /// # Errors
    ///
    /// 400 `invalidValue` that names the attribute and the limit.
    pub fn check_unknown(&self, at: &impl Display, value: &Value) -> Result<(), Error> {
        match value {
            Value::String(text) => within(self.plain, at, text),
            Value::Array(values) => values.iter().try_for_each(|value| self.check_unknown(at, value)),
            Value::Object(members) => members.values().try_for_each(|value| self.check_unknown(at, value)),
            _ => Ok(()),
        }
    }

    /// Refuses what is too long to be a key. `now` is the value of `path`'s attribute as it is to be stored, `before`
    /// what is stored: what is stored already may stay.
    ///
    /// # Errors
    ///
    /// 400 `invalidValue` that names the path and the limit.
    pub fn check_key(
        &self,
        path: &AttrRef,
        now: Option<&Value>,
        before: Option<&Value>,
    ) -> Result<(), Error> {
        path.check_new(now, before, |value| {
            value.as_str().map_or(Ok(()), |text| within(self.keys, path, text))
        })
    }
}

fn within(limit: usize, at: &impl Display, text: &str) -> Result<(), Error> {
    if text.len() <= limit {
        return Ok(());
    }
    let length = text.len();
    Err(Error::invalid_value(format!("`{at}` has {length} bytes, more than the {limit} that are taken")))
}

impl Default for TextLimits {
    /// 64 KiB; 1 MiB for what may be a file; 1 KiB for what is a key.
    fn default() -> Self {
        Self { plain: 64 << 10, large: 1 << 20, keys: 1 << 10 }
    }
}
