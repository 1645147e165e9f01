//! What a run does. The next run then does nothing.

use scim_client::Query;
use scim_provision::{Difference, Directory, Kind, Matching, Options, Status, TeamStatus, verify};
use serde_json::json;

use crate::fake::{Fake, northwind};

#[tokio::test]
async fn the_first_run_creates_everybody_and_the_second_changes_nothing() {
    for fake in [Fake::new(), Fake::hiding_suspended()] {
        let report = fake.run(&northwind()).await;
        assert_eq!((report.users.created, report.groups.created, report.members_added), (5, 2, 7));
        assert!(report.changed());
        assert_eq!(report.requests, fake.log().len() as u64);
        fake.at_rest(&northwind()).await;
    }
}

#[tokio::test]
async fn a_person_who_is_renamed_keeps_the_account() {
    let fake = Fake::new();
    let mut directory = northwind();
    fake.run(&directory).await;
    let before = fake.user("ada.okafor@northwind.example").unwrap();
    let ada = &mut directory.users[0];
    ada.user_principal_name = "ada.lovelace@northwind.example".into();
    ada.display_name = "Ada Lovelace".into();
    ada.surname = "Lovelace".into();
    ada.mail = Some("ada.lovelace@northwind.example".into());
    ada.role = Some("enterprise_owner".into());
    let report = fake.run(&directory).await;
    assert_eq!((report.users.updated, report.users.unchanged), (1, 4));
    let after = fake.user("ada.lovelace@northwind.example").unwrap();
    assert_eq!(before["id"], after["id"]);
    assert_eq!(after["name"]["formatted"], "Ada Lovelace");
    assert_eq!(after["roles"], json!([{"value": "enterprise_owner", "primary": true}]));
    fake.at_rest(&directory).await;
}

#[tokio::test]
async fn what_the_directory_does_not_say_stays_as_it_is() {
    let fake = Fake::new();
    let mut directory = northwind();
    directory.users[4].mail = None;
    fake.run(&directory).await;
    assert!(fake.user("emeka.eze@northwind.example").unwrap().get("emails").is_none(), "Q-73");
    directory.users[0].mail = None;
    directory.users[0].role = None;
    fake.at_rest(&directory).await;
    directory.users[4].mail = Some("emeka@northwind.example".into());
    assert_eq!(fake.run(&directory).await.users.updated, 1);
    fake.at_rest(&directory).await;
}

#[tokio::test]
async fn suspension_and_return_leave_the_groups_alone() {
    for fake in [Fake::new(), Fake::hiding_suspended()] {
        let mut directory = northwind();
        fake.run(&directory).await;
        directory.users[1].status = Status::Suspended;
        let report = fake.run(&directory).await;
        assert_eq!((report.users.suspended, report.users.unchanged, report.groups.unchanged), (1, 4, 2));
        assert_eq!(fake.user("begoña.peña@northwind.example").unwrap()["active"], false);
        fake.at_rest(&directory).await;

        directory.users[1].status = Status::Active;
        directory.users[1].display_name = "Begoña P.".into();
        fake.forget();
        let report = fake.run(&directory).await;
        assert_eq!((report.users.reactivated, report.users.updated, report.groups.unchanged), (1, 0, 2));
        assert_eq!(fake.writes().len(), 1, "one PATCH enables and renames");
        assert_eq!(fake.user("begoña.peña@northwind.example").unwrap()["displayName"], "Begoña P.");
        fake.at_rest(&directory).await;
    }
}

#[tokio::test]
async fn somebody_who_left_a_group_while_suspended_is_out_after_the_return() {
    for fake in [Fake::new(), Fake::hiding_suspended()] {
        let mut directory = northwind();
        fake.run(&directory).await;
        directory.users[1].status = Status::Suspended;
        fake.run(&directory).await;
        directory.groups[1].members.retain(|id| id != "p2");
        fake.run(&directory).await;
        fake.at_rest(&directory).await;
        directory.users[1].status = Status::Active;
        fake.run(&directory).await;
        assert_eq!(fake.members("Some"), ["ada.okafor@northwind.example"]);
        fake.at_rest(&directory).await;
    }
}

#[tokio::test]
async fn nobody_is_created_suspended() {
    let fake = Fake::new();
    let mut directory = northwind();
    directory.users[1].status = Status::Suspended;
    let report = fake.run(&directory).await;
    assert_eq!((report.users.created, report.users.skipped, report.members_added), (4, 1, 5));
    fake.at_rest(&directory).await;
}

#[tokio::test]
async fn deletion_of_people_and_groups() {
    for fake in [Fake::new(), Fake::hiding_suspended()] {
        let mut directory = northwind();
        fake.run(&directory).await;
        directory.users[2].status = Status::Deleted;
        directory.groups[1].status = TeamStatus::Deleted;
        fake.forget();
        let report = fake.run(&directory).await;
        assert_eq!((report.users.deleted, report.groups.deleted, report.users.unchanged), (1, 1, 4));
        assert!(fake.writes().iter().all(|line| line.starts_with("DELETE")), "{:?}", fake.writes());
        fake.at_rest(&directory).await;
    }
}

