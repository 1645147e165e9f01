//! Tells a client the names of what its request said and the server did not understand.

use http::HeaderName;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use scim_core::PassedOver;

/// The header of an answer that names what was passed over. It is a list of strings (RFC 9651 §3.1). Each is the name
/// of an attribute or of a member of the message, never a value. If there is no room for all names, the last one has
/// the parameter `more`, which counts the others.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("scim-passed-over");

/// The greatest length of the header's value, in bytes.
const MOST: usize = 4 << 10;

/// Room for the parameter `more`.
const RESERVE: usize = 32;

/// The characters that are escaped in a string of a header.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'"').add(b'\\').add(b'%');

/// Returns the header's value; `None` if nothing was passed over.
pub(crate) fn header(passed_over: &PassedOver) -> Option<String> {
    if passed_over.is_empty() {
        return None;
    }
    let mut value = String::new();
    let mut more = passed_over.more();
    for name in passed_over.names() {
        let text = format!("\"{}\"", utf8_percent_encode(name, ESCAPED));
        let separator = if value.is_empty() { "" } else { ", " };
        if value.len() + separator.len() + text.len() + RESERVE > MOST {
            more += 1;
            continue;
        }
        value.push_str(separator);
        value.push_str(&text);
    }
    if more > 0 {
        value.push_str(&format!(";more={more}"));
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_core::{Lenience, Leniency};

    fn header_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let mut lenience = Lenience::new(Leniency::INTEROP);
        names.into_iter().for_each(|name| lenience.pass_over(name));
        header(lenience.passed_over())
    }

    #[test]
    fn names_are_listed_and_escaped() {
        assert_eq!(header_of([]), None);
        assert_eq!(header_of(["emails.verified", "a"]).unwrap(), "\"a\", \"emails.verified\"");
        assert_eq!(header_of(["a\"b\\c%\r\né"]).unwrap(), "\"a%22b%5Cc%25%0D%0A%C3%A9\"");
    }

    #[test]
    fn the_value_is_short_and_counts_what_it_leaves_out() {
        let names: Vec<String> = (0..2_000).map(|at| format!("\u{e9}\u{e9}{at}")).collect();
        let value = header_of(names.iter().map(String::as_str)).unwrap();
        assert!(value.len() <= MOST, "{}", value.len());
        let (listed, more) = value.rsplit_once(";more=").unwrap();
        assert_eq!(listed.split(", ").count() + more.parse::<usize>().unwrap(), 2_000);
    }
}
