//! Cursors — RFC 9865. A cursor holds the position of a walk. It is signed together with the principal and the query,
//! so that it is valid for nothing else and the server stores nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use scim_core::{Error, ScimType, Timestamp};
use scim_server_traits::{Context, Position, Seek};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Signs cursors and reads them back.
pub(crate) struct Cursors {
    key: [u8; 32],
    /// How long a cursor is valid.
    pub(crate) lifetime: Duration,
}

/// The position of a walk.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Whether the page comes before the position.
    pub(crate) back: bool,
    /// The index of the resource type that the position is in, among those that were asked for.
    pub(crate) part: usize,
    key: Option<String>,
    place: i64,
    /// How many results a page of this walk has.
    pub(crate) count: u64,
    /// When it expires, in milliseconds since the Unix epoch.
    expires: i64,
}

/// Who walks, and through what: everything that decides which resources are on a page. RFC 9865 §2 asks clients to
/// repeat `attributes` and `excludedAttributes` too. They do not affect paging, so they are not checked.
#[derive(Debug, Serialize)]
pub(crate) struct Walk<'a> {
    tenant: &'a str,
    principal: &'a str,
    scopes: &'a [String],
    endpoint: &'a str,
    filter: Option<&'a str>,
    sort_by: Option<&'a str>,
    descending: bool,
}

/// How many bytes of a sort key a cursor may hold. More would not fit into a URL.
const LONGEST_KEY: usize = 1_024;

/// The length of a signature in bytes.
const SIGNATURE: usize = 32;

impl Cursor {
    pub(crate) fn new(back: bool, part: usize, position: &Position, count: u64) -> Self {
        let Position { key, place, .. } = position.clone();
        Self { back, part, key, place, count, expires: 0 }
    }

    /// Returns whether a cursor can hold this position.
    pub(crate) fn fits(position: &Position) -> bool {
        position.key.as_ref().is_none_or(|key| key.len() <= LONGEST_KEY)
    }

    /// Returns the cursor for going forward again after an empty previous page. It includes the resource at the
    /// position.
    pub(crate) fn turned(&self, descending: bool) -> Self {
        let place = if descending { self.place.saturating_add(1) } else { self.place.saturating_sub(1) };
        Self { back: false, place, key: self.key.clone(), ..*self }
    }

    /// Returns where to read this part from. A resource with the position's key comes before the position in earlier
    /// parts, and after it in later ones.
    pub(crate) fn seek(&self, part: usize) -> Seek {
        let place = match part.cmp(&self.part) {
            std::cmp::Ordering::Less => i64::MAX,
            std::cmp::Ordering::Equal => self.place,
            std::cmp::Ordering::Greater => i64::MIN,
        };
        let position = Position::new(self.key.clone(), place);
        if self.back { Seek::Before(position) } else { Seek::After(position) }
    }
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        context: &'a Context,
        endpoint: &'a str,
        filter: Option<&'a str>,
        sort_by: Option<&'a str>,
        descending: bool,
    ) -> Self {
        let principal = context.principal();
        Self {
            tenant: context.tenant().as_str(),
            principal: &principal.name,
            scopes: &principal.scopes,
            endpoint,
            filter,
            sort_by,
            descending,
        }
    }
}

impl Cursors {
    pub(crate) fn new(key: [u8; 32], lifetime: Duration) -> Self {
        Self { key, lifetime }
    }

    /// Returns a cursor as a text of letters, digits, `-` and `_`.
    // SRV-047
    pub(crate) fn issue(&self, mut cursor: Cursor, walk: &Walk<'_>, now: Timestamp) -> Result<String, Error> {
        let lifetime = i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX);
        cursor.expires = now.as_millis().saturating_add(lifetime);
        let mut bytes = serde_json::to_vec(&cursor).map_err(unwritable)?;
        let signature = self.signature(&bytes, walk)?.finalize().into_bytes();
        bytes.extend_from_slice(&signature);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a cursor back. Fails with 400 `invalidCursor` for anything that was not issued for this walk, always with
    /// one message, and with `expiredCursor` after its time.
    // SRV-065
    pub(crate) fn read(&self, text: &str, walk: &Walk<'_>, now: Timestamp) -> Result<Cursor, Error> {
        let invalid = || Error::scim(ScimType::InvalidCursor, "the cursor is none of this query: begin anew");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let split = bytes.len().checked_sub(SIGNATURE).ok_or_else(invalid)?;
        let (payload, signature) = bytes.split_at(split);
        // Compared in constant time.
        self.signature(payload, walk)?.verify_slice(signature).map_err(|_| invalid())?;
        let cursor: Cursor = serde_json::from_slice(payload).map_err(|_| invalid())?;
        if now.as_millis() >= cursor.expires {
            return Err(Error::scim(ScimType::ExpiredCursor, "the cursor has expired: begin anew"));
        }
        Ok(cursor)
    }

    fn signature(&self, payload: &[u8], walk: &Walk<'_>) -> Result<Hmac<Sha256>, Error> {
        let mut signature = Hmac::<Sha256>::new_from_slice(&self.key)
            .map_err(|error| Error::internal(format!("cursors cannot be signed: {error}")))?;
        let walk = serde_json::to_vec(walk).map_err(unwritable)?;
        // The length separates the payload from the walk.
        signature.update(&(payload.len() as u64).to_be_bytes());
        signature.update(payload);
        signature.update(&walk);
        Ok(signature)
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::internal(format!("the cursor could not be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_server_traits::TenantId;

    #[test]
    fn srv_047_srv_054_srv_061_srv_064_srv_065_cursors_are_good_for_one_walk() {
        let cursors = Cursors::new([7; 32], Duration::from_secs(60));
        let context = Context::new(TenantId::new("one"));
        let walk = |filter| Walk::new(&context, "/Users", filter, Some("title"), false);
        let at = Timestamp::from_millis;
        let position = Position::new(Some("a\"b".into()), 9);
        let text = cursors.issue(Cursor::new(true, 1, &position, 5), &walk(None), at(0)).unwrap();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
        let read = cursors.read(&text, &walk(None), at(59_999)).unwrap();
        assert_eq!((read.back, read.count, read.seek(1)), (true, 5, Seek::Before(position)));
        let refusal = |text: &str, walk: &Walk<'_>, now| cursors.read(text, walk, at(now)).unwrap_err();
        assert_eq!(refusal(&text, &walk(None), 60_000).scim_type, Some(ScimType::ExpiredCursor));
        let foreign = refusal(&text, &walk(Some("title pr")), 0);
        assert_eq!(foreign.scim_type, Some(ScimType::InvalidCursor));
        for number in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[number] ^= 1;
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(refusal(&forged, &walk(None), 0), foreign, "{number}");
        }
        for short in ["", "A", "AAAA", &text[..text.len() - 4]] {
            assert_eq!(refusal(short, &walk(None), 0), foreign);
        }
        for early in [-1_000_000, i64::MIN, i64::MAX] {
            let text = cursors
                .issue(Cursor::new(false, 0, &Position::default(), 5), &walk(None), at(early))
                .unwrap();
            let ends = early.saturating_add(60_000);
            assert!(cursors.read(&text, &walk(None), at(ends - 1)).is_ok(), "a clock that shows {early}");
            assert!(cursors.read(&text, &walk(None), at(ends)).is_err());
        }
        let other = Cursors::new([8; 32], Duration::from_secs(60));
        assert_eq!(other.read(&text, &walk(None), at(0)), Err(foreign));
    }
}
