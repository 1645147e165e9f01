//! Dormant resources: links to them are hidden, and nothing is written.

use scim_patch::RelationStep;

use super::kit::{Kit, add, at, ids, linked, remove, set};

impl Kit {
    async fn set_dormant(&self, id: &str, dormant: bool) {
        let mut update = self.update_user(id);
        update.dormant = Some(dormant);
        self.update(at(50), update).await;
    }
}

async fn two_members_one_dormant(kit: &Kit) {
    kit.has_users(&["awake", "asleep"]).await;
    kit.has_group("g1", &["awake", "asleep"]).await;
    kit.has_group("g2", &["asleep"]).await;
    kit.set_dormant("asleep", true).await;
}

pub(super) async fn dormant_targets_are_hidden_from_their_owners(kit: Kit) {
    two_members_one_dormant(&kit).await;
    assert_eq!(kit.members("g1").await, ["awake"], "members, one of two dormant");
    assert!(kit.members("g2").await.is_empty(), "members, the only one dormant");
    assert!(kit.find(&kit.group, r#"members eq "asleep""#).await.is_empty(), "groups with a dormant member");
    assert_eq!(kit.find(&kit.group, r#"members.value eq "awake""#).await, ["g1"], "groups with the other");
    assert_eq!(kit.find(&kit.group, "members pr").await, ["g1"], "groups with any member");
    assert_eq!(kit.find(&kit.group, r#"members ne "asleep""#).await, ["g1", "g2"], "groups without it");
}

pub(super) async fn dormant_resources_are_in_no_relation_themselves(kit: Kit) {
    two_members_one_dormant(&kit).await;
    assert!(kit.groups("asleep").await.is_empty(), "groups of a dormant user");
    assert_eq!(kit.groups("awake").await, ["g1"], "groups of the other");
    assert_eq!(kit.find(&kit.user, r#"groups eq "g1""#).await, ["awake"], "users in a group");
    assert_eq!(kit.find(&kit.user, "groups pr").await, ["awake"], "users in any group");
    let filter = r#"groups eq "g1" and userName pr"#;
    assert_eq!(kit.find(&kit.user, filter).await, ["awake"], "users in a group, by the evaluator");
}

pub(super) async fn dormant_resources_are_still_there(kit: Kit) {
    two_members_one_dormant(&kit).await;
    assert_eq!(kit.find(&kit.user, r#"userName eq "asleep""#).await, ["asleep"], "a dormant user by name");
    assert_eq!(kit.find(&kit.user, "userName pr").await, ["awake", "asleep"], "all users");
    let error = kit.refusal(crate::Batch::new(at(60)).insert(kit.insert_user("asleep"))).await;
    assert!(matches!(error, crate::StoreError::Uniqueness { .. }), "a dormant user's name: {error:?}");
}

pub(super) async fn dormancy_moves_no_version(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    for dormant in [true, true, false] {
        let mut update = kit.update_user("u1");
        update.dormant = Some(dormant);
        let written = kit.update(at(5), update).await;
        let outcome = (written.version, written.modified, written.changed);
        assert_eq!(outcome, (1, at(0), false), "outcome of dormancy alone");
        assert!(written.added.is_empty() && written.removed.is_empty(), "links: {written:?}");
        let (user, group) = (kit.user("u1").await, kit.group("g1").await);
        assert_eq!((user.version, user.modified), (1, at(0)), "the user's version");
        assert_eq!((group.version, group.modified), (1, at(0)), "the group's version");
    }
}

pub(super) async fn links_come_back_after_dormancy(kit: Kit) {
    two_members_one_dormant(&kit).await;
    kit.set_dormant("asleep", false).await;
    assert_eq!(kit.members("g1").await, ["awake", "asleep"], "members of the first group");
    assert_eq!(kit.members("g2").await, ["asleep"], "members of the second group");
    assert_eq!(kit.groups("asleep").await, ["g1", "g2"], "groups of the user");
    assert_eq!(kit.find(&kit.group, r#"members eq "asleep""#).await, ["g1", "g2"], "groups by member");
}

pub(super) async fn a_dormant_target_can_be_linked_and_stays_hidden(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.set_dormant("u1", true).await;
    kit.has_group("g1", &[]).await;
    let written = kit.update(at(60), kit.update_group("g1", [add(&["u1"])])).await;
    assert!(written.changed, "a hidden link is a link");
    assert!(kit.members("g1").await.is_empty(), "members while it is dormant");
    let written = kit.update(at(61), kit.update_group("g1", [add(&["u1"])])).await;
    assert!(!written.changed, "a hidden link that is there already");
    kit.set_dormant("u1", false).await;
    assert_eq!(kit.members("g1").await, ["u1"], "members afterwards");
}

pub(super) async fn hidden_links_go_with_clear_and_set(kit: Kit) {
    kit.has_users(&["awake", "asleep"]).await;
    for id in ["cleared", "without", "with", "removed"] {
        kit.has_group(id, &["awake", "asleep"]).await;
    }
    kit.set_dormant("asleep", true).await;
    kit.update(at(60), kit.update_group("cleared", [RelationStep::Clear])).await;
    kit.update(at(60), kit.update_group("without", [set(&["awake"])])).await;
    kit.update(at(60), kit.update_group("with", [set(&["asleep"])])).await;
    kit.update(at(60), kit.update_group("removed", [remove(&["asleep"])])).await;
    kit.set_dormant("asleep", false).await;
    assert!(kit.members("cleared").await.is_empty(), "members after a clear");
    assert_eq!(kit.members("without").await, ["awake"], "members after a set that leaves it out");
    assert_eq!(kit.members("with").await, ["asleep"], "members after a set that names it");
    assert_eq!(kit.members("removed").await, ["awake"], "members after a remove that names it");
}

pub(super) async fn an_insert_can_be_dormant(kit: Kit) {
    let mut insert = kit.insert_user("u1");
    insert.dormant = true;
    kit.insert(at(0), insert).await;
    kit.has_group("g1", &["u1"]).await;
    assert!(kit.members("g1").await.is_empty(), "members, the only one born dormant");
    kit.set_dormant("u1", false).await;
    assert_eq!(ids(&linked(&kit.group("g1").await, "members")), ["u1"], "members afterwards");
}
