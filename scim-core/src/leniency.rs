//! What a service provider forgives: named quirks, grouped in presets, chosen at run time.
//!
//! Reading is lenient, writing is strict: a quirk changes how something is read, never what is written. Each [`Quirk`]
//! says what it looks like on the wire and which presets forgive it. A [`Lenience`](crate::Lenience) notes which quirks
//! one request needed.

use std::fmt;
use std::str::FromStr;

macro_rules! quirks {
    ($( $(#[doc = $doc:literal])+ $name:ident = $text:literal in $presets:expr, )+) => {
        /// One named deviation from the RFCs that real clients show.
        // The numbers (`Q-…`) are those of `docs/requirements/quirks.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Quirk { $( $(#[doc = $doc])+ $name, )+ }

        impl Quirk {
            /// Every quirk.
            pub const ALL: &'static [Self] = &[ $( Self::$name, )+ ];

            /// The name in configuration and metrics.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }

            /// The presets that forgive it. `strict` forgives no quirk.
            pub const fn presets(self) -> &'static [Preset] {
                match self { $( Self::$name => $presets, )+ }
            }
        }
    };
}

/// A preset that forgives quirks: for clients in general, or for one identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// Every known client.
    Interop,
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
    /// PingFederate and PingOne.
    Ping,
    /// OneLogin.
    OneLogin,
}

const EVERYBODY: &[Preset] = &[Preset::Interop, Preset::Entra, Preset::Okta, Preset::Ping, Preset::OneLogin];
const NOBODY: &[Preset] = &[];

