//! Query parameters, from the URL or from a search request — RFC 7644 §3.4.2, §3.4.3. Unknown ones are
//! ignored.

// SRV-012

use percent_encoding::percent_decode_str;
use scim_core::{
    AttrRef, Error, Lenience, Projection, ResourceType, SearchRequest, SortOrder, shorten, take_members, urn,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// The parameters of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) filter: Option<String>,
    /// Whether they were in a URL, which is logged and cached on its way.
    pub(crate) in_url: bool,
    attributes: Vec<String>,
    excluded: Vec<String>,
    start_index: Option<String>,
    count: Option<String>,
    /// Never empty.
    pub(crate) sort_by: Option<String>,
    sort_order: Option<String>,
    /// Empty for the first page.
    pub(crate) cursor: Option<String>,
}

impl Parameters {
    /// Reads a query string. If a name is repeated, the first one counts. An empty parameter counts as absent.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let mut parameters = Self { in_url: true, ..Self::default() };
        let names = |value: &str| value.split(',').map(str::to_owned).collect::<Vec<_>>();
        for pair in query.unwrap_or_default().split('&') {
            let Some((name, value)) = form_urlencoded::parse(pair.as_bytes()).next() else { continue };
            let value = value.into_owned();
            // An empty cursor asks for the first page (RFC 9865 §2).
            if value.is_empty() && name != "cursor" {
                continue;
            }
            match &*name {
                "filter" if parameters.filter.is_none() => {
                    let written = pair.split_once('=').map_or("", |(_, written)| written);
                    parameters.filter = Some(filter(written));
                }
                "attributes" if parameters.attributes.is_empty() => parameters.attributes = names(&value),
                "excludedAttributes" if parameters.excluded.is_empty() => {
                    parameters.excluded = names(&value);
                }
                "startIndex" if parameters.start_index.is_none() => parameters.start_index = Some(value),
                "count" if parameters.count.is_none() => parameters.count = Some(value),
                "sortBy" if parameters.sort_by.is_none() => parameters.sort_by = Some(value),
                "sortOrder" if parameters.sort_order.is_none() => parameters.sort_order = Some(value),
                "cursor" if parameters.cursor.is_none() => parameters.cursor = Some(value),
                _ => {}
            }
        }
        parameters
    }

    /// Reads the body of a `.search`. Fails with 400 `invalidSyntax` if it is not a SearchRequest.
    // SRV-043
    pub(crate) fn from_search(body: Value, lenience: &mut Lenience) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::invalid_syntax("the body is no SearchRequest: it must be an object"));
        };
        let members = take_members("", body, SearchRequest::MEMBERS, lenience)?;
        let named = SearchRequest::MEMBERS.into_iter().zip(members);
        let body: Map<String, Value> =
            named.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let search =
            |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(urn::SEARCH_REQUEST));
        let is_named =
            body.get("schemas").and_then(Value::as_array).is_some_and(|urns| urns.iter().any(search));
        // The type would fill in a missing `schemas`.
        if !is_named {
            return Err(Error::invalid_syntax(format!("`schemas` must be [\"{}\"]", urn::SEARCH_REQUEST)));
        }
        let request = SearchRequest::deserialize(Value::Object(body.clone())).map_err(|_| misfit(body))?;
        Ok(Self {
            filter: request.filter.filter(|filter| !filter.is_empty()),
            in_url: false,
            attributes: request.attributes,
            excluded: request.excluded_attributes,
            start_index: request.start_index.map(|number| number.to_string()),
            count: request.count.map(|number| number.to_string()),
            sort_by: request.sort_by.filter(|path| !path.is_empty()),
            sort_order: request.sort_order.map(|order| order.as_str().to_owned()),
            cursor: request.cursor,
        })
    }

    /// Returns the projection of a read.
    pub(crate) fn projection(&self, resource_type: &ResourceType) -> Result<Projection, Error> {
        Projection::new(resource_type, &self.attributes, &self.excluded)
    }

    /// Returns the projection of the answer to a write.
    pub(crate) fn projection_after(
        &self,
        resource_type: &ResourceType,
        written: &[AttrRef],
    ) -> Result<Projection, Error> {
        Projection::after_write(resource_type, &self.attributes, &self.excluded, written)
    }

    /// Returns whether `attributes` was given, which makes PATCH answer with a body.
    // PATCH-016
    pub(crate) fn names_attributes(&self) -> bool {
        !self.attributes.is_empty()
    }

    /// Returns the index of the first result, from 1. A value below 1 means 1.
    // SRV-038
    pub(crate) fn start_index(&self) -> Result<u64, Error> {
        let given = self.start_index.as_deref().map(|text| integer("startIndex", text)).transpose()?;
        Ok(given.map_or(1, |number| u64::try_from(number).unwrap_or(1).max(1)))
    }

    /// Returns how many results a page may hold, at most `max`. A value below 0 means 0.
    // SRV-039
    pub(crate) fn count(&self, default: u64, max: u64) -> Result<u64, Error> {
        let given = self.count.as_deref().map(|text| integer("count", text)).transpose()?;
        Ok(given.map_or(default, |number| u64::try_from(number).unwrap_or(0)).min(max))
    }

    /// Returns whether the greatest value comes first.
    // FILT-034
    pub(crate) fn descending(&self) -> Result<bool, Error> {
        let Some(order) = &self.sort_order else { return Ok(false) };
        let is = |keyword: SortOrder| order.eq_ignore_ascii_case(keyword.as_str());
        if is(SortOrder::Ascending) || is(SortOrder::Descending) {
            return Ok(is(SortOrder::Descending));
        }
        Err(Error::invalid_value(format!(
            "`sortOrder` must be ascending or descending, not `{}`",
            shorten(order)
        )))
    }

    /// Returns whether `startIndex` was given.
    pub(crate) fn has_start_index(&self) -> bool {
        self.start_index.is_some()
    }

    /// Returns whether `count` was given.
    pub(crate) fn has_count(&self) -> bool {
        self.count.is_some()
    }
}

