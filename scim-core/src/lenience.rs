//! One request's leniency: the rules, and what reading it took of them.

use std::collections::BTreeSet;
use std::fmt;

use crate::leniency::{Leniency, Quirk, Quirks, UnknownAttributes};
use crate::limits::TextLimits;
use crate::shorten::shorten;

/// The rules for reading one request, with notes of what was forgiven and what was passed over.
///
/// One value goes through everything that reads a part of the request: filter, body, PATCH. The service provider then
/// reports it once.
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
    /// These rules, with nothing noted.
    pub fn new(rules: Leniency) -> Self {
        Self { rules, texts: TextLimits::default(), used: Quirks::NONE, passed_over: PassedOver::default() }
    }

    /// The same rules, with other limits for texts than the default ones.
    #[must_use]
    pub fn with_texts(self, texts: TextLimits) -> Self {
        Self { texts, ..self }
    }

    /// [`Leniency::STRICT`], with nothing noted.
    pub fn strict() -> Self {
        Self::new(Leniency::STRICT)
    }

    /// The rules.
    pub fn rules(&self) -> &Leniency {
        &self.rules
    }

    /// How long a text may be.
    pub fn texts(&self) -> &TextLimits {
        &self.texts
    }

    /// Whether this quirk is forgiven.
    pub fn allows(&self, quirk: Quirk) -> bool {
        self.rules.allows(quirk)
    }

    /// Whether this quirk is forgiven; notes that it was needed.
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

    /// The quirks that were needed so far.
    pub fn used(&self) -> Quirks {
        self.used
    }

    /// Notes that what has this name in the request has no effect.
    pub fn pass_over(&mut self, name: impl fmt::Display) {
        self.passed_over.insert(&name.to_string());
    }

    /// What was passed over so far.
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }
}

impl From<Leniency> for Lenience {
    fn from(rules: Leniency) -> Self {
        Self::new(rules)
    }
}

/// The names of what a request says and nobody understood. They are names of attributes and members, never values.
///
/// Each name is held once, and all of them are at most [`PassedOver::MOST_BYTES`] long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    names: BTreeSet<String>,
    bytes: usize,
    more: usize,
}

impl PassedOver {
    /// How many bytes of names are held.
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

    /// Whether everything had an effect.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.more == 0
    }

    /// The names, in the order of their bytes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// How often something was passed over after there was no more room for its name.
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
