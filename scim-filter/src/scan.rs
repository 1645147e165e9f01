//! Looking ahead in the text, for the grammar: plain byte scanning without rules of its own.
//!
//! All lengths are of ASCII or end before ASCII, so the text can be split there.

use crate::tree::Operand;

/// How many bytes at the beginning are of a kind.
pub(crate) fn run_length(input: &str, is: impl Fn(u8) -> bool) -> usize {
    input.bytes().position(|byte| !is(byte)).unwrap_or(input.len())
}

/// The same for runs that may be long: sixteen bytes are looked at together, so that the compiler can do so
/// with a few instructions, if `is` does not branch.
fn long_run_length(input: &str, is: impl Fn(u8) -> bool) -> usize {
    let (chunks, _) = input.as_bytes().as_chunks::<16>();
    let all = |chunk: &&[u8; 16]| chunk.iter().fold(true, |all, byte| all & is(*byte));
    let begin = chunks.iter().take_while(all).count() * 16;
    let rest = input.as_bytes().get(begin..).unwrap_or_default();
    begin + rest.iter().position(|byte| !is(*byte)).unwrap_or(rest.len())
}

/// What is left behind a word, whatever its case and whatever follows.
#[inline]
pub(crate) fn word<'a>(word: &str, input: &'a str) -> Option<&'a str> {
    let begin = input.as_bytes().get(..word.len())?;
    begin.eq_ignore_ascii_case(word.as_bytes()).then(|| &input[word.len()..])
}

/// How long the attribute name at the beginning is; 0 if there is none.
pub(crate) fn name_length(input: &str) -> usize {
    match input.as_bytes().first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'$' => {
            run_length(input, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$'))
        }
        _ => 0,
    }
}

/// How much at the beginning could be names and URNs.
pub(crate) fn path_length(input: &str) -> usize {
    long_run_length(input, is_path_byte)
}

/// Whether names and URNs may hold this byte.
pub(crate) fn is_path_byte(byte: u8) -> bool {
    let bracket = (byte == b'[') | (byte == b']') | (byte == b'(') | (byte == b')');
    (byte > b' ') & (byte < 0x7F) & (byte != b'"') & !bracket
}

/// How much at the beginning means itself in a JSON string.
pub(crate) fn plain_length(input: &str) -> usize {
    long_run_length(input, |byte| (byte >= b' ') & (byte != b'"') & (byte != b'\\'))
}

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
pub(crate) fn any_case(word: &str) -> Option<Operand> {
    [("true", Operand::Boolean(true)), ("false", Operand::Boolean(false)), ("null", Operand::Null)]
        .into_iter()
        .find_map(|(name, operand)| name.eq_ignore_ascii_case(word).then_some(operand))
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