quirks! {
    /// `"op": "Replace"`: operation names in any case.
    // Q-1
    OpAnyCase = "op_any_case" in EVERYBODY,
    /// `"active": "False"`: booleans as strings, in bodies, PATCH values and filters.
    // Q-2, Q-3, Q-4
    StringBooleans = "string_booleans" in EVERYBODY,
    /// `{"name.givenName": "Noor"}`: keys of a path-less PATCH value read as paths.
    // Q-5, Q-6
    PathKeys = "path_keys" in EVERYBODY,
    /// `"path": "emails.value"`: the primary element, else the first, else a new one.
    // Q-5
    SubAttributeOfPrimary = "sub_attribute_of_primary" in EVERYBODY,
    /// `replace emails[type eq "work"].value` creates the element if it does not exist.
    // Q-7, Q-8
    ValuePathCreate = "value_path_create" in EVERYBODY,
    /// `"manager": "u9"`: a scalar for a complex attribute becomes `{"value": …}`.
    // Q-13, Q-40
    WrapValue = "wrap_value" in EVERYBODY,
    /// `"active": [{"value": "False"}]`: an array of one, or `{"value": …}`, for a single value.
    // Q-14, Q-39
    UnwrapValue = "unwrap_value" in EVERYBODY,
    /// `"path": "manager"`: an extension's attribute without its URN.
    // Q-14, Q-22
    UnqualifiedExtension = "unqualified_extension" in EVERYBODY,
    /// `"manager": ""`: an empty string clears a complex attribute.
    // Q-15
    EmptyStringClears = "empty_string_clears" in EVERYBODY,
    /// `"path": "manager[value eq \"u9\"]"`: a value path on a single complex attribute.
    // Q-16
    SingularValuePath = "singular_value_path" in EVERYBODY,
    /// Unknown URNs in `schemas` are passed over.
    // Q-17, Q-20
    UnknownSchemas = "unknown_schemas" in EVERYBODY,
    /// `"department"` at the top level of a body.
    // Q-17
    RootExtensionAttributes = "root_extension_attributes" in EVERYBODY,
    /// `"roles": [{"value": "{\"value\":\"admin\"}"}]`: JSON inside a role's value.
    // Q-18
    JsonInRoleValue = "json_in_role_value" in EVERYBODY,
    /// `remove` with a `value` that selects what to remove.
    // Q-10, Q-33
    RemoveWithValue = "remove_with_value" in EVERYBODY,
    /// `"operations"`, `"Op"`, `"Filter"`: names of the members of a message in any case.
    // Q-74
    EnvelopeAnyCase = "envelope_any_case" in EVERYBODY,
    /// A PATCH message without `schemas`.
    // Q-74
    MissingPatchSchemas = "missing_patch_schemas" in EVERYBODY,
    /// A body without `schemas` gets the schemas that its attributes need.
    // decision 17
    InferSchemas = "infer_schemas" in EVERYBODY,
    /// Read-only attributes inside a PATCH value are passed over.
    // Q-48
    ReadOnlyInValue = "read_only_in_value" in EVERYBODY,
    /// Several `primary: true` in one write: one wins.
    // Q-46
    NormalizePrimary = "normalize_primary" in EVERYBODY,
    /// Unknown sub-attributes of a value are dropped.
    // Q-37
    UnknownSubAttributes = "unknown_sub_attributes" in EVERYBODY,
    /// `"Operations": []` does nothing.
    // Q-85
    EmptyOperations = "empty_operations" in &[Preset::Entra],
    /// `PUT` without `active` keeps it.
    // Q-51
    PutKeepsActive = "put_keeps_active" in EVERYBODY,
    /// `externalId eq cq`: a string without quotes.
    // Q-25
    UnquotedString = "unquoted_string" in EVERYBODY,
    /// `userName eq 'x'`: single quotes.
    SingleQuotes = "single_quotes" in EVERYBODY,
    /// `active eq True`: literals in any case.
    LiteralAnyCase = "literal_any_case" in EVERYBODY,
    /// `value eq"28"`: no space before a quote.
    // X13
    NoSpaceBeforeQuote = "no_space_before_quote" in EVERYBODY,
    /// `not active eq true`: negation without parentheses.
    // D5
    NotWithoutParentheses = "not_without_parentheses" in EVERYBODY,
    /// `emails[type eq "work"].value eq "x"`: a comparison after the bracket.
    // Q-26
    ValuePathComparison = "value_path_comparison" in EVERYBODY,
    /// Removing `emails[type eq "work"].value` drops the element if only `type` and `primary` remain in it.
    // Q-33
    DropHollowElements = "drop_hollow_elements" in EVERYBODY,
    /// `"profileUrl": "/people/Zoë Ō"`: a reference that is not a URI is kept as it was sent.
    NonUriReference = "non_uri_reference" in EVERYBODY,
    /// PATCH with a value filter, as in `emails[type eq "work"].value`, is accepted and does nothing.
    ///
    /// This is the literal reading of GitHub's documentation. It is in no preset.
    // E-50
    ValuePathNoEffect = "value_path_no_effect" in NOBODY,
    /// `"members": [{"value": "nobody"}]`: a link to a resource that does not exist is passed over.
    ///
    /// It is in no preset, because the client does not learn of it.
    // CORE-066
    UnknownTargets = "unknown_targets" in NOBODY,
    /// `"title": []`: an empty list clears a single value.
    EmptyListClears = "empty_list_clears" in EVERYBODY,
    /// `"members": {"members": [{"value": "u1"}]}`: a list inside an object under its own name.
    NestedList = "nested_list" in EVERYBODY,
    /// Two members with one `value` and different `display`: the first `display` is taken.
    RepeatedLinks = "repeated_links" in EVERYBODY,
    /// Members that a message does not have are passed over.
    // Q-38
    UnknownMessageMembers = "unknown_message_members" in EVERYBODY,
    /// `{"op": "remove", "path": "title", "value": "x"}`: a value that selects nothing is passed over.
    // Q-33
    SpareRemoveValue = "spare_remove_value" in EVERYBODY,
    /// `GET /Groups` where only users are served: an empty list, not 404.
    // Q-23
    ListUnservedTypeAsEmpty = "list_unserved_type_as_empty" in &[Preset::Entra],
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

    /// Returns the quirks that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set is empty.
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
    /// Refuse the request with 400 `invalidValue`, which names the attribute.
    Refuse,
    /// Leave them out.
    Ignore,
    /// Keep them as they were sent, in bodies and inside values, and return them.
    ///
    /// Only [`Limits`](crate::Limits) restrict them. They are not returned if a request excludes them or names only
    /// others.
    ///
    /// As with all names, case does not matter. `null`, `[]` and `{}` are unassigned, and what is inside a value is
    /// otherwise not examined. A name with a colon is an extension that no schema describes, and is listed in `schemas`
    /// like a known one. Filters and PATCH paths cannot reach these attributes, because no schema says what they are.
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
    /// Follows the RFCs only, as `DESIGN.md` reads them.
    pub const STRICT: Self = Self { quirks: Quirks::NONE, unknown_attributes: UnknownAttributes::Refuse };

    /// Forgives what every known client needs and what harms none of them. Servers use it by default.
    pub const INTEROP: Self = Self::of(Preset::Interop);

    /// Microsoft Entra ID: [`Leniency::INTEROP`], empty `Operations`, and lists of groups if groups are not served.
    ///
    /// Its validator sends empty `Operations`. Its connection test asks for the groups.
    pub const ENTRA: Self = Self::of(Preset::Entra);

    /// Okta: [`Leniency::INTEROP`].
    pub const OKTA: Self = Self::of(Preset::Okta);

    /// PingFederate and PingOne: [`Leniency::INTEROP`].
    pub const PING: Self = Self::of(Preset::Ping);

    /// OneLogin: [`Leniency::INTEROP`].
    pub const ONELOGIN: Self = Self::of(Preset::OneLogin);

    /// The presets by name.
    pub const PRESETS: &'static [(&'static str, Self)] = &[
        ("strict", Self::STRICT),
        ("interop", Self::INTEROP),
        ("entra", Self::ENTRA),
        ("okta", Self::OKTA),
        ("ping", Self::PING),
        ("onelogin", Self::ONELOGIN),
    ];

    /// Allows the quirks that name this preset, and passes over unknown attributes.
    const fn of(preset: Preset) -> Self {
        let mut quirks = Quirks::NONE;
        let mut at = 0;
        while at < Quirk::ALL.len() {
            let quirk = Quirk::ALL[at];
            let presets = quirk.presets();
            let mut known = 0;
            while known < presets.len() {
                if presets[known] as u8 == preset as u8 {
                    quirks = quirks.with(quirk);
                }
                known += 1;
            }
            at += 1;
        }
        Self { quirks, unknown_attributes: UnknownAttributes::Ignore }
    }

    /// Whether this quirk is forgiven.
    pub const fn allows(&self, quirk: Quirk) -> bool {
        self.quirks.contains(quirk)
    }

    /// Forgives this quirk too.
    #[must_use]
    pub const fn allow(self, quirk: Quirk) -> Self {
        Self { quirks: self.quirks.with(quirk), ..self }
    }

    /// Stops forgiving this quirk.
    #[must_use]
    pub const fn deny(self, quirk: Quirk) -> Self {
        Self { quirks: self.quirks.without(quirk), ..self }
    }

    /// What happens to attributes that no schema knows.
    pub const fn unknown_attributes(&self) -> UnknownAttributes {
        self.unknown_attributes
    }

    /// Sets the policy for unknown attributes.
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

