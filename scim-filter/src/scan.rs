//! Looking ahead in the text, for the grammar: plain byte scanning without rules of its own.

use crate::literal::Literal;

/// How long the quoted string at the beginning is, both quotes counted.
pub(crate) fn quoted_length(input: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in input.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            byte if byte == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Whether the bracket at the beginning is closed and has more than an array index in it.
pub(crate) fn holds_a_filter(input: &str) -> bool {
    let mut at = 1;
    while let Some(byte) = input.as_bytes().get(at) {
        match byte {
            b'"' | b'\'' => match quoted_length(&input[at..], *byte) {
                Some(length) => at += length,
                None if *byte == b'"' => return false,
                None => at += 1,
            },
            b']' => {
                let inside = input[1..at].trim_matches(' ');
                return !inside.bytes().all(|byte| byte.is_ascii_digit());
            }
            _ => at += 1,
        }
    }
    false
}

/// `true`, `false` and `null` in another case than JSON's (D12).
pub(crate) fn any_case(word: &str) -> Option<Literal<'static>> {
    [("true", Literal::Boolean(true)), ("false", Literal::Boolean(false)), ("null", Literal::Null)]
        .into_iter()
        .find_map(|(name, literal)| name.eq_ignore_ascii_case(word).then_some(literal))
}

/// The next word of the rest, short enough for a message.
pub(crate) fn excerpt(rest: &str) -> &str {
    let end = rest
        .char_indices()
        .enumerate()
        .find(|(count, (at, c))| *count == 24 || (*at > 0 && *c == ' '))
        .map_or(rest.len(), |(_, (at, _))| at);
    &rest[..end]
}
