//! Limits on what a request may cost.

use std::fmt::Display;
use std::time::Duration;

use serde_json::Value;

use crate::error::Error;
use crate::resource_type::AttrRef;
use crate::schema::{Attribute, Type};
use crate::work::{Meter, Work};

/// Limits on what a request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest size of a body, in bytes.
    pub bytes: usize,
    /// The deepest nesting of a body.
    pub depth: usize,
    /// The number of JSON values in a body, counting every element and member.
    pub elements: usize,
    /// The limits of a single text.
    pub texts: TextLimits,
    /// The number of operations in one PATCH.
    pub operations: usize,
    /// The number of changes that one PATCH may make to a document.
    ///
    /// An operation without a path makes one change for each attribute. Added and removed members do not count, but a
    /// filter on members does.
    pub changes: usize,
    /// The steps of about 10 ns that filters, sorting and changes of documents may take.
    ///
    /// The steps of all parts of one request are added up. See [`Work`].
    pub steps: u64,
    /// The steps that one part may take: one PATCH, a filter on a few resources, or questions to an index.
    pub part: u64,
    /// How long that work may take. `None` sets no limit.
    pub time: Option<Duration>,
}

impl Limits {
    /// Opens the account of a request that begins now.
    pub fn work(&self) -> Work {
        let work = Work::steps(self.steps).in_parts_of(self.part);
        match self.time {
            Some(time) => work.within(time),
            None => work,
        }
    }

    /// Returns a meter for one thread, which is charged to nothing else.
    pub fn meter(&self) -> Meter {
        match self.time {
            Some(_) => self.work().meter(),
            None => Meter::of(self.steps),
        }
    }
}

impl Default for Limits {
    /// Sets limits with room for a group of 100,000 members: 8 MiB, 32 levels and 1 million values.
    ///
    /// A PATCH may have 1,000 operations and make 1,000 changes. A request may cost 25 million steps, about 250 ms, and
    /// one part of it 2.5 million.
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

/// How long a single text in a body may be, in bytes.
///
/// Longer texts that are already stored can be read. A PATCH can change the rest of their resource.
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
    /// The limit of a text that has no other limit.
    pub plain: usize,
    /// The limit of what may be a file: binary values, and references to external resources.
    ///
    /// A photo, for example, can be a `data:` URI.
    pub large: usize,
    /// The limit of index keys: values of attributes that are indexed or unique.
    pub keys: usize,
}

impl TextLimits {
    /// No limits except those of the body.
    pub const NONE: Self = Self { plain: usize::MAX, large: usize::MAX, keys: usize::MAX };

    /// Refuses a text that is too long for its attribute.
    pub(crate) fn check(&self, at: &impl Display, attribute: &Attribute, text: &str) -> Result<(), Error> {
        // Nearly every text is short enough for any attribute.
        if text.len() <= self.plain.min(self.large) {
            return Ok(());
        }
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

    /// Refuses a value that no schema knows if it holds a text that is too long.
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

    /// Refuses a value that is too long to be a key, unless it is already stored.
    ///
    /// `now` is the value of `path`'s attribute as it is to be stored, `before` is the stored one.
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
    /// 64 KiB, 1 MiB for what may be a file, and 1 KiB for keys.
    fn default() -> Self {
        Self { plain: 64 << 10, large: 1 << 20, keys: 1 << 10 }
    }
}
