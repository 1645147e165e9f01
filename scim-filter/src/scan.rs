//! Looks ahead in the text for the grammar: byte scanning without rules of its own.
//!
//! Every length ends at a character boundary, because it counts ASCII bytes or ends before one. So the text can be
//! split there.

use crate::tree::Operand;

/// Returns how many bytes at the beginning meet the predicate.
pub(crate) fn run_length(input: &str, is: impl Fn(u8) -> bool) -> usize {
    input.bytes().position(|byte| !is(byte)).unwrap_or(input.len())
}

/// Scans runs that may be long, 8 bytes at a time.
///
/// The compiler needs few instructions for that, unless `is` branches.
fn long_run_length(input: &str, is: impl Fn(u8) -> bool) -> usize {
    let (chunks, _) = input.as_bytes().as_chunks::<8>();
    let all = |chunk: &&[u8; 8]| chunk.iter().fold(true, |all, byte| all & is(*byte));
    let begin = chunks.iter().take_while(all).count() * 8;
    let rest = input.as_bytes().get(begin..).unwrap_or_default();
    begin + rest.iter().position(|byte| !is(*byte)).unwrap_or(rest.len())
}

/// Returns what follows a word, whatever its case. Any byte may follow.
#[inline]
pub(crate) fn word<'a>(word: &str, input: &'a str) -> Option<&'a str> {
    let begin = input.as_bytes().get(..word.len())?;
    begin.eq_ignore_ascii_case(word.as_bytes()).then(|| &input[word.len()..])
}

/// Returns the length of the attribute name at the beginning; 0 if there is none.
pub(crate) fn name_length(input: &str) -> usize {
    match input.as_bytes().first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'$' => {
            run_length(input, |byte| KINDS[usize::from(byte)] & IN_NAMES != 0)
        }
        _ => 0,
    }
}

/// Returns the length of the word of letters and digits at the beginning.
pub(crate) fn word_length(input: &str) -> usize {
    run_length(input, |byte| KINDS[usize::from(byte)] & IN_WORDS != 0)
}

const IN_NAMES: u8 = 1;
const IN_WORDS: u8 = 2;

/// What each byte may be part of.
///
/// A table, because names and words are short and every filter has many.
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => IN_NAMES | IN_WORDS,
            b'-' | b'_' | b'$' => IN_NAMES,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// Returns the length of the beginning that could be names and URNs.
pub(crate) fn path_length(input: &str) -> usize {
    long_run_length(input, is_path_byte)
}

/// Whether names and URNs may hold this byte.
pub(crate) fn is_path_byte(byte: u8) -> bool {
    let bracket = (byte == b'[') | (byte == b']') | (byte == b'(') | (byte == b')');
    (byte > b' ') & (byte < 0x7F) & (byte != b'"') & !bracket
}

/// Returns the length of the beginning that needs no decoding in a JSON string.
///
/// It reads 8 bytes at a time and finds the place among them without a loop. Literals are most of a filter's text, and
/// their ends cannot be predicted.
pub(crate) fn plain_length(input: &str) -> usize {
    let (words, rest) = input.as_bytes().as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return at * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    words.len() * 8 + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Sets the high bit of each quote, backslash and control character among 8 bytes.
///
/// Bits above the lowest one may be wrong, because a subtraction borrows from the byte above.
fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let below = |bytes: u64, limit: u8| bytes.wrapping_sub(ONES * u64::from(limit)) & !bytes;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, b' ') | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

/// Returns the length of the quoted string at the beginning, including both quotes.
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

/// Whether the bracket at the beginning is closed and contains more than an array index.
pub(crate) fn holds_a_filter(input: &str) -> bool {
    let mut at = 1;
    // Once a single quote has no partner, no later one has. Searching again would take quadratic time.
    let mut lone = false;
    while let Some(byte) = input.as_bytes().get(at) {
        match byte {
            b'"' => match quoted_length(&input[at..], b'"') {
                Some(length) => at += length,
                None => return false,
            },
            b'\'' if !lone => match quoted_length(&input[at..], b'\'') {
                Some(length) => at += length,
                None => {
                    lone = true;
                    at += 1;
                }
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

/// Reads `true`, `false` and `null` in another case than JSON's.
// D12
pub(crate) fn any_case(word: &str) -> Option<Operand> {
    [("true", Operand::Boolean(true)), ("false", Operand::Boolean(false)), ("null", Operand::Null)]
        .into_iter()
        .find_map(|(name, operand)| name.eq_ignore_ascii_case(word).then_some(operand))
}

/// Returns the next word, up to a space that is not its first character.
pub(crate) fn next_word(rest: &str) -> &str {
    let end = rest.char_indices().skip(1).find(|(_, c)| *c == ' ').map_or(rest.len(), |(at, _)| at);
    &rest[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn many_bytes_at_a_time_are_as_one_by_one(text in "[ -~\u{0}-\u{20}é\"\\\\(\u{7F}]{0,40}", plain in "[a-zé]{0,40}") {
            let text = plain + &text;
            let first = |stops: fn(char) -> bool| text.find(stops).unwrap_or(text.len());
            proptest::prop_assert_eq!(plain_length(&text), first(|c| c < ' ' || matches!(c, '"' | '\\')));
            proptest::prop_assert_eq!(path_length(&text), first(|c| !c.is_ascii_graphic() || "\"[]()".contains(c)));
        }
    }
}
