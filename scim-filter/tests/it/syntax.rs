use scim_core::{Error, Lenience, Leniency, Quirk, Quirks, ScimType};
use scim_filter::{Budget, CompareOp, Expr, Filter, FilterError, Literal};

fn strict(text: &str) -> Result<Filter, FilterError> {
    text.parse()
}

fn lenient(text: &str) -> Filter {
    read(text).0
}

fn quirks(text: &str) -> Quirks {
    read(text).1
}

fn read(text: &str) -> (Filter, Quirks) {
    let mut lenience = Lenience::new(Leniency::INTEROP);
    let filter = Filter::parse_with(text, &mut lenience);
    (filter.unwrap_or_else(|error| panic!("{}", error.render(text))), lenience.used())
}

#[test]
fn filt_003_names_and_operators_in_any_case() {
    let filter = strict("NOT (Username EQ \"john\") AND title PR").unwrap();
    assert_eq!(filter.to_string(), "not (Username eq \"john\") and title pr");
}

#[test]
fn filt_004_there_must_be_an_expression() {
    for text in ["", "   ", "()", "not ()", "userName", "userName eq", "userName eq ", "and title pr"] {
        let error = Error::from(strict(text).unwrap_err());
        assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{text}");
    }
}

#[test]
fn filt_006_precedence() {
    for (text, same) in [
        ("a pr or b pr and c pr", "a pr or (b pr and c pr)"),
        ("not (a pr) and b pr", "(not (a pr)) and b pr"),
        ("a pr and b pr and c pr", "((a pr) and b pr and c pr)"),
    ] {
        assert_eq!(strict(text).unwrap(), strict(same).unwrap(), "{text}");
    }
    assert_eq!(strict("(a pr or b pr) and c pr").unwrap().to_string(), "(a pr or b pr) and c pr");
    assert_eq!(strict("a pr and (b pr and c pr)").unwrap().to_string(), "a pr and (b pr and c pr)");
}

#[test]
fn d1_not_with_or_without_a_space() {
    assert_eq!(strict("not(a pr)").unwrap(), strict("not   ( a pr )").unwrap());
}

#[test]
fn d2_no_value_path_inside_a_value_path() {
    let error = strict("a[b eq 1 and c[d eq 2]]").unwrap_err();
    assert_eq!(error, FilterError::NestedValuePath { position: 14 });
}

#[test]
fn d5_negation_without_parentheses() {
    assert!(strict("not userName pr").is_err());
    let (filter, quirks) = read("not userName pr and title pr");
    assert_eq!(filter.to_string(), "not (userName pr) and title pr");
    assert!(quirks.contains(Quirk::NotWithoutParentheses));
}

#[test]
fn d7_x12_dollar_in_names() {
    for text in ["$ref eq null", "members.$ref pr", "members[$ref eq null and value eq \"u\"]", "a$b pr"] {
        assert_eq!(strict(text).unwrap().to_string(), text);
    }
}

#[test]
fn d8_urns_with_dots_and_colons() {
    for text in [
        "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName pr",
        "http://example.com/schemas/User:userName pr",
    ] {
        assert_eq!(strict(text).unwrap().to_string(), text);
    }
}

#[test]
fn d10_spaces() {
    assert_eq!(strict("  a   eq   \"x\"   and  b pr ").unwrap(), strict("a eq \"x\" and b pr").unwrap());
    for text in ["a\teq \"x\"", "a eq\t\"x\"", "a eq \"x\"and b pr", "a pr or(b pr)", "a pr\nand b pr"] {
        assert!(strict(text).is_err(), "{text:?}");
    }
}

#[test]
fn d12_literals_are_case_sensitive() {
    for (text, canonical) in
        [("a eq True", "a eq true"), ("a eq FALSE", "a eq false"), ("a eq Null", "a eq null")]
    {
        assert!(strict(text).is_err(), "{text}");
        let (filter, quirks) = read(text);
        assert_eq!(filter.to_string(), canonical);
        assert!(quirks.contains(Quirk::LiteralAnyCase));
    }
    assert!(quirks("a eq true").is_empty());
}

