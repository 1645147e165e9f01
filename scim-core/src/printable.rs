//! Makes texts from outside safe for a terminal or a log.

use std::borrow::Cow;

/// Escapes the characters of a text that could control a terminal or forge a line of a log.
///
/// These are control characters, line and paragraph separators, and marks that change the direction of writing. Quotes
/// and backslashes stay as they are.
///
/// ```
/// use scim_core::printable;
/// assert_eq!(printable("Zoë \"said\" 你好"), "Zoë \"said\" 你好");
/// assert_eq!(printable("\u{1b}[31mred\nWARN forged"), r"\u{1b}[31mred\nWARN forged");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) {
            escaped.extend(c.escape_debug());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_is_escaped() {
        let steering = "\0\t\r\n\u{1b}\u{7f}\u{9b}\u{61c}\u{200e}\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}";
        assert_eq!(
            printable(steering),
            r"\0\t\r\n\u{1b}\u{7f}\u{9b}\u{61c}\u{200e}\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}"
        );
    }

    #[test]
    fn what_people_write_stays() {
        for text in ["C:\\Users", "it's `x`", "e\u{301}", "क्षि", "👩\u{200d}💻", "שלום"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_steers_afterwards(text in any::<String>()) {
            let shown = printable(&text);
            prop_assert!(!shown.contains(is_steering));
            prop_assert_eq!(printable(&shown), shown.clone(), "escaped once, however often it is shown");
        }
    }
}
