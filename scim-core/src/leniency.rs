//! What a service provider forgives: named quirks, grouped in presets, chosen at run time.
//!
//! Lenient in, strict out: a quirk changes how something is read, never what is written. Acted on at
//! four doors only: route, filter text, body, PATCH. Each [`Quirk`] says what it looks like on the wire.

use std::fmt;
use std::str::FromStr;

macro_rules! quirks {
    ($( $(#[doc = $doc:literal])+ $name:ident = $text:literal, )+) => {
        /// One named deviation from the RFCs that real clients show.
        ///
        /// The numbers (`Q-…`) are those of `docs/requirements/quirks.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Quirk { $( $(#[doc = $doc])+ $name, )+ }

        impl Quirk {
            /// Every quirk there is.
            pub const ALL: &'static [Self] = &[ $( Self::$name, )+ ];

            /// The name in configuration and metrics.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }
        }
    };
}

quirks! {
    /// `"op": "Replace"`: operation names in any case (Q-1).
    OpAnyCase = "op_any_case",
    /// `"active": "False"`: booleans as strings, in bodies, PATCH values and filters (Q-2, Q-3, Q-4).
    StringBooleans = "string_booleans",
    /// `{"name.givenName": "Noor"}`: keys of a path-less PATCH value read as paths (Q-5, Q-6).
    PathKeys = "path_keys",
    /// `"path": "emails.value"`: the primary element, else the first, else a new one (Q-5).
    SubAttributeOfPrimary = "sub_attribute_of_primary",
    /// `replace emails[type eq "work"].value` with no such element makes one (Q-7, Q-8).
    ValuePathCreate = "value_path_create",
    /// `"manager": "u9"`: a scalar for a complex attribute becomes `{"value": …}` (Q-13, Q-40).
    WrapValue = "wrap_value",
    /// `"active": [{"value": "False"}]`: an array of one, or `{"value": …}`, for a single value (Q-14, Q-39).
    UnwrapValue = "unwrap_value",
    /// `"path": "manager"`: an extension's attribute without its URN (Q-14, Q-22).
    UnqualifiedExtension = "unqualified_extension",
    /// `"manager": ""`: an empty string clears a complex attribute (Q-15).
    EmptyStringClears = "empty_string_clears",
    /// `"path": "manager[value eq \"u9\"]"`: a value path on a single complex attribute (Q-16).
    SingularValuePath = "singular_value_path",
    /// Unknown URNs in `schemas` are passed over (Q-17, Q-20).
    UnknownSchemas = "unknown_schemas",
    /// `"department"` at the top level of a body (Q-17).
    RootExtensionAttributes = "root_extension_attributes",
    /// `"roles": [{"value": "{\"value\":\"admin\"}"}]`: JSON inside a role's value (Q-18).
    JsonInRoleValue = "json_in_role_value",
    /// `remove` with a `value` that selects what to remove (Q-10, Q-33).
    RemoveWithValue = "remove_with_value",
    /// `"operations"`, `"Op"`: member names of the PATCH message in any case (Q-74).
    EnvelopeAnyCase = "envelope_any_case",
    /// A PATCH message without `schemas` (Q-74).
    MissingPatchSchemas = "missing_patch_schemas",
    /// A body without `schemas` gets those its attributes call for (decision 17).
    InferSchemas = "infer_schemas",
    /// Read-only attributes inside a PATCH value are passed over (Q-48).
    ReadOnlyInValue = "read_only_in_value",
    /// Several `primary: true` in one write: one wins (Q-46).
    NormalizePrimary = "normalize_primary",
    /// Unknown sub-attributes of a value are dropped (Q-37).
    UnknownSubAttributes = "unknown_sub_attributes",
    /// `"Operations": []` does nothing (Q-85).
    EmptyOperations = "empty_operations",
    /// `PUT` without `active` keeps it (Q-51).
    PutKeepsActive = "put_keeps_active",
    /// `externalId eq cq`: a string without quotes (Q-25).
    UnquotedString = "unquoted_string",
    /// `userName eq 'x'`: single quotes.
    SingleQuotes = "single_quotes",
    /// `active eq True`: literals in any case.
    LiteralAnyCase = "literal_any_case",
    /// `value eq"28"`: no space before a quote (X13).
    NoSpaceBeforeQuote = "no_space_before_quote",
    /// `not active eq true`: negation without parentheses (D5).
    NotWithoutParentheses = "not_without_parentheses",
    /// `emails[type eq "work"].value eq "x"`: a comparison behind the bracket (Q-26).
    ValuePathComparison = "value_path_comparison",
    /// Removing `emails[type eq "work"].value` drops the element when only `type` and `primary` are left
    /// of it (Q-33).
    DropHollowElements = "drop_hollow_elements",
    /// PATCH with a value filter, as in `emails[type eq "work"].value`, is accepted and does nothing:
    /// the literal reading of GitHub's documentation (E-50). In no preset.
    ValuePathNoEffect = "value_path_no_effect",
    /// `"members": [{"value": "nobody"}]`: a link to a resource that is not there is passed over (CORE-066). In no
    /// preset, for the client is not told.
    UnknownTargets = "unknown_targets",
    /// `GET /Groups` where only users are served: an empty list, not 404 (Q-23).
    ListUnservedTypeAsEmpty = "list_unserved_type_as_empty",
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of quirks.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Quirks(u64);

impl Quirks {
    /// No quirk.
    pub const NONE: Self = Self(0);

    /// Adds a quirk.
    pub fn insert(&mut self, quirk: Quirk) {
        self.0 |= 1 << quirk as u8;
    }

    /// Whether the quirk is in the set.
    pub const fn contains(self, quirk: Quirk) -> bool {
        self.0 & (1 << quirk as u8) != 0
    }

    /// The set with this quirk.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | 1 << quirk as u8)
    }

    /// The set without this quirk.
    #[must_use]
    pub const fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !(1 << quirk as u8))
    }

    /// Everything in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The quirks, in order.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL.iter().copied().filter(move |quirk| self.contains(*quirk))
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Quirk::name)).finish()
    }
}