#[tokio::test]
async fn membership_goes_in_batches() {
    let fake = Fake::new();
    let mut directory = crowd(25);
    let options = Options { member_batch: 10, ..Options::default() };
    let report = fake.try_run(&directory, options.clone()).await.unwrap();
    assert_eq!(report.members_added, 25);
    let patches = |fake: &Fake| fake.writes().iter().filter(|line| line.starts_with("PATCH /Groups")).count();
    assert_eq!(patches(&fake), 3);

    // 12 members leave the group, and 5 that are not in the directory have to leave too. The name changes as well.
    directory.groups[0].members.drain(..12);
    directory.groups[0].display_name = "Crowd 2".into();
    for n in 0..5 {
        let id = fake.plant_user(json!({"userName": format!("stranger{n}"), "active": true}));
        fake.plant_member("Crowd", &id);
    }
    fake.forget();
    let report = fake.try_run(&directory, options).await.unwrap();
    assert_eq!((report.members_added, report.members_removed, report.groups.updated), (0, 17, 1));
    assert_eq!(patches(&fake), 1 + 2);
    assert_eq!(fake.members("Crowd 2").len(), 13);
}

#[tokio::test]
async fn a_group_that_has_everybody_already_is_read_once() {
    let fake = Fake::new();
    fake.run(&northwind()).await;
    fake.forget();
    fake.run(&northwind()).await;
    let log: Vec<_> =
        fake.log().into_iter().map(|(line, _)| line).filter(|line| line.contains("/Groups")).collect();
    assert_eq!(log.len(), 4);
    assert!(log[0].starts_with("GET /Groups?filter=externalId%20eq%20%22t"), "{}", log[0]);
    assert!(log[0].ends_with("&excludedAttributes=members"), "{}", log[0]);
}

#[tokio::test]
async fn managers_come_when_everybody_is_there() {
    let fake = Fake::new();
    let directory = northwind();
    let options = Options { enterprise_extension: true, ..Options::default() };
    let report = fake.try_run(&directory, options.clone()).await.unwrap();
    assert_eq!((report.users.created, report.managers_set, report.users.updated), (5, 4, 0));
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let ada = fake.user("ada.okafor@northwind.example").unwrap();
    let caio = fake.user("caio.falcão@northwind.example").unwrap();
    assert_eq!(caio[urn], json!({"department": "R&D", "manager": {"value": ada["id"]}}));
    let report = fake.try_run(&directory, options).await.unwrap();
    assert!(!report.changed(), "{report:?}");
}

#[tokio::test]
async fn matching_by_user_name_adopts_accounts() {
    let fake = Fake::new();
    fake.plant_user(json!({"userName": "ada.okafor@northwind.example", "active": true}));
    let options = Options { matching: Matching::UserName, ..Options::default() };
    let report = fake.try_run(&northwind(), options).await.unwrap();
    assert_eq!((report.users.created, report.users.updated), (4, 1));
    assert_eq!(fake.user("ada.okafor@northwind.example").unwrap()["externalId"], "p1");
    fake.at_rest(&northwind()).await;
}

#[tokio::test]
async fn verify_names_every_difference() {
    let fake = Fake::new();
    let mut directory = northwind();
    fake.run(&directory).await;
    let stranger = fake.plant_user(json!({"userName": "mallory", "active": true}));
    fake.plant_member("Some", &stranger);
    directory.users[0].display_name = "Ada L.".into();
    directory.users[1].status = Status::Suspended;
    directory.users[2].status = Status::Deleted;
    directory.groups[1].members.push("p5".into());
    let differences = verify(&fake.client(), &directory).await.unwrap();
    let sentences: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences,
        [
            "user `caio.falcão@northwind.example` with id `u-0003` should not be there",
            "user `mallory` with id `u-0008` should not be there",
            "user `ada.okafor@northwind.example`: `displayName` should be `Ada L.` and is `Ada Okafor`",
            "user `begoña.peña@northwind.example`: `active` should be `false` and is `true`",
            "group `All` has the member `caio.falcão@northwind.example`, who should not be in it",
            "group `Some` lacks the member `emeka.eze@northwind.example`",
            "group `Some` has the member `mallory`, who should not be in it",
        ]
    );
    let missing = verify(&Fake::new().client(), &directory).await.unwrap();
    assert!(missing.contains(&Difference::Missing { kind: Kind::Group, name: "All".into() }));
    assert_eq!(missing.len(), 3 + 2);
}

#[tokio::test]
async fn a_thousand_people_of_the_sample() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/directory/northwind.json");
    let directory = Directory::from_json(&std::fs::read(path).unwrap()).unwrap();
    let fake = Fake::new();
    let report = fake.run(&directory).await;
    assert_eq!((report.users.created, report.groups.created), (1000, 40));
    assert_eq!(fake.client().users().all(&Query::new()).await.unwrap().len(), 1000);
    fake.at_rest(&directory).await;
}

#[test]
fn a_run_can_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    let directory = northwind();
    let fake = Fake::new();
    let engine = scim_provision::Engine::new(fake.client(), Options::default());
    is_send(engine.run(&directory, &scim_provision::NoProgress));
    is_send(verify(&fake.client(), &directory));
}

/// Many people in one group.
fn crowd(size: usize) -> Directory {
    let users: Vec<_> = (0..size)
        .map(|n| json!({"id": format!("p{n}"), "userPrincipalName": format!("u{n}"), "displayName": format!("U {n}"),
                        "givenName": "U", "surname": n.to_string()}))
        .collect();
    let members: Vec<_> = (0..size).map(|n| format!("p{n}")).collect();
    let groups = json!([{"id": "t", "displayName": "Crowd", "members": members}]);
    Directory::from_json(json!({"users": users, "groups": groups}).to_string().as_bytes()).unwrap()
}
