//! Shortens texts from outside for messages.

/// The number of characters of a text that a message repeats.
const MOST: usize = 80;

/// Shortens a text from outside to the 80 characters that an error may repeat.
///
/// An ellipsis marks the cut. A URN is cut in the middle, because it ends with the name of its attribute. Any other
/// text is cut at its end.
///
/// ```
/// use scim_core::shorten;
/// assert_eq!(shorten("nickName"), "nickName");
/// assert_eq!(shorten(&"x".repeat(1_000)), "x".repeat(79) + "…");
/// let urn = format!("urn:example:{}:User:department", "x".repeat(1_000));
/// assert!(shorten(&urn).starts_with("urn:example:x") && shorten(&urn).ends_with("x:User:department"));
/// ```
pub fn shorten(text: &str) -> String {
    if text.char_indices().nth(MOST).is_none() {
        return text.to_owned();
    }
    let is_urn = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"));
    let kept = MOST - 1;
    let behind = if is_urn { kept / 2 } else { 0 };
    let head = text.char_indices().nth(kept - behind).map_or(text, |(end, _)| &text[..end]);
    let tail = text.char_indices().rev().take(behind).last().map_or("", |(start, _)| &text[start..]);
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENTERPRISE: &str = crate::urn::ENTERPRISE_USER;

    #[test]
    fn a_urn_shows_its_attribute() {
        for path in ["department", "manager.displayName"] {
            let path = format!("{ENTERPRISE}:{path}");
            assert_eq!(shorten(&path), path, "short enough as it is");
        }
        let long = format!("URN:{}:2.0:User:favouriteColour", "é".repeat(100));
        let short = shorten(&long);
        assert!(short.starts_with("URN:é") && short.ends_with("é:2.0:User:favouriteColour"), "{short}");
        assert_eq!(short.matches('…').count(), 1);
    }

    proptest! {
        #[test]
        fn what_is_cut_says_so(text in "(urn:)?\\PC{0,120}") {
            let short = shorten(&text);
            prop_assert!(short.chars().count() <= MOST);
            let (head, tail) = short.split_once('…').unwrap_or((&short, ""));
            if short != text {
                prop_assert_eq!(short.chars().count(), MOST);
                prop_assert!(short.contains('…') && text.starts_with(head));
                prop_assert!(text.ends_with(tail) || text.contains('…'));
            }
            prop_assert_eq!(shorten(&short), short);
        }
    }
}
