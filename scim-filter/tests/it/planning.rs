use scim_core::{Lenience, ResourceType};
use scim_filter::{Filter, KeyProbe, Narrow, Plan};

use crate::support::bind;

fn user(text: &str) -> Plan {
    bind(&ResourceType::user(), text).unwrap().plan()
}

fn key(attribute: &str, keys: &[&str]) -> Narrow {
    let probe = KeyProbe::In(keys.iter().map(|key| (*key).to_owned()).collect());
    Narrow::Key { attribute: attribute.into(), probe }
}

fn exact(narrow: Narrow) -> Plan {
    Plan { narrow, exact: true }
}

fn inexact(narrow: Narrow) -> Plan {
    Plan { narrow, exact: false }
}

#[test]
fn equality_is_answered_by_keys() {
    assert_eq!(user("userName eq \"BJ\""), exact(key("userName", &["bj"])));
    assert_eq!(user("externalId eq \"BJ\""), exact(key("externalId", &["BJ"])));
    assert_eq!(user("active eq true"), exact(key("active", &["true"])));
    assert_eq!(user("emails eq \"A\""), exact(key("emails.value", &["a"])));
    assert_eq!(user("name.familyName eq \"A\""), exact(key("name.familyName", &["a"])));
    assert_eq!(user("id eq \"A\""), exact(Narrow::Ids(vec!["A".into()])));
}

#[test]
fn orders_are_answered_by_ranges_of_keys() {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let b = || "b".to_owned();
    for (text, from, to) in [
        ("userName sw \"B\"", Included(b()), Excluded("c".to_owned())),
        ("userName gt \"B\"", Excluded(b()), Unbounded),
        ("userName ge \"B\"", Included(b()), Unbounded),
        ("userName lt \"B\"", Unbounded, Excluded(b())),
        ("userName le \"B\"", Unbounded, Included(b())),
    ] {
        let range = Narrow::Key { attribute: "userName".into(), probe: KeyProbe::Range(from, to) };
        assert_eq!(user(text), exact(range), "{text}");
    }
}

#[test]
fn the_rest_is_left_to_the_evaluator() {
    for text in [
        "userName co \"x\"",
        "userName ne \"x\"",
        "not (userName eq \"x\")",
        "userName pr",
        "title gt \"x\"",
        "title eq \"x\"",
        "id sw \"x\"",
        "meta.created gt \"2011-05-13T04:42:34Z\"",
        "userName eq \"x\" or title eq \"y\"",
        "emails[not (value eq \"x\")]",
    ] {
        assert_eq!(user(text), inexact(Narrow::All), "{text}");
    }
}

#[test]
fn ors_of_one_attribute_become_one_probe() {
    assert_eq!(
        user("userName eq \"B\" or userName eq \"a\" or userName eq \"b\""),
        exact(key("userName", &["a", "b"]))
    );
    assert_eq!(user("id eq \"b\" or id eq \"a\""), exact(Narrow::Ids(vec!["a".into(), "b".into()])));
    assert_eq!(
        user("userName eq \"a\" or externalId eq \"b\" or userName eq \"c\""),
        exact(Narrow::Or(vec![key("userName", &["a", "c"]), key("externalId", &["b"])]))
    );
}

#[test]
fn ands_keep_what_can_be_asked() {
    assert_eq!(user("userName eq \"a\" and title pr"), inexact(key("userName", &["a"])));
    assert_eq!(
        user("userName eq \"a\" and externalId eq \"b\""),
        exact(Narrow::And(vec![key("userName", &["a"]), key("externalId", &["b"])]))
    );
    assert_eq!(user("title pr and userType pr"), inexact(Narrow::All));
}

#[test]
fn value_paths_are_exact_only_for_one_term() {
    assert_eq!(user("emails[value eq \"A\"]"), exact(key("emails.value", &["a"])));
    assert_eq!(user("emails[value eq \"a\" or value eq \"b\"]"), exact(key("emails.value", &["a", "b"])));
    assert_eq!(user("emails[type eq \"work\" and value eq \"a\"]"), inexact(key("emails.value", &["a"])));
    let both = Narrow::And(vec![key("emails.value", &["a"]), key("emails.value", &["b"])]);
    assert_eq!(user("emails[value eq \"a\" and value eq \"b\"]"), inexact(both));
}

#[test]
fn links_are_probed_exactly() {
    let group = ResourceType::group();
    let link = |target: &str| Narrow::Link { relation: "members".into(), target: target.into() };
    let plan = |text: &str| bind(&group, text).unwrap().plan();
    assert_eq!(plan("members eq \"u1\""), exact(link("u1")));
    assert_eq!(
        plan("members[value eq \"u1\" or value eq \"u2\"]"),
        exact(Narrow::Or(vec![link("u1"), link("u2")]))
    );
    assert_eq!(
        plan("id eq \"g1\" and members eq \"u2\""),
        exact(Narrow::And(vec![Narrow::Ids(vec!["g1".into()]), link("u2")]))
    );
    let linked = Narrow::Linked { relation: "members".into() };
    assert_eq!(plan("members pr"), exact(linked.clone()));
    assert_eq!(plan("members pr and members eq \"u1\""), exact(Narrow::And(vec![linked, link("u1")])));
    assert_eq!(user("groups pr"), exact(Narrow::Linked { relation: "groups".into() }));
    for text in ["members ne \"u1\"", "not (members pr)"] {
        assert_eq!(plan(text), inexact(Narrow::All));
    }
}

#[test]
fn constants_need_no_document() {
    assert_eq!(user("meta.resourceType eq \"Group\""), exact(Narrow::Ids(vec![])));
    assert_eq!(user("meta.resourceType eq \"User\" and userName eq \"a\""), exact(key("userName", &["a"])));
    assert_eq!(user("id pr or title pr"), exact(Narrow::All));
    let filter: Filter = "userName eq \"x\"".parse().unwrap();
    let bound = filter.bind_at_root(&ResourceType::group(), &mut Lenience::strict()).unwrap();
    assert_eq!(bound.plan(), exact(Narrow::Ids(vec![])));
}