/// What to do with attributes that no schema knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnknownAttributes {
    /// 400 `invalidValue` that names the attribute.
    Refuse,
    /// Leave them out.
    Ignore,
    /// Keep them as they were sent, in bodies and inside values, bounded by [`Limits`](crate::Limits)
    /// alone, and return them: unless a request excludes them or names others only.
    ///
    /// Their names count without regard to case like all others, and `null`, `[]` and `{}` are unassigned;
    /// what is inside a value is not looked at. A name with a colon is an extension that no schema
    /// describes, and stands in `schemas` like those that are known. Filters cannot ask for them, and a
    /// PATCH path cannot lead to them: there is no schema to say what they are.
    Keep,
}

/// The leniency of one tenant: a set of quirks and the policy for unknown attributes.
///
/// ```
/// use scim_core::{Leniency, Quirk};
/// let leniency: Leniency = "entra".parse().unwrap();
/// assert!(leniency.allows(Quirk::OpAnyCase));
/// assert!(!Leniency::STRICT.allows(Quirk::OpAnyCase));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leniency {
    quirks: Quirks,
    unknown_attributes: UnknownAttributes,
}

impl Leniency {
    /// Nothing but the RFCs, as `DESIGN.md` reads them.
    pub const STRICT: Self = Self { quirks: Quirks::NONE, unknown_attributes: UnknownAttributes::Refuse };

    /// What every known client needs and none can be hurt by: the default of servers.
    pub const INTEROP: Self = Self {
        quirks: Quirks(((1 << Quirk::ValuePathNoEffect as u8) - 1) & !(1 << Quirk::EmptyOperations as u8)),
        unknown_attributes: UnknownAttributes::Ignore,
    };

    /// Microsoft Entra ID: [`Leniency::INTEROP`] and empty `Operations`, which its validator sends, and lists of groups
    /// where there are none, which its connection test asks for.
    pub const ENTRA: Self = Self::INTEROP.allow(Quirk::EmptyOperations).allow(Quirk::ListUnservedTypeAsEmpty);

    /// Okta: [`Leniency::INTEROP`].
    pub const OKTA: Self = Self::INTEROP;

    /// PingFederate and PingOne: [`Leniency::INTEROP`].
    pub const PING: Self = Self::INTEROP;

    /// OneLogin: [`Leniency::INTEROP`].
    pub const ONELOGIN: Self = Self::INTEROP;

    /// The presets by name.
    pub const PRESETS: &'static [(&'static str, Self)] = &[
        ("strict", Self::STRICT),
        ("interop", Self::INTEROP),
        ("entra", Self::ENTRA),
        ("okta", Self::OKTA),
        ("ping", Self::PING),
        ("onelogin", Self::ONELOGIN),
    ];

    /// Whether this quirk is forgiven.
    pub const fn allows(&self, quirk: Quirk) -> bool {
        self.quirks.contains(quirk)
    }

    /// Whether this quirk is forgiven; notes in `used` that it was needed.
    pub fn uses(&self, quirk: Quirk, used: &mut Quirks) -> bool {
        let allowed = self.allows(quirk);
        if allowed {
            used.insert(quirk);
        }
        allowed
    }

    /// The same, forgiving this quirk too.
    #[must_use]
    pub const fn allow(self, quirk: Quirk) -> Self {
        Self { quirks: self.quirks.with(quirk), ..self }
    }

    /// The same, but strict about this quirk.
    #[must_use]
    pub const fn deny(self, quirk: Quirk) -> Self {
        Self { quirks: self.quirks.without(quirk), ..self }
    }

    /// What happens to attributes that no schema knows.
    pub const fn unknown_attributes(&self) -> UnknownAttributes {
        self.unknown_attributes
    }

    /// The same, with this policy for unknown attributes.
    #[must_use]
    pub const fn with_unknown_attributes(self, policy: UnknownAttributes) -> Self {
        Self { unknown_attributes: policy, ..self }
    }
}

impl Default for Leniency {
    fn default() -> Self {
        Self::INTEROP
    }
}

impl FromStr for Leniency {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, UnknownPreset> {
        Self::PRESETS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, leniency)| *leniency)
            .ok_or_else(|| UnknownPreset(text.to_owned()))
    }
}

/// A leniency preset nobody has heard of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no leniency preset: use strict, interop, entra, okta, ping or onelogin")]
pub struct UnknownPreset(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_and_names() {
        assert!(Quirk::ALL.len() <= 64);
        assert!(Quirk::ALL.iter().all(|quirk| !Leniency::STRICT.allows(*quirk)));
        let missing: Vec<_> = Quirk::ALL.iter().filter(|quirk| !Leniency::INTEROP.allows(**quirk)).collect();
        let opt_in = [
            &Quirk::EmptyOperations,
            &Quirk::ValuePathNoEffect,
            &Quirk::UnknownTargets,
            &Quirk::ListUnservedTypeAsEmpty,
        ];
        assert_eq!(missing, opt_in);
        assert!("nope".parse::<Leniency>().unwrap_err().to_string().contains("interop"));
    }
}
