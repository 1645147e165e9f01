//! The characters that a value of a unique attribute may contain.

use serde_json::Value;

use crate::error::Error;
use crate::resource_type::{AttrRef, ResourceType};
#[cfg(feature = "precis")]
use crate::schema::Type;

/// The rules for values of unique attributes, in addition to the schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UniqueProfile {
    /// No control characters.
    #[default]
    Plain,
    /// The PRECIS profile `UsernameCaseMapped` (RFC 8265 §3.3).
    ///
    /// It applies to string attributes that are not case-exact, such as `userName`. The rules of `Plain` apply to other
    /// unique attributes.
    ///
    /// The profile refuses values with spaces, symbols, compatibility characters or badly mixed writing directions. Two
    /// spellings that are equal under the profile conflict. Values are stored as they were sent. They are compared by
    /// [`fold`](crate::fold), which maps every allowed value as the profile does.
    #[cfg(feature = "precis")]
    UsernameCaseMapped,
}

impl UniqueProfile {
    /// Returns what is wrong with a value of an attribute, if anything.
    fn fault(self, path: &AttrRef, text: &str) -> Option<String> {
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            let control = u32::from(control);
            return Some(format!("`{path}` holds the control character U+{control:04X}: leave it out"));
        }
        match self {
            Self::Plain => None,
            #[cfg(feature = "precis")]
            Self::UsernameCaseMapped => {
                let leaf = path.leaf();
                if leaf.r#type != Type::String || leaf.compares_exactly() {
                    return None;
                }
                precis::fault(path, text)
            }
        }
    }
}

#[cfg(feature = "precis")]
mod precis {
    use precis_profiles::UsernameCaseMapped;
    use precis_profiles::precis_core::Error;
    use precis_profiles::precis_core::profile::PrecisFastInvocation as _;

    use crate::resource_type::AttrRef;

    pub(super) fn fault(path: &AttrRef, text: &str) -> Option<String> {
        match UsernameCaseMapped::enforce(text) {
            Ok(_) => None,
            Err(Error::BadCodepoint(found)) => {
                let character = found.cp;
                Some(format!("`{path}`: user names cannot contain U+{character:04X} (RFC 8265)"))
            }
            Err(_) => Some(format!("`{path}` is not a valid user name (RFC 8265)")),
        }
    }
}

/// Checks a value of a unique attribute against the type's [`UniqueProfile`].
///
/// Every profile refuses control characters, because `ada` and `ada` followed by a NUL look like one person. Control
/// characters are U+0000 to U+001F and U+007F to U+009F.
///
/// `now` is the value of `path`'s attribute as it is to be stored, `before` is the stored one. A stored value may stay,
/// so that the rest of its resource can be changed.
///
/// # Errors
///
/// 400 `invalidValue`, which names the path and what is wrong.
///
/// ```
/// use scim_core::{ResourceType, check_unique_value};
/// let user = ResourceType::user();
/// let user_name = user.resolve("userName").unwrap();
/// let (plain, hidden) = ("ada".into(), "ada\0".into());
/// assert!(check_unique_value(&user, &user_name, Some(&plain), None).is_ok());
/// let error = check_unique_value(&user, &user_name, Some(&hidden), Some(&plain)).unwrap_err();
/// assert_eq!(error.detail, "`userName` holds the control character U+0000: leave it out");
/// assert!(check_unique_value(&user, &user_name, Some(&hidden), Some(&hidden)).is_ok());
/// ```
pub fn check_unique_value(
    resource_type: &ResourceType,
    path: &AttrRef,
    now: Option<&Value>,
    before: Option<&Value>,
) -> Result<(), Error> {
    path.check_new(now, before, |value| {
        let fault = value.as_str().and_then(|text| resource_type.unique_profile().fault(path, text));
        fault.map_or(Ok(()), |fault| Err(Error::invalid_value(fault)))
    })
}

#[cfg(test)]
#[cfg(feature = "precis")]
mod tests {
    use precis_profiles::UsernameCaseMapped;
    use precis_profiles::precis_core::profile::PrecisFastInvocation as _;

    use super::*;
    use crate::fold::fold;

    fn fault(text: &str) -> Option<String> {
        let user_name = ResourceType::user().resolve("userName").unwrap();
        UniqueProfile::UsernameCaseMapped.fault(&user_name, text)
    }

    #[test]
    fn core_045_user_names_by_rfc_8265() {
        for good in [
            "juliet@example.com",
            "Fußball",
            "π",
            "ADA",
            "ΝΙΚΟΣ",
            "ａｄａ",
            "e\u{301}lodie",
            "شيماء",
            "o'neill+x",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for (bad, found) in [
            ("", "not a valid"),
            ("foo bar", "U+0020"),
            ("henryⅣ", "U+2163"),
            ("♚", "U+265A"),
            ("ada\u{200b}", "U+200B"),
            ("ada\0", "U+0000"),
            ("شab", "not a valid"),
        ] {
            assert!(fault(bad).is_some_and(|fault| fault.contains(found)), "{bad}: {:?}", fault(bad));
        }
    }

    #[test]
    fn what_is_compared_exactly_has_no_profile() {
        let external_id = ResourceType::user().resolve("externalId").unwrap();
        assert_eq!(UniqueProfile::UsernameCaseMapped.fault(&external_id, "a b"), None);
    }

    /// So two spellings that are equal under the profile have one key, and values compare as the profile says.
    #[test]
    fn folding_is_what_the_profile_does() {
        // Without ideographs and Hangul syllables, which nothing maps.
        let scripts = ['\0'..='\u{33ff}', '\u{a000}'..='\u{abff}', '\u{f900}'..='\u{1efff}'];
        for c in scripts.into_iter().flatten() {
            for mark in ["", "\u{301}", "\u{ff9e}"] {
                let text = format!("{c}{mark}");
                if let Ok(enforced) = UsernameCaseMapped::enforce(text.as_str()) {
                    assert_eq!(fold(&text), enforced, "U+{:04X}", u32::from(c));
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn folding_is_what_the_profile_does_to_words(text in "[a-zA-Z0-9àÀáﾊｱａＡßẞσςΣÉé\u{301}\u{327}İıǅ.@]{1,8}") {
            if let Ok(enforced) = UsernameCaseMapped::enforce(text.as_str()) {
                proptest::prop_assert_eq!(fold(&text), enforced);
            }
        }
    }
}