/// A name that is not a leniency preset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no leniency preset: use strict, interop, entra, okta, ping or onelogin")]
pub struct UnknownPreset(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_quirk_is_in_a_preset_that_it_does_not_name() {
        assert!(Quirk::ALL.len() <= 64);
        assert!(Quirk::ALL.iter().all(|quirk| !Leniency::STRICT.allows(*quirk)));
        let not_everywhere: Vec<_> =
            Quirk::ALL.iter().filter(|quirk| quirk.presets() != EVERYBODY).copied().collect();
        let opt_in = [
            Quirk::EmptyOperations,
            Quirk::ValuePathNoEffect,
            Quirk::UnknownTargets,
            Quirk::ListUnservedTypeAsEmpty,
        ];
        assert_eq!(not_everywhere, opt_in);
        for quirk in Quirk::ALL.iter().copied() {
            let known = [
                (Preset::Interop, Leniency::INTEROP),
                (Preset::Entra, Leniency::ENTRA),
                (Preset::Okta, Leniency::OKTA),
                (Preset::Ping, Leniency::PING),
                (Preset::OneLogin, Leniency::ONELOGIN),
            ];
            for (preset, leniency) in known {
                assert_eq!(
                    leniency.allows(quirk),
                    quirk.presets().contains(&preset),
                    "{quirk} in {preset:?}"
                );
            }
        }
        assert!("nope".parse::<Leniency>().unwrap_err().to_string().contains("interop"));
    }
}
