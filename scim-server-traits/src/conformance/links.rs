//! Links: steps on relations, and how they are read.

use std::sync::Arc;

use scim_core::{Lenience, Reference};
use scim_filter::{BoundPath, ElementFilter, Path};
use scim_patch::{RelationEdit, RelationStep};
use serde_json::json;

use super::kit::{Kit, add, at, document, ids, linked, members, remove, set};
use crate::{Batch, Link, StoreError, Update, label};

pub(super) async fn links_may_lead_to_each_allowed_type(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &[]).await;
    kit.has_group("g2", &["u1", "g1"]).await;
    let links = linked(&kit.group("g2").await, "members");
    let types: Vec<_> = links.iter().map(|link| (&*link.id, &*link.resource_type)).collect();
    assert_eq!(types, [("u1", "User"), ("g1", "Group")], "members with their types");
}

pub(super) async fn an_add_brings_only_what_is_new(kit: Kit) {
    kit.has_users(&["u1", "u2", "u3"]).await;
    kit.has_group("g1", &["u1"]).await;
    let written = kit.update(at(5), kit.update_group("g1", [add(&["u3", "u1", "u2", "u2"])])).await;
    assert_eq!((written.version, written.modified, written.changed), (2, at(5), true), "outcome");
    assert_eq!(written.added, members(&["u2", "u3"]), "links that are new");
    assert!(written.removed.is_empty(), "links that are gone: {:?}", written.removed);
    assert_eq!(kit.members("g1").await, ["u1", "u2", "u3"], "members after it");
    let written = kit.update(at(6), kit.update_group("g1", [add(&["u1", "u2"])])).await;
    assert_eq!((written.version, written.modified, written.changed), (2, at(5), false), "nothing new");
    assert!(written.added.is_empty(), "links that are new: {:?}", written.added);
}

