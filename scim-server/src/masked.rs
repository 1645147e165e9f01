//! Removes what a client sent from error sentences, so that logs may hold them.

use scim_core::Registry;

/// Words of the protocol that error sentences quote.
const WORDS: [&str; 25] = [
    "schemas",
    "id",
    "meta",
    "Operations",
    "op",
    "path",
    "value",
    "add",
    "remove",
    "replace",
    "filter",
    "attributes",
    "excludedAttributes",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "failOnErrors",
    "bulkId",
    "method",
    "data",
    "version",
    "If-Match",
    "User-Agent",
];

/// Returns the sentence with `…` for everything quoted that is neither a name in a schema nor a word of the protocol.
///
/// A client's text may contain quotes itself. So everything from the first unknown one to the last quote is replaced.
pub(crate) fn masked(detail: &str, registry: &Registry) -> String {
    let known = |quoted: &str| {
        WORDS.contains(&quoted)
            || registry.schemas().iter().any(|schema| **schema.id() == *quoted)
            || registry.resource_types().iter().any(|known| {
                known.name() == quoted || known.endpoint() == quoted || known.resolve(quoted).is_ok()
            })
    };
    let Some(last) = detail.rfind(QUOTES) else { return detail.to_owned() };
    let mut at = 0;
    while let Some(open) = detail[at..=last].find(QUOTES).map(|found| at + found) {
        // Both quotes are one byte long.
        let close = detail[open + 1..].find(QUOTES).map(|found| open + 1 + found);
        match close {
            Some(close) if known(&detail[open + 1..close]) => at = (close + 1).min(last),
            _ => return format!("{}`…`{}", &detail[..open], &detail[last + 1..]),
        }
        if close == Some(last) {
            break;
        }
    }
    detail.to_owned()
}

/// The quotes in error sentences: one for names and texts, the other for JSON.
const QUOTES: [char; 2] = ['`', '"'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_008_names_stay_and_values_go() {
        let registry = Registry::standard();
        let masked = |detail| masked(detail, &registry);
        for kept in [
            "no quotes at all",
            "`userName` is required",
            "`Operations` must be an array",
            "`name.familyName`, `emails` and `urn:ietf:params:scim:schemas:core:2.0:User`",
        ] {
            assert_eq!(masked(kept), kept);
        }
        for (detail, expected) in [
            ("`userName` is `ada`, which is taken", "`userName` is `…`, which is taken"),
            ("found `a`b`, which", "found `…`, which"),
            ("found `", "found `…`"),
            ("`", "`…`"),
            ("``", "`…`"),
            ("`count` is not \"ada\"", "`count` is not `…`"),
            ("`userName` and `", "`userName` and `…`"),
            ("`é` is none", "`…` is none"),
        ] {
            assert_eq!(masked(detail), expected);
        }
    }
}
