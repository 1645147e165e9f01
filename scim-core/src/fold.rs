//! The only form in which strings are compared if case does not matter.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Returns the form in which a string that is not case-exact is compared.
///
/// Full-width and half-width letters are mapped, then the text is converted to lower case and NFC. The form is used
/// only for comparisons and index keys. Values are stored as they were sent. ASCII text in lower case is returned
/// borrowed.
///
/// ```
/// use scim_core::fold;
/// assert_eq!(fold("ÉLODIE"), fold("e\u{301}lodie"));
/// assert_eq!(fold("ｂｊ"), "bj");
/// ```
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    // Width mapping as in PRECIS (RFC 8265 §3.3): only the block of full-width and half-width forms.
    let mapped = text.chars().flat_map(|c| {
        let wide = ('\u{FF01}'..='\u{FFEE}').contains(&c) || c == '\u{3000}';
        let mut plain = ['\0'; 2];
        let mut used = 0;
        if wide {
            for part in std::iter::once(c).nfkc().take(2) {
                plain[used] = part;
                used += 1;
            }
        } else {
            plain[0] = c;
            used = 1;
        }
        plain.into_iter().take(used)
    });
    Cow::Owned(mapped.nfc().flat_map(char::to_lowercase).nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filt_027_width_case_and_composition() {
        assert_eq!(fold("BJensen"), "bjensen");
        assert!(matches!(fold("bjensen"), Cow::Borrowed(_)));
        assert_eq!(fold("ＢＪ＠ｘ"), "bj@x");
        assert_eq!(fold("Straße"), "straße");
        assert_eq!(fold("E\u{301}"), "é");
    }

    proptest::proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,24}") {
            let once = fold(&text).into_owned();
            proptest::prop_assert_eq!(fold(&once).into_owned(), once.clone());
        }
    }
}