pub(super) async fn a_remove_takes_only_what_is_there(kit: Kit) {
    kit.has_users(&["u1", "u2", "u3"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    let written = kit.update(at(5), kit.update_group("g1", [remove(&["u2", "u3", "none", "u2"])])).await;
    assert_eq!((written.version, written.changed), (2, true), "outcome");
    assert_eq!(written.removed, members(&["u2"]), "links that are gone");
    assert_eq!(kit.members("g1").await, ["u1"], "members after it");
    let written = kit.update(at(6), kit.update_group("g1", [remove(&["u3", "none"])])).await;
    assert_eq!((written.version, written.changed), (2, false), "nothing to remove");
}

pub(super) async fn a_clear_takes_all_links(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    kit.has_group("g2", &["u1"]).await;
    let written = kit.update(at(5), kit.update_group("g1", [RelationStep::Clear])).await;
    assert_eq!(written.removed, members(&["u1", "u2"]), "links that are gone");
    assert!(kit.members("g1").await.is_empty(), "members after it");
    assert_eq!(kit.groups("u1").await, ["g2"], "groups of a member of another group");
    let written = kit.update(at(6), kit.update_group("g1", [RelationStep::Clear])).await;
    assert_eq!((written.version, written.changed), (2, false), "nothing to clear");
}

pub(super) async fn a_remove_where_takes_the_links_that_fit(kit: Kit) {
    kit.has_users(&["u1", "u2", "u3", "u4"]).await;
    for id in ["inner", "other"] {
        kit.has_group(id, &[]).await;
    }
    kit.has_group("g1", &["u1", "u2", "u3", "u4", "inner", "other"]).await;
    let steps = [
        (r#"value eq "u2""#, vec!["u2"]),
        (r#"value eq "u1" or value eq "none""#, vec!["u1"]),
        (r#"display eq "Inner""#, vec!["inner"]),
        (r#"type eq "User" and not (value eq "u4")"#, vec!["u3"]),
        (r#"type eq "Nothing""#, vec![]),
    ];
    for (filter, gone) in steps {
        let update = kit.update_group("g1", [RelationStep::RemoveWhere(element_filter(&kit, filter))]);
        let written = kit.update(at(5), update).await;
        assert_eq!(written.removed, members(&gone), "links that fit `{filter}`");
        assert_eq!(written.changed, !gone.is_empty(), "whether `{filter}` changed anything");
    }
    assert_eq!(kit.members("g1").await, ["u4", "other"], "members that never fitted");
}

pub(super) async fn a_remove_where_sees_value_type_and_display(kit: Kit) {
    let users = ["u1", "u2", "u3"];
    kit.has_users(&users).await;
    let shown = label(&kit.named("u2")).unwrap_or_default();
    let steps = [
        (r#"type eq "User" and value eq "u3""#.to_owned(), vec!["u3"]),
        (r#"type eq "Group""#.to_owned(), vec![]),
        (format!("display eq {}", json!(shown)), vec!["u2"]),
        (format!("not (display eq {})", json!(shown)), vec!["u1", "u3"]),
        (r#"value pr and type pr and display pr"#.to_owned(), users.to_vec()),
        (r#"not (value pr and type pr and display pr)"#.to_owned(), vec![]),
        (r#"value eq "u1" or value eq "none""#.to_owned(), vec!["u1"]),
        (r#"value eq "U1""#.to_owned(), vec![]),
        // Links have no `$ref` of their own.
        ("$ref pr".to_owned(), vec![]),
    ];
    for (number, (filter, gone)) in steps.iter().enumerate() {
        let id = format!("g{number}");
        kit.has_group(&id, &users).await;
        let step = RelationStep::RemoveWhere(element_filter(&kit, filter));
        let edits = vec![RelationEdit::new("members", step)];
        let update = Update::new(Arc::clone(&kit.group), &*id).with_relations(edits);
        let written = kit.update(at(5), update).await;
        assert_eq!(written.removed, members(gone), "links that fit `{filter}`");
        let left: Vec<_> = users.into_iter().filter(|id| !gone.contains(id)).collect();
        assert_eq!(kit.members(&id).await, left, "members that do not fit `{filter}`");
    }
}

pub(super) async fn a_remove_where_sees_the_display_that_is_shown(kit: Kit) {
    kit.has_users(&["a", "b"]).await;
    let mut given = Reference::new("a");
    given.display = Some("Given".into());
    kit.has_group("g1", &["b"]).await;
    kit.update(at(1), kit.update_group("g1", [RelationStep::Add(vec![given])])).await;
    for (filter, gone) in [(r#"display eq "A""#, vec![]), (r#"display eq "given""#, vec!["a"])] {
        let step = RelationStep::RemoveWhere(element_filter(&kit, filter));
        let written = kit.update(at(2), kit.update_group("g1", [step])).await;
        assert_eq!(written.removed, members(&gone), "links that fit `{filter}`");
    }
}

pub(super) async fn links_say_the_type_and_name_of_their_other_end(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    for (links, end) in [
        (linked(&kit.group("g1").await, "members"), ("u1", &kit.user, kit.named("u1"))),
        (linked(&kit.user("u1").await, "groups"), ("g1", &kit.group, kit.titled("g1"))),
    ] {
        let (id, resource_type, resource) = end;
        let expected = Link::new(id, resource_type.name(), label(&resource));
        assert_eq!(links, [expected], "a link as it is shown");
    }
}

/// Makes the filter of `members[…]`, as a store gets it.
fn element_filter(kit: &Kit, filter: &str) -> ElementFilter {
    let path: Result<Path, _> = format!("members[{filter}]").parse();
    match path.and_then(|path| path.bind(&kit.group, &mut Lenience::strict())) {
        Ok(BoundPath::Attribute { filter: Some(filter), .. }) => filter,
        other => panic!("`{filter}`: {other:?}"),
    }
}

pub(super) async fn a_set_is_a_difference(kit: Kit) {
    kit.has_users(&["u1", "u2", "u3", "u4"]).await;
    kit.has_group("g1", &["u1", "u2", "u3"]).await;
    let written = kit.update(at(5), kit.update_group("g1", [set(&["u4", "u3", "u1", "u3"])])).await;
    assert_eq!((written.version, written.modified, written.changed), (2, at(5), true), "outcome");
    assert_eq!(written.added, members(&["u4"]), "links that are new");
    assert_eq!(written.removed, members(&["u2"]), "links that are gone");
    assert_eq!(kit.members("g1").await, ["u1", "u3", "u4"], "members after it");
    let written = kit.update(at(6), kit.update_group("g1", [set(&["u1", "u3", "u4"])])).await;
    assert_eq!((written.version, written.modified, written.changed), (2, at(5), false), "an equal set");
    kit.update(at(7), kit.update_group("g1", [set(&[])])).await;
    assert!(kit.members("g1").await.is_empty(), "members after an empty set");
}

pub(super) async fn steps_happen_in_order(kit: Kit) {
    kit.has_users(&["u1", "u2", "u3"]).await;
    kit.has_group("g1", &["u1"]).await;
    let steps = [RelationStep::Clear, add(&["u2", "u3"]), remove(&["u2"])];
    let written = kit.update(at(5), kit.update_group("g1", steps)).await;
    assert_eq!(kit.members("g1").await, ["u3"], "members after clear, add, remove");
    assert_eq!(written.added, members(&["u3"]), "links that are new in the end");
    assert_eq!(written.removed, members(&["u1"]), "links that are gone in the end");
    assert_eq!(written.version, 2, "one update, one version");
    let steps = [remove(&["u1", "u2"]), add(&["u2"]), set(&["u1", "u2"]), remove(&["u3"])];
    kit.update(at(6), kit.update_group("g1", steps)).await;
    assert_eq!(kit.members("g1").await, ["u1", "u2"], "members after remove, add, set, remove");
}

pub(super) async fn links_that_end_where_they_began_are_no_change(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1"]).await;
    let steps = [remove(&["u1"]), add(&["u1", "u2"]), remove(&["u2"])];
    let written = kit.update(at(5), kit.update_group("g1", steps)).await;
    let outcome = (written.version, written.modified, written.changed);
    assert_eq!(outcome, (1, at(0), false), "outcome of links taken and given back");
    assert!(written.added.is_empty() && written.removed.is_empty(), "no link changed: {written:?}");
    assert_eq!(kit.members("g1").await, ["u1"], "members after it");
}

pub(super) async fn an_update_with_an_unknown_target_is_refused(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    for step in [add(&["none"]), set(&["u1", "none"])] {
        let error = kit.refusal(Batch::new(at(5)).update(kit.update_group("g1", [step]))).await;
        assert!(
            matches!(&error, StoreError::UnknownTarget { relation, id } if relation == "members" && id == "none"),
            "a member that is not there: {error:?}"
        );
    }
    assert_eq!(kit.group("g1").await.version, 1, "version after refused updates");
}

pub(super) async fn a_link_moves_the_version_of_its_owner_only(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1"]).await;
    kit.update(at(5), kit.update_group("g1", [add(&["u2"])])).await;
    let stored = kit.group("g1").await;
    assert_eq!((stored.version, stored.modified), (2, at(5)), "the group that has one more member");
    for id in ["u1", "u2"] {
        let stored = kit.user(id).await;
        assert_eq!((stored.version, stored.modified), (1, at(0)), "member `{id}`");
    }
}

pub(super) async fn members_come_in_order_of_creation_under_their_current_name(kit: Kit) {
    kit.has_users(&["z", "a", "m"]).await;
    let mut hint = Reference::new("m");
    hint.r#type = Some("User".into());
    kit.has_group("g1", &["a", "z"]).await;
    kit.update(at(1), kit.update_group("g1", [RelationStep::Add(vec![hint])])).await;
    let links = linked(&kit.group("g1").await, "members");
    assert_eq!(ids(&links), ["z", "a", "m"], "members in order of creation");
    let named = json!({"userName": "A", "displayName": "Anna"});
    kit.update(at(2), kit.update_user("a").with_resource(document(named))).await;
    let links = linked(&kit.group("g1").await, "members");
    let names: Vec<_> = links.iter().map(|link| link.display.as_deref()).collect();
    assert_eq!(names, [Some("Z"), Some("Anna"), Some("M")], "members under their current names");
}

pub(super) async fn a_link_shows_what_it_was_given(kit: Kit) {
    kit.has_users(&["a", "b"]).await;
    let given = |id: &str, display: &str| {
        let mut reference = Reference::new(id);
        reference.display = Some(display.into());
        reference
    };
    kit.has_group("g1", &["b"]).await;
    let steps = [RelationStep::Add(vec![given("a", "first"), given("b", "late")])];
    kit.update(at(1), kit.update_group("g1", steps)).await;
    let shown = async || {
        let links = linked(&kit.group("g1").await, "members");
        links.into_iter().map(|link| link.display.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, ["first", "B"], "what a new link was given, and an old one's name");
    let steps = [RelationStep::Set(vec![given("a", "second"), Reference::new("b")])];
    let written = kit.update(at(2), kit.update_group("g1", steps)).await;
    assert!(!written.changed, "a member that stays is no change");
    assert_eq!(shown().await, ["first", "B"], "a link that stays is immutable");
    let groups = linked(&kit.user("a").await, "groups");
    assert_eq!(groups[0].display.as_deref(), Some("g1"), "from behind, the owner's name");
}

pub(super) async fn a_reverse_relation_shows_the_owners(kit: Kit) {
    kit.has_group("g2", &[]).await;
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    kit.has_group("g3", &["g1"]).await;
    kit.update(at(1), kit.update_group("g2", [add(&["u1"])])).await;
    let links = linked(&kit.user("u1").await, "groups");
    let shown: Vec<_> =
        links.iter().map(|link| (&*link.id, &*link.resource_type, link.display.as_deref())).collect();
    let expected = [("g2", "Group", Some("g2")), ("g1", "Group", Some("g1"))];
    assert_eq!(shown, expected, "groups of a member, in order of their creation");
    assert_eq!(kit.groups("u2").await, ["g1"], "groups of another member");
    let renamed = kit.update_group("g1", []).with_resource(kit.titled("Renamed"));
    kit.update(at(2), renamed).await;
    let links = linked(&kit.user("u2").await, "groups");
    let names: Vec<_> = links.iter().map(|link| link.display.as_deref()).collect();
    assert_eq!(names, [Some("Renamed")], "a group under its current name");
}

pub(super) async fn links_never_enter_the_document(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    kit.update(at(1), kit.update_group("g1", []).with_resource(kit.titled("renamed"))).await;
    let stored = kit.group("g1").await;
    assert_eq!(stored.resource, kit.titled("renamed"), "the document, without members");
    assert_eq!(ids(&linked(&stored, "members")), ["u1"], "members beside a changed document");
    assert!(
        !kit.user("u1").await.resource.as_map().contains_key("groups"),
        "a user's document, without groups"
    );
}
