//! The cases of `suites-2/` that concern filters and paths. `readings-2.json` lists where we differ, by reason.

use scim_core::{Lenience, Leniency};
use scim_filter::{Filter, Path};
use scim_testdata::{Differences, Outcome, described, inferred, suite_2};
use serde_json::Value;

use crate::support::Stored;

#[test]
fn cases_of_suites_2() {
    let mut differences = Differences::new(include_str!("../readings-2.json"));
    for name in ["sdk-filters", "ping-filters", "sdk-paths", "ping-paths", "sdk-eval", "ping-eval"] {
        let Some(cases) = suite_2(name) else { return };
        differences.judge(&cases, Leniency::STRICT, |case, leniency| {
            let mut lenience = Lenience::new(leniency);
            match name.split_once('-') {
                Some((_, "filters")) => filter(case, &mut lenience),
                Some((_, "paths")) => path(case, &mut lenience),
                _ => evaluation(case, &mut lenience),
            }
        });
    }
    differences.settle();
}

/// Whether a filter is valid: by its resource type if the case names one, else by the grammar alone.
fn filter(case: &Value, lenience: &mut Lenience) -> Outcome {
    let parsed = Filter::parse_with(text(case, "filter"), lenience);
    let bound = parsed.and_then(|filter| match &case["schema"] {
        Value::Null => Ok(()),
        schema => filter.bind(&described(schema), lenience).map(drop),
    });
    validity(case, bound.is_ok())
}

fn path(case: &Value, lenience: &mut Lenience) -> Outcome {
    let parsed = Path::parse_with(text(case, "path"), lenience);
    let bound = parsed.and_then(|path| match &case["schema"] {
        Value::Null => Ok(()),
        schema => path.bind(&described(schema), lenience).map(drop),
    });
    validity(case, bound.is_ok())
}

fn evaluation(case: &Value, lenience: &mut Lenience) -> Outcome {
    let resource = case["resource"].clone();
    let word = |matches: bool| if matches { "matches" } else { "differs" };
    // Without a schema, an attribute that the resource lacks has no value.
    let untyped = case["schema"] == "none";
    let resource_type = if untyped { inferred(&[&resource], false) } else { described(&case["schema"]) };
    let bound = Filter::parse_with(text(case, "filter"), lenience).and_then(|filter| {
        if untyped {
            filter.bind_at_root(&resource_type, lenience)
        } else {
            filter.bind(&resource_type, lenience)
        }
    });
    let expected = case["match"].as_bool().map_or("refused", word);
    match bound {
        Ok(bound) => {
            Outcome::new(expected, word(bound.matches(&Stored::new(&resource_type, resource).entry())))
        }
        Err(error) => Outcome { detail: error.to_string(), ..Outcome::new(expected, "refused") },
    }
}

fn validity(case: &Value, is_valid: bool) -> Outcome {
    let word = |is_valid: bool| if is_valid { "accepted" } else { "refused" };
    Outcome::new(word(case["valid"] == true), word(is_valid))
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}
