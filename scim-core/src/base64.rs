//! Base64 (RFC 4648), for binary values.

use std::borrow::Cow;

use ::base64::engine::DecodePaddingMode;
use ::base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use ::base64::{DecodeError, Engine as _};

/// The standard alphabet (RFC 7643 §2.3.6). Padding may be left out.
// CORE-017
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &::base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Checks that a value is valid base64, so that it may be stored.
pub(crate) fn check(text: &str) -> Result<(), DecodeError> {
    BASE64.decode(text).map(drop)
}

/// Decodes base64 of either alphabet (RFC 4648 §4 and §5), with or without padding.
///
/// Returns `None` if it is neither. A filter in a URL may use the URL-safe alphabet.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let standard = if text.contains(['-', '_']) {
        Cow::Owned(text.replace('-', "+").replace('_', "/"))
    } else {
        Cow::Borrowed(text)
    };
    BASE64.decode(&*standard).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_017_either_alphabet_is_decoded_and_padding_may_be_left_out() {
        assert_eq!(decode_base64("aGVsbG8="), decode_base64("aGVsbG8"));
        assert_eq!(decode_base64("-_-_"), decode_base64("+/+/"));
        assert_eq!(decode_base64("aGVsbG8=").as_deref(), Some(&b"hello"[..]));
        assert!(decode_base64("a b").is_none() && decode_base64("aaaaa").is_none());
        assert!(check("+/+/").is_ok() && check("-_-_").is_err(), "stored in one form");
    }
}
