//! The leniency of one request: its rules, and which of them were needed.

use std::collections::BTreeSet;
use std::fmt;

use crate::leniency::{Leniency, Quirk, Quirks, UnknownAttributes};
use crate::limits::TextLimits;
use crate::shorten::shorten;

/// The rules for reading one request, with notes about what was forgiven and what was passed over.
///
/// One value is used for all parts of the request: filter, body and PATCH. The service provider then reports it once.
///
/// ```
/// use scim_core::{Lenience, Leniency, Quirk, ResourceType};
/// let mut lenience = Lenience::new(Leniency::INTEROP);
/// let path = ResourceType::user().resolve_with("department", &mut lenience).unwrap();
/// assert!(lenience.used().contains(Quirk::UnqualifiedExtension));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lenience {
    rules: Leniency,
    texts: TextLimits,
    used: Quirks,
    passed_over: PassedOver,
}

impl Lenience {
    /// Makes a value with these rules, without notes.
    pub fn new(rules: Leniency) -> Self {
        Self { rules, texts: TextLimits::default(), used: Quirks::NONE, passed_over: PassedOver::default() }
    }

    /// Replaces the default limits for texts.
    #[must_use]
    pub fn with_texts(self, texts: TextLimits) -> Self {
        Self { texts, ..self }
    }

    /// Makes a value with [`Leniency::STRICT`], without notes.
    pub fn strict() -> Self {
        Self::new(Leniency::STRICT)
    }

    /// The rules.
    pub fn rules(&self) -> &Leniency {
        &self.rules
    }

    /// The limits for the length of texts.
    pub fn texts(&self) -> &TextLimits {
        &self.texts
    }

    /// Whether this quirk is forgiven.
    pub fn allows(&self, quirk: Quirk) -> bool {
        self.rules.allows(quirk)
    }

    /// Whether this quirk is forgiven. If so, notes that it was needed.
    pub fn uses(&mut self, quirk: Quirk) -> bool {
        let allowed = self.allows(quirk);
        if allowed {
            self.used.insert(quirk);
        }
        allowed
    }

    /// What happens to attributes that no schema knows.
    pub fn unknown_attributes(&self) -> UnknownAttributes {
        self.rules.unknown_attributes()
    }

    /// The quirks that have been needed so far.
    pub fn used(&self) -> Quirks {
        self.used
    }

    /// Notes that the part of the request with this name has no effect.
    pub fn pass_over(&mut self, name: impl fmt::Display) {
        self.passed_over.insert(&name.to_string());
    }

    /// The names that have been passed over so far.
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }
}

impl From<Leniency> for Lenience {
    fn from(rules: Leniency) -> Self {
        Self::new(rules)
    }
}

/// The names in a request that had no effect. They are names of attributes and members, never values.
///
/// Each name is stored once. All names together have at most [`PassedOver::MOST_BYTES`] bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    names: BTreeSet<String>,
    bytes: usize,
    more: usize,
}

impl PassedOver {
    /// The largest total length of the stored names, in bytes.
    pub const MOST_BYTES: usize = 3 << 10;

    fn insert(&mut self, name: &str) {
        let name = shorten(name);
        if self.names.contains(&name) {
            return;
        }
        if self.bytes + name.len() > Self::MOST_BYTES {
            self.more += 1;
            return;
        }
        self.bytes += name.len();
        self.names.insert(name);
    }

    /// Whether nothing was passed over.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.more == 0
    }

    /// The names, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The number of times that a name was not stored because there was no more room.
    pub fn more(&self) -> usize {
        self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_held_once_and_within_bounds() {
        let mut lenience = Lenience::new(Leniency::INTEROP);
        assert!(lenience.passed_over().is_empty());
        lenience.pass_over("b");
        lenience.pass_over("a");
        lenience.pass_over("b");
        assert_eq!(lenience.passed_over().names().collect::<Vec<_>>(), ["a", "b"]);
        for at in 0..10_000 {
            lenience.pass_over(format_args!("name{at}"));
        }
        let passed_over = lenience.passed_over();
        assert!(passed_over.names().map(str::len).sum::<usize>() <= PassedOver::MOST_BYTES);
        assert_eq!(passed_over.names().count() + passed_over.more(), 10_002);
    }
}
