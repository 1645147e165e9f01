//! Inserts.

use std::sync::Arc;

use scim_core::{Resource, ResourceType, ResourceTypeDocument, Schema, urn};
use serde_json::json;

use super::kit::{Kit, at, document, members, references};
use crate::{Batch, Claim, Insert, StoreError};

pub(super) async fn an_insert_starts_at_version_one_and_now(kit: Kit) {
    let written = kit.insert(at(7), kit.insert_user("u1")).await;
    let outcome = (written.id.as_str(), written.version, written.created, written.modified, written.changed);
    assert_eq!(outcome, ("u1", 1, at(7), at(7), true), "outcome of an insert");
    let stored = kit.user("u1").await;
    let read = (stored.id.as_str(), stored.version, stored.created, stored.modified);
    assert_eq!(read, ("u1", 1, at(7), at(7)), "what a read shows of it");
    assert_eq!(stored.resource, kit.named("u1"), "the document that was written");
}

pub(super) async fn an_insert_of_an_existing_id_is_refused(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let insert = Insert::new(Arc::clone(&kit.user), "u1", kit.named("other"));
    let error = kit.refusal(Batch::new(at(1)).insert(insert)).await;
    assert!(
        matches!(&error, StoreError::Uniqueness { attribute, .. } if attribute == "id"),
        "an id that exists: {error:?}"
    );
    assert_eq!(kit.user("u1").await.resource, kit.named("u1"), "the resource that had the id");
}

pub(super) async fn documents_come_back_exactly_as_written(kit: Kit) {
    let written = document(json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER],
        "userName": "Zoë \u{1F600} \u{0} \"quoted\" \\ ﬁ",
        "externalId": "",
        "active": false,
        "name": {"familyName": "Straße", "givenName": "e\u{301}"},
        "emails": [{"value": "B@example.com", "primary": true}, {"value": "a@example.com", "type": "home"}],
        "x509Certificates": [{"value": "AAEC/w=="}],
        urn::ENTERPRISE_USER: {"manager": {"value": "m1"}, "employeeNumber": "0012"},
        "numbers": [0.1, 1e300, 5e-324, -0.0, 1.7976931348623157e308, 9007199254740993_i64, u64::MAX, i64::MIN],
    }));
    kit.insert(at(0), Insert::new(Arc::clone(&kit.user), "u1", written.clone())).await;
    assert_same(&kit.user("u1").await.resource, &written);
    let mut changed = written;
    changed.as_map_mut().insert("displayName".into(), "Zoë".into());
    kit.update(at(1), kit.update_user("u1").with_resource(changed.clone())).await;
    assert_same(&kit.user("u1").await.resource, &changed);
}

/// Compares the texts too, because `-0.0` and `0.0` are equal numbers.
fn assert_same(read: &Resource, written: &Resource) {
    assert_eq!(read, written, "the document that was written");
    let text = |resource: &Resource| format!("{:?}", resource.as_map());
    assert_eq!(text(read), text(written), "the document that was written, to the letter");
}

pub(super) async fn a_unique_value_is_taken_once(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let insert = Insert::new(Arc::clone(&kit.user), "u2", (kit.fixtures.user)("u1"));
    let error = kit.refusal(Batch::new(at(1)).insert(insert)).await;
    assert!(
        matches!(&error, StoreError::Uniqueness { attribute, resource_type }
            if attribute == "userName" && resource_type == "User"),
        "a name that is taken, in another case: {error:?}"
    );
}

pub(super) async fn unique_values_clash_within_their_type_only(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let robot = ResourceType::builder(ResourceTypeDocument::new("Robot", "/Robots", urn::USER))
        .schema(Schema::user())
        .build();
    let robot = robot.unwrap_or_else(|error| panic!("the kit's own type: {error}"));
    kit.insert(at(1), Insert::new(Arc::new(robot), "r1", kit.named("u1"))).await;
    assert_eq!(kit.find(&kit.user, r#"userName eq "u1""#).await, ["u1"], "users of that name");
}

pub(super) async fn a_claim_is_held_once_whatever_the_type(kit: Kit) {
    let mut holder = kit.insert_user("u1");
    holder.claims = vec![Claim::new("handle", "mona"), Claim::new("handle", "mona")];
    kit.insert(at(0), holder).await;
    let mut user = kit.insert_user("u2");
    user.claims.push(Claim::new("handle", "mona"));
    let mut group = kit.insert_group("g1", &[]);
    group.claims.push(Claim::new("handle", "mona"));
    for insert in [user, group] {
        let error = kit.refusal(Batch::new(at(1)).insert(insert)).await;
        assert!(
            matches!(&error, StoreError::Claimed { space, key } if space == "handle" && key == "mona"),
            "a claim that is held: {error:?}"
        );
    }
}

pub(super) async fn claims_of_other_spaces_do_not_clash(kit: Kit) {
    for (id, space) in [("u1", "handle"), ("u2", "slug")] {
        let mut insert = kit.insert_user(id);
        insert.claims.push(Claim::new(space, "mona"));
        kit.insert(at(0), insert).await;
    }
}

pub(super) async fn an_insert_brings_its_links_each_once(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    let insert = kit.insert_group("g1", &[]).with_links("members", references(&["u2", "u1", "u2"]));
    let written = kit.insert(at(1), insert).await;
    assert_eq!(written.added, members(&["u1", "u2"]), "links that are new");
    assert!(written.removed.is_empty(), "links that are gone: {:?}", written.removed);
    assert_eq!(kit.members("g1").await, ["u1", "u2"], "members of the new group");
}

pub(super) async fn an_insert_with_an_unknown_target_is_refused(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let error = kit.refusal(Batch::new(at(1)).insert(kit.insert_group("g1", &["u1", "none"]))).await;
    assert!(
        matches!(&error, StoreError::UnknownTarget { relation, id } if relation == "members" && id == "none"),
        "a member that is not there: {error:?}"
    );
    assert!(kit.find(&kit.group, r#"displayName eq "g1""#).await.is_empty(), "nothing of it is kept");
    assert!(kit.groups("u1").await.is_empty(), "no link of it is kept");
}
