use std::time::{Duration, Instant};

use scim_core::{Lenience, Leniency, ResourceType};
use scim_filter::{Budget, Filter, FilterError, Path, PathError};
use serde_json::json;

use crate::support::Stored;

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 * 1024).spawn(work).unwrap().join().unwrap();
}

fn parse_quickly(text: &str) -> Result<Filter, FilterError> {
    let begin = Instant::now();
    let strict = text.parse::<Filter>();
    let lenient = Filter::parse_with(text, &mut Lenience::new(Leniency::INTEROP));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(strict.is_ok(), lenient.is_ok());
    strict
}

#[test]
fn parentheses_without_end() {
    on_a_small_stack(|| {
        for text in [
            "(".repeat(100_000),
            "not (".repeat(100_000),
            format!("{}a pr{}", "(".repeat(10_000), ")".repeat(10_000)),
        ] {
            assert!(matches!(parse_quickly(&text), Err(FilterError::TooDeep { .. })));
        }
    });
}

#[test]
fn brackets_without_end() {
    on_a_small_stack(|| {
        let text = "a[".repeat(100_000);
        assert!(matches!(parse_quickly(&text), Err(FilterError::NestedValuePath { .. })));
        assert!(
            Path::parse_with(&text, &mut Lenience::new(Leniency::INTEROP))
                .is_err_and(|error| matches!(error, PathError::Path(_)))
        );
    });
}

/// Checks that a text is parsed and used in every way, or refused with the expected error.
fn survives(text: &str, budget: &Budget, refused: fn(&FilterError) -> bool) {
    let user = ResourceType::user();
    for leniency in [Leniency::STRICT, Leniency::INTEROP] {
        let begin = Instant::now();
        match Filter::parse_within(text, &mut Lenience::new(leniency), budget) {
            Ok(filter) => {
                let again =
                    Filter::parse_within(&filter.to_string(), &mut Lenience::new(leniency), budget).unwrap();
                assert!(again == filter);
                assert!(!filter.paths().is_empty());
                if let Ok(bound) = filter.bind(&user, &mut Lenience::new(leniency)) {
                    let _ = bound.matches(&Stored::new(&user, json!({"userName": "x"})).entry());
                    let _ = bound.plan();
                    drop(bound.clone());
                }
                drop(filter.clone().not().and(filter));
            }
            Err(error) => assert!(refused(&error), "{error}"),
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    }
}

#[test]
fn no_budget_overflows_a_small_stack() {
    on_a_small_stack(|| {
        let nested =
            |open: &str, depth: usize| format!("{}title pr{}", open.repeat(depth), ")".repeat(depth));
        let texts = [
            vec!["userName eq \"x\""; 100_000].join(" or "),
            vec!["title pr"; 100_000].join(" and "),
            vec!["title pr or title pr"; 50_000].join(" and "),
            nested("(", Budget::MOST_DEPTH),
            nested("not (", Budget::MOST_DEPTH),
            nested("title pr and (title pr or ", Budget::MOST_DEPTH),
            nested("(", 100_000),
            nested("not (", 100_000),
            "(".repeat(100_000),
            "a[".repeat(100_000),
            "a[(".repeat(100_000),
            "not ".repeat(100_000),
            format!("userName eq \"{}\"", "x".repeat(16 << 20)),
            format!("userName eq \"{}\"", "\\\"".repeat(1 << 20)),
            format!("userName eq \"{}", "x".repeat(1 << 20)),
            format!("{} pr", "x".repeat(1 << 20)),
            " ".repeat(1 << 20),
        ];
        let everything = Budget { depth: 100_000, terms: usize::MAX, bytes: usize::MAX };
        for text in texts {
            survives(&text, &Budget::default(), |error| !matches!(error, FilterError::Unsupported { .. }));
            survives(&text, &everything, |error| {
                !matches!(error, FilterError::TooManyTerms { .. } | FilterError::TooLong { .. })
            });
        }
    });
}

#[test]
fn the_depth_has_an_end_whatever_the_budget() {
    let budget = Budget { depth: usize::MAX, ..Budget::default() };
    let nested = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse_within(&nested(Budget::MOST_DEPTH), &mut Lenience::strict(), &budget).is_ok());
    let error =
        Filter::parse_within(&nested(Budget::MOST_DEPTH + 1), &mut Lenience::strict(), &budget).unwrap_err();
    let limit = Budget::MOST_DEPTH;
    assert_eq!(error, FilterError::TooDeep { position: limit, limit });
}

