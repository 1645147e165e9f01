//! Deriving the GitHub handle from `userName`.

// E-22 to E-25

use std::fmt;

use sha2::{Digest, Sha256};

use crate::product::{Product, ShortCode};

/// A GitHub handle.
///
/// ```
/// use scim_emu::{Handle, Product};
/// let code = "octo".parse().unwrap();
/// let handle = Handle::derive("CORP\\Ada.Lovelace", &Product::GHEC, &code).unwrap();
/// assert_eq!(handle.as_str(), "Ada-Lovelace_octo");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle(String);

/// How many digits of the digest an obfuscated handle has. With `_` and the longest short code that makes 39.
const OBFUSCATED: usize = 30;

impl Handle {
    /// Derives the handle from a `userName`.
    ///
    /// It takes the part after the last `\` and before the first `@`. Every character that is not an ASCII letter or
    /// digit becomes `-`. The case is kept, and the suffix is added.
    ///
    /// Nothing is repaired. A base that begins or ends with `-`, has `--` in it, or is too long is refused.
    ///
    /// # Errors
    ///
    /// [`HandleError`], which says why the name gives no handle.
    // E-24, E-23
    pub fn derive(user_name: &str, product: &Product, code: &ShortCode) -> Result<Self, HandleError> {
        let local = user_name.rsplit_once('\\').map_or(user_name, |(_, name)| name);
        let local = local.split_once('@').map_or(local, |(local, _)| local);
        let base: String = local.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let refuse = |what| Err(HandleError { user_name: user_name.to_owned(), base: base.clone(), what });
        if base.is_empty() {
            return refuse("it leaves nothing".to_owned());
        }
        if base.starts_with('-') || base.ends_with('-') {
            return refuse("it begins or ends with a dash".to_owned());
        }
        if base.contains("--") {
            return refuse("it has two dashes in a row".to_owned());
        }
        let handle = if product.suffixed { format!("{base}_{code}") } else { base.clone() };
        if handle.len() > product.max_handle {
            let room = product.max_handle - (handle.len() - base.len());
            return refuse(format!("it has {} characters, {room} are allowed", base.len()));
        }
        Ok(Self(handle))
    }

    /// Returns the handle of this account while it is suspended: a digest of the handle, then the suffix.
    // E-33
    #[must_use]
    pub fn obfuscated(&self, product: &Product, code: &ShortCode) -> Self {
        let mut digest: String =
            Sha256::digest(self.0.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        digest.truncate(OBFUSCATED);
        Self(if product.suffixed { format!("{digest}_{code}") } else { digest })
    }

    /// Returns the handle as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which handles of one enterprise are compared: without the common suffix, in lower case.
    pub fn key(&self) -> String {
        let base = self.0.rsplit_once('_').map_or(self.0.as_str(), |(base, _)| base);
        base.to_ascii_lowercase()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a `userName` gives no handle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("userName `{user_name}` gives the handle base `{base}`, which is refused: {what}")]
pub struct HandleError {
    user_name: String,
    base: String,
    what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derive(user_name: &str) -> Result<String, HandleError> {
        Handle::derive(user_name, &Product::GHEC, &"octo".parse().unwrap()).map(|handle| handle.0)
    }

    #[test]
    fn e_25_worked_examples() {
        for (user_name, handle) in [
            ("Ada.Lovelace", "Ada-Lovelace_octo"),
            ("ada_lovelace", "ada-lovelace_octo"),
            ("CORP\\Ada.Lovelace", "Ada-Lovelace_octo"),
            ("ada.lovelace@corp.example", "ada-lovelace_octo"),
            ("bob#EXT#fabrikamcom@contoso.com", "bob-EXT-fabrikamcom_octo"),
        ] {
            assert_eq!(derive(user_name).as_deref(), Ok(handle), "{user_name}");
        }
    }

    #[test]
    fn e_24_dashes_are_refused_and_not_repaired() {
        for user_name in ["+ada", "ada.", "ada..l", "José", "@corp.example", "", "a--b"] {
            assert!(derive(user_name).is_err(), "{user_name}");
        }
    }

    #[test]
    fn e_23_length() {
        assert_eq!(derive(&"a".repeat(34)).map(|handle| handle.len()), Ok(39));
        assert!(derive(&"a".repeat(35)).unwrap_err().to_string().contains("34 are allowed"));
        assert_eq!(derive("margaret.hamilton.apollo.guidance1@corp.example").map(|h| h.len()), Ok(39));
        assert!(derive("margaret.hamilton.apollo.guidance12@corp.example").is_err());
    }

    #[test]
    fn e_33_obfuscated_handles_fit() {
        let code = "octocode".parse().unwrap();
        let handle = Handle::derive("ada", &Product::GHEC, &code).unwrap();
        let hidden = handle.obfuscated(&Product::GHEC, &code);
        assert_ne!(handle, hidden);
        assert_eq!(hidden.as_str().len(), 39);
        assert!(hidden.as_str().ends_with("_octocode"));
    }

    proptest::proptest! {
        #[test]
        fn a_handle_is_always_legal(user_name in "\\PC{0,48}") {
            if let Ok(handle) = derive(&user_name) {
                let base = handle.strip_suffix("_octo").unwrap();
                proptest::prop_assert!(handle.len() <= 39 && !base.is_empty());
                proptest::prop_assert!(base.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
                proptest::prop_assert!(!base.starts_with('-') && !base.ends_with('-') && !base.contains("--"));
            }
        }
    }
}