/// Returns the error for a member of a SearchRequest whose value does not fit. It does not repeat the value, which may
/// be long.
fn misfit(body: Map<String, Value>) -> Error {
    let misfits = |(name, value): &(String, Value)| {
        SearchRequest::deserialize(Value::Object(Map::from_iter([(name.clone(), value.clone())]))).is_err()
    };
    let name = body.into_iter().find(misfits).map(|(name, _)| name).unwrap_or_default();
    let expected = match &*name {
        "schemas" | "attributes" | "excludedAttributes" => "an array of strings",
        "startIndex" | "count" => "an integer of at most 64 bits",
        "sortOrder" => "`ascending` or `descending`",
        _ => "a string",
    };
    Error::invalid_syntax(format!("`{name}`: expected {expected}"))
}

/// Decodes a filter. In a query that separates words by `+`, as a form does, a `+` is a space. Otherwise a `+` in a
/// literal is a plus that was not escaped.
fn filter(written: &str) -> String {
    let mut in_literal = false;
    let mut separates = false;
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        let escape = if in_literal { length_of(rest, "\\", "%5C") } else { 0 };
        let quote = length_of(rest, "\"", "%22");
        rest = if escape > 0 {
            // An escaped character ends no literal.
            let escaped = &rest[escape..];
            let quote = length_of(escaped, "\"", "%22").max(length_of(escaped, "\\", "%5C"));
            &escaped[quote..]
        } else if quote > 0 {
            in_literal = !in_literal;
            &rest[quote..]
        } else {
            separates |= c == '+' && !in_literal;
            &rest[c.len_utf8()..]
        };
    }
    let written = if separates { written.replace('+', "%20") } else { written.to_owned() };
    percent_decode_str(&written).decode_utf8_lossy().into_owned()
}

/// Returns the length of the character at the beginning, plain or escaped; 0 if it is another one.
fn length_of(text: &str, plain: &str, escaped: &str) -> usize {
    let head = text.get(..escaped.len()).unwrap_or_default();
    if text.starts_with(plain) {
        plain.len()
    } else if head.eq_ignore_ascii_case(escaped) {
        escaped.len()
    } else {
        0
    }
}

fn integer(name: &str, text: &str) -> Result<i64, Error> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid_value(format!("`{name}` must be an integer, not `{text}`")));
    }
    // More digits than fit are simply very far away.
    Ok(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srv_038_srv_039_srv_041_paging() {
        let read = |query: &str| Parameters::parse(Some(query));
        assert_eq!(read("startIndex=0").start_index(), Ok(1));
        assert_eq!(read("startIndex=-5").start_index(), Ok(1));
        assert_eq!(read("startIndex=7").start_index(), Ok(7));
        assert!(read("startIndex=x").start_index().is_err());
        assert_eq!(read("count=-1").count(100, 200), Ok(0));
        assert_eq!(read("count=9999999999999999999999").count(100, 200), Ok(200));
        assert_eq!(read("").count(100, 200), Ok(100));
    }

    #[test]
    fn q_27_q_43_decoding_and_stray_parameters() {
        let read = Parameters::parse(Some("aadOptscim062020&filter=userName+eq+%22a%2Bb%40x%22&foo=bar"));
        assert_eq!(read.filter.as_deref(), Some("userName eq \"a+b@x\""));
    }

    #[test]
    fn srv_012_q_27_a_plus_in_a_filter() {
        for (written, read) in [
            ("userName+eq+%22a%2Bb%22", "userName eq \"a+b\""),
            ("userName+eq+%22a+b%22", "userName eq \"a b\""),
            ("userName%20eq%20%22a+b%22", "userName eq \"a+b\""),
            ("userName%20eq%20\"a%2bb\"", "userName eq \"a+b\""),
            ("title%20eq%20%22a%5C%22+b%22", "title eq \"a\\\"+b\""),
            ("title%20eq%20%22a%5c%5C%22+and+title+pr", "title eq \"a\\\\\" and title pr"),
            ("title+pr", "title pr"),
            ("%FF%2", "\u{fffd}%2"),
        ] {
            let parameters = Parameters::parse(Some(&format!("x=1&filter={written}&filter=no")));
            assert_eq!(parameters.filter.as_deref(), Some(read), "{written}");
        }
    }

    #[test]
    fn srv_043_core_091_searches_are_read_strictly() {
        let read = |body: Value| Parameters::from_search(body, &mut Lenience::strict());
        let mut body = serde_json::json!({
            "schemas": [urn::SEARCH_REQUEST.to_uppercase()], "filter": "title pr", "startIndex": -1, "count": 3,
        });
        let parameters = read(body.clone()).unwrap();
        assert_eq!(parameters.filter.as_deref(), Some("title pr"));
        assert_eq!((parameters.start_index(), parameters.count(100, 200)), (Ok(1), Ok(3)));
        for (member, value) in [("attributes", "a,b"), ("sortOrder", "up"), ("schemas", urn::SEARCH_REQUEST)]
        {
            let mut body = body.clone();
            body[member] = value.into();
            assert_eq!(
                read(body).unwrap_err().scim_type,
                Some(scim_core::ScimType::InvalidSyntax),
                "{member}"
            );
        }
        body.as_object_mut().unwrap().remove("schemas");
        assert!(read(body).unwrap_err().detail.contains("`schemas`"));
    }
}