#[test]
fn too_many_terms() {
    on_a_small_stack(|| {
        for word in [" or ", " and "] {
            let text = vec!["a pr"; 100_000].join(word);
            assert!(matches!(parse_quickly(&text), Err(FilterError::TooManyTerms { .. })));
        }
    });
}

#[test]
fn a_literal_of_16_megabytes() {
    on_a_small_stack(|| {
        let text = format!("userName eq \"{}\"", "x".repeat(16 << 20));
        assert!(matches!(parse_quickly(&text), Err(FilterError::TooLong { .. })));
        let budget = Budget { bytes: 32 << 20, ..Budget::default() };
        let filter = Filter::parse_within(&text, &mut Lenience::strict(), &budget).unwrap();
        let user = ResourceType::user();
        let bound = filter.bind(&user, &mut Lenience::strict()).unwrap();
        assert!(!bound.matches(&Stored::new(&user, json!({"userName": "x"})).entry()));
        let wrong =
            Filter::parse_within(&text.replace("userName", "active"), &mut Lenience::strict(), &budget)
                .unwrap();
        let error = wrong.bind(&user, &mut Lenience::strict()).unwrap_err();
        assert!(error.to_string().len() < 1_000);
    });
}

#[test]
fn as_deep_and_as_wide_as_allowed() {
    on_a_small_stack(|| {
        let user = ResourceType::user();
        let stored = Stored::new(&user, json!({"userName": "x"}));
        let nest = |core: &str, depth: usize| {
            (0..depth).fold(core.to_owned(), |inner, _| format!("title pr or title pr and not ({inner})"))
        };
        let deep = nest("userName eq \"x\"", 64);
        let wide = vec!["userName eq \"x\""; 4096].join(" or ");
        let within = format!("emails[{}]", nest("type pr", 63).replace("title", "value"));
        for text in [deep, wide, within] {
            let filter = text.parse::<Filter>().unwrap();
            assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
            let bound = filter.bind(&user, &mut Lenience::strict()).unwrap();
            let _ = bound.matches(&stored.entry());
            drop(bound.clone());
            let _ = bound.plan();
            assert!(!format!("{bound:?}").is_empty());
        }
    });
}

#[test]
fn paths_with_quotes_that_never_end_take_linear_time() {
    on_a_small_stack(|| {
        for tail in ["\\'", "'", "\"", "\\\""] {
            let text = format!("emails[{}", tail.repeat(250_000));
            let begin = Instant::now();
            assert!(text.parse::<Path>().is_err());
            // With quadratic time it would take minutes.
            assert!(begin.elapsed() < Duration::from_secs(20), "{tail}: {:?}", begin.elapsed());
        }
    });
}

#[test]
fn chains_are_built_in_linear_time() {
    let begin = Instant::now();
    let terms = (0..40_000).map(|number| Filter::eq("id", number).unwrap());
    let chain = terms.reduce(Filter::or).unwrap();
    assert_eq!(chain.paths().len(), 40_000);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn whatever_a_budget_lets_through_can_be_bound() {
    on_a_small_stack(|| {
        let open = "title pr or title pr and not (";
        let depth = Budget::MOST_DEPTH;
        let text = format!("{}title pr{}", open.repeat(depth), ")".repeat(depth));
        let budget = Budget { depth: usize::MAX, terms: usize::MAX, ..Budget::default() };
        let filter = Filter::parse_within(&text, &mut Lenience::strict(), &budget).unwrap();
        assert!(filter.bind(&ResourceType::user(), &mut Lenience::strict()).is_ok());
    });
}
