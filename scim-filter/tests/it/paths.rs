use scim_core::{Error, Lenience, Leniency, Quirk, Quirks, ResourceType, ScimType};
use scim_filter::{BoundPath, ElementFilter, Path, PathError};
use serde_json::json;

fn bind_with(
    resource_type: &ResourceType,
    text: &str,
    leniency: &Leniency,
) -> Result<(BoundPath, Quirks), PathError> {
    let mut lenience = Lenience::new(*leniency);
    let bound = Path::parse_with(text, &mut lenience)?.bind(resource_type, &mut lenience)?;
    Ok((bound, lenience.used()))
}

fn element_filter(resource_type: &ResourceType, text: &str) -> ElementFilter {
    match bind_with(resource_type, text, &Leniency::INTEROP) {
        Ok((BoundPath::Attribute { filter: Some(filter), .. }, _)) => filter,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn paths_lead_to_attributes() {
    let user = ResourceType::user();
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for (text, expected) in [
        ("userName", "userName"),
        ("Name.FAMILYNAME", "name.familyName"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"work\"].Value", "emails.value"),
        ("emails[type eq \"work\"]", "emails"),
        (&format!("{enterprise}:manager.value"), &format!("{enterprise}:manager.value")),
    ] {
        let (bound, used) = bind_with(&user, text, &Leniency::STRICT).unwrap();
        let BoundPath::Attribute { attr, .. } = bound else { panic!("{text}") };
        assert_eq!(attr.to_string(), *expected);
        assert!(used.is_empty());
    }
    let (bound, _) = bind_with(&user, enterprise, &Leniency::STRICT).unwrap();
    assert_eq!(bound, BoundPath::Extension(enterprise.into()));
}

#[test]
fn p082_h029_which_fault_is_whose() {
    let user = ResourceType::user();
    let scim_type =
        |text: &str| Error::from(bind_with(&user, text, &Leniency::STRICT).unwrap_err()).scim_type.unwrap();
    for text in [
        "",
        " ",
        "nope[",
        "emails[",
        "emails[type eq \"work\"",
        "emails[type eq \"]",
        "emails[0]",
        "emails[]",
        "nope",
        "nope[type eq \"x\"]",
        "name.nope",
        "emails[type eq \"work\"].nope",
        "emails[type eq \"work\"].a.b",
        "emails[type eq \"work\"] ",
        "emails.value[value eq \"x\"]",
        "userName[value eq \"x\"]",
        "name[givenName eq \"x\"]",
        "userName eq \"x\"",
        "urn:none:x",
        "urn:none",
        "a.b.c",
    ] {
        assert_eq!(scim_type(text), ScimType::InvalidPath, "{text}");
    }
    for text in [
        "emails[type zz \"work\"].value",
        "emails[type eq work]",
        "emails[nope eq \"x\"]",
        "emails[primary gt true]",
        "emails[type eq 1]",
        "emails[type[value eq \"x\"]]",
        "emails[type]",
    ] {
        assert_eq!(scim_type(text), ScimType::InvalidFilter, "{text}");
    }
}

#[test]
fn q_16_value_paths_on_single_attributes() {
    let user = ResourceType::user();
    let (_, used) = bind_with(&user, "manager[value eq \"u9\"]", &Leniency::INTEROP).unwrap();
    assert!(used.contains(Quirk::SingularValuePath) && used.contains(Quirk::UnqualifiedExtension));
    assert!(element_filter(&user, "manager[value eq \"u9\"]").matches(&json!({"value": "u9"})));
}

#[test]
fn filt_014_elements() {
    let user = ResourceType::user();
    let filter = element_filter(&user, "emails[type eq \"work\" and value ew \"X.example\"]");
    assert!(filter.matches(&json!({"type": "WORK", "value": "a@x.example"})));
    assert!(!filter.matches(&json!({"type": "home", "value": "a@x.example"})));
    assert!(!filter.matches(&json!("work")));
    let group = ResourceType::group();
    let filter = element_filter(&group, "members[type eq \"User\" and display co \"a\"]");
    assert!(filter.matches(&json!({"value": "u1", "type": "User", "display": "Ada"})));
}

#[test]
fn q_7_templates() {
    let user = ResourceType::user();
    let template = |text: &str| element_filter(&user, text).template().map(serde_json::Value::Object);
    assert_eq!(template("emails[type eq \"Work\"]"), Some(json!({"type": "Work"})));
    assert_eq!(
        template("roles[primary eq \"True\" and (TYPE eq \"x\" and value eq \"v\")].value"),
        Some(json!({"primary": true, "type": "x", "value": "v"}))
    );
    for text in [
        "emails[type ne \"work\"]",
        "emails[type eq null]",
        "emails[type eq \"a\" or type eq \"b\"]",
        "emails[type co \"a\"]",
        "emails[type pr]",
        "emails[type eq \"a\" and type eq \"b\"]",
        "emails[not (type eq \"a\")]",
    ] {
        assert_eq!(template(text), None, "{text}");
    }
}

#[test]
fn d7_only_values() {
    let group = ResourceType::group();
    let values = |text: &str| element_filter(&group, text).only_values().map(|values| values.join(","));
    assert_eq!(values("members[value eq \"U1\"]").as_deref(), Some("U1"));
    assert_eq!(
        values("members[value eq \"u1\" or (VALUE eq \"u2\" or value eq \"u3\")]").as_deref(),
        Some("u1,u2,u3")
    );
    assert_eq!(values("members[$ref eq null and value eq \"u1\"]").as_deref(), Some("u1"));
    for text in [
        "members[type eq \"User\"]",
        "members[value ne \"u1\"]",
        "members[value eq \"u1\" and type eq \"User\"]",
        "members[value eq \"u1\" or type eq \"User\"]",
        "members[$ref eq null]",
    ] {
        assert_eq!(values(text), None, "{text}");
    }
}

#[test]
fn paths_are_written_as_they_parse() {
    for text in ["emails[type eq \"work\" or primary eq true].value", "name", "urn:x:1.0", "a[b pr]"] {
        let path: Path = text.parse().unwrap();
        assert_eq!(path.to_string(), text);
        assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
    }
    let mut lenience = Lenience::new(Leniency::INTEROP);
    let path = Path::parse_with("emails[type eq 'a]b'].value", &mut lenience).unwrap();
    assert!(lenience.used().contains(Quirk::SingleQuotes));
    assert_eq!(path.to_string(), "emails[type eq \"a]b\"].value");
}
