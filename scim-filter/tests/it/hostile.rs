use std::time::{Duration, Instant};

use scim_core::{Leniency, ResourceType};
use scim_filter::{Budget, Filter, FilterError, Path};
use serde_json::json;

use crate::support::Stored;

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 * 1024).spawn(work).unwrap().join().unwrap();
}

fn parse_quickly(text: &str) -> Result<Filter, FilterError> {
    let begin = Instant::now();
    let strict = text.parse::<Filter>();
    let lenient = Filter::parse_with(text, &Leniency::INTEROP);
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
        assert!(Path::parse_with(&text, &Leniency::INTEROP).is_err_and(|error| error.is_path_fault()));
    });
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
        let filter = Filter::parse_within(&text, &Leniency::STRICT, &budget).unwrap();
        let user = ResourceType::user();
        let bound = filter.bind(&user, &Leniency::STRICT).unwrap();
        assert!(!bound.matches(&Stored::new(&user, json!({"userName": "x"})).entry()));
        let wrong =
            Filter::parse_within(&text.replace("userName", "active"), &Leniency::STRICT, &budget).unwrap();
        let error = wrong.bind(&user, &Leniency::STRICT).unwrap_err();
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
            let bound = filter.bind(&user, &Leniency::STRICT).unwrap();
            let _ = bound.matches(&stored.entry());
            drop(bound.clone());
            let _ = bound.plan();
            assert!(!format!("{bound:?}").is_empty());
        }
    });
}