#[test]
fn d14_one_sub_attribute_only() {
    assert!(strict("a.b.c eq 1").is_err());
}

#[test]
fn d17_keywords_are_attribute_names_too() {
    for text in ["not pr", "and eq 1 and or pr or pr pr", "not eq \"x\"", "eq eq \"eq\""] {
        assert_eq!(strict(text).unwrap().to_string(), text);
        assert_eq!(lenient(text), strict(text).unwrap());
    }
}

#[test]
fn d18_json_strings() {
    let value = |text: &str| strict(text).unwrap().as_single_eq().unwrap().1.as_str().map(str::to_owned);
    assert_eq!(value(r#"a eq "q\"\\\/\n\u00e9\ud83d\ude00""#).unwrap(), "q\"\\/\né😀");
    for bad in [r#"a eq "\ud83d""#, r#"a eq "\x""#, "a eq \"\u{1}\"", r#"a eq "open"#, r#"a eq "x\""#] {
        assert!(strict(bad).is_err(), "{bad}");
    }
}

#[test]
fn d15_numbers() {
    for (text, canonical) in [("a eq -1", "a eq -1"), ("a eq 1e2", "a eq 100"), ("a eq 0.50", "a eq 0.5")] {
        assert_eq!(strict(text).unwrap().to_string(), canonical);
    }
    for bad in
        ["a eq 01", "a eq 1.", "a eq .5", "a eq +1", "a eq 1e", "a eq 1e999", "a eq NaN", "a eq 123abc"]
    {
        assert!(strict(bad).is_err(), "{bad}");
    }
}

#[test]
fn q_25_x11_unquoted_and_single_quoted_strings() {
    assert!(strict("externalId eq jyoung").is_err());
    let (filter, quirks) = read("(externalId eq jyoung)");
    assert_eq!(filter.to_string(), "externalId eq \"jyoung\"");
    assert!(quirks.contains(Quirk::UnquotedString));
    assert_eq!(lenient("a eq 064869bf-be25").to_string(), "a eq \"064869bf-be25\"");
    let (filter, quirks) = read(r#"a eq 'it\'s "x"'"#);
    assert_eq!(filter.to_string(), r#"a eq "it's \"x\"""#);
    assert!(quirks.contains(Quirk::SingleQuotes));
    let only_single = Leniency::STRICT.allow(Quirk::SingleQuotes);
    assert!(Filter::parse_with("a eq x", &mut Lenience::new(only_single)).is_err());
}

#[test]
fn x13_no_space_before_a_quote() {
    assert!(strict("value eq\"28\"").is_err());
    let (filter, quirks) = read("members[value eq\"28\"]");
    assert_eq!(filter.to_string(), "members[value eq \"28\"]");
    assert!(quirks.contains(Quirk::NoSpaceBeforeQuote));
    assert!(Filter::parse_with("a eq1", &mut Lenience::new(Leniency::INTEROP)).is_err());
}

#[test]
fn q_26_comparisons_behind_the_bracket() {
    for (text, rewritten) in [
        ("emails[type eq \"work\"].value eq \"x\"", "emails[type eq \"work\" and value eq \"x\"]"),
        ("emails[type eq \"work\"] eq \"x\"", "emails[type eq \"work\" and value eq \"x\"]"),
        (
            "emails[type eq \"a\" or type eq \"b\"].value pr",
            "emails[(type eq \"a\" or type eq \"b\") and value pr]",
        ),
    ] {
        assert!(strict(text).is_err(), "{text}");
        let (filter, quirks) = read(text);
        assert_eq!(filter.to_string(), rewritten);
        assert!(quirks.contains(Quirk::ValuePathComparison));
    }
    assert!(quirks("emails[type eq \"work\"] and title pr").is_empty());
}

#[test]
fn errors_have_positions() {
    for (text, position) in [
        ("userName", 8),
        ("userName eq", 11),
        ("userName eq \"x\" and", 19),
        ("userName eq \"x\" and ", 20),
        ("userName eq \"x\" and(a pr)", 19),
        ("userName eq \"x\" android", 16),
        ("(a pr", 5),
        ("a pr)", 4),
        ("a[b pr", 6),
        ("a eq bar", 5),
        ("userName regex \"x\"", 9),
        ("1a pr", 0),
    ] {
        let error = strict(text).unwrap_err();
        assert_eq!(error.position(), position, "{text}: {error}");
    }
}

#[test]
fn budgets_are_charged_while_parsing() {
    let budget = Budget { depth: 2, terms: 3, bytes: 40 };
    let parse = |text: &str| Filter::parse_within(text, &mut Lenience::strict(), &budget);
    assert!(parse("((a pr)) and b[c pr]").is_ok());
    assert!(matches!(parse("(((a pr)))"), Err(FilterError::TooDeep { position: 2, limit: 2 })));
    assert!(matches!(parse("((a[b pr]))"), Err(FilterError::TooDeep { .. })));
    assert!(matches!(parse("a pr or b pr or c pr or d pr"), Err(FilterError::TooManyTerms { limit: 3, .. })));
    assert!(matches!(parse(&"a".repeat(41)), Err(FilterError::TooLong { length: 41, limit: 40 })));
}

#[test]
fn builders_write_valid_filters() {
    let filter = Filter::eq("userName", "a\"b")
        .unwrap()
        .and(Filter::compare("age", CompareOp::Gt, 5).unwrap())
        .and(Filter::eq("active", true).unwrap().or(Filter::present("title").unwrap()).not())
        .or(Filter::eq("type", "work").unwrap().within("emails").unwrap());
    let text = "userName eq \"a\\\"b\" and age gt 5 and not (active eq true or title pr) or emails[type eq \"work\"]";
    assert_eq!(filter.to_string(), text);
    assert_eq!(strict(text).unwrap(), filter);
    for bad in ["", "a b", "a.b.c", "a eq \"x\" or b", "a)", "1a"] {
        assert!(Filter::eq(bad, "x").is_err(), "{bad}");
    }
    assert!(Filter::present("a").unwrap().within("b").unwrap().within("c").is_err());
}

#[test]
fn the_view_shows_the_shape() {
    let filter = strict("a eq 1 and not (b pr) and c[d ne null]").unwrap();
    let Expr::And(branches) = filter.root() else { panic!() };
    let branches: Vec<Expr<'_>> = branches.map(scim_filter::Branch::expr).collect();
    assert!(matches!(
        &branches[0],
        Expr::Compare { path: "a", op: CompareOp::Eq, value: Literal::Number(_) }
    ));
    assert!(matches!(&branches[1], Expr::Not(inner) if matches!(inner.expr(), Expr::Present { path: "b" })));
    let Expr::ValuePath { path: "c", inner } = &branches[2] else { panic!() };
    assert!(matches!(inner.expr(), Expr::Compare { op: CompareOp::Ne, value: Literal::Null, .. }));
    assert!(filter.as_single_eq().is_none());
    assert!(strict("a ne 1").unwrap().as_single_eq().is_none());
}

#[test]
fn d11_escapes_in_single_quotes() {
    for (text, value) in [
        (r"a eq 'it\'s'", "it's"),
        (r#"a eq 'q"q\"q'"#, "q\"q\"q"),
        (r"a eq 'b\\\u00e9'", "b\\é"),
        (r"a eq ''", ""),
    ] {
        let filter = lenient(text);
        assert_eq!(filter.as_single_eq().unwrap().1.as_str(), Some(value), "{text}");
    }
}
