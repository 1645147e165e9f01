//! The requests that are sent, one by one.

use std::sync::Mutex;

use scim_provision::{Dialect, Directory, Engine, Options, Phase, Progress, Status};
use serde_json::{Value, json};

use crate::fake::{Fake, northwind};

fn one_person() -> Directory {
    let Directory { mut users, .. } = northwind();
    users.truncate(1);
    let groups = vec![scim_provision::Team {
        id: "t1".into(),
        display_name: "All".into(),
        members: vec!["p1".into()],
        ..Default::default()
    }];
    Directory { users, groups }
}

fn writes(fake: &Fake) -> Vec<(String, Value)> {
    fake.log().into_iter().filter(|(line, _)| !line.starts_with("GET")).collect()
}

#[tokio::test]
async fn k_002_creating_a_person_and_a_group() {
    let fake = Fake::new();
    let options = Options { dialect: Dialect::ENTRA, ..Options::default() };
    fake.try_run(&one_person(), options).await.unwrap();
    let lines: Vec<_> = fake.log().into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines[0], "GET /Users?filter=externalId%20eq%20%225f0c1d1e-7a51-4f0e-9b43-0c2d3e4f5a6b%22");
    assert_eq!(
        lines[1..],
        [
            "GET /Users?filter=externalId%20eq%20%22p1%22",
            "POST /Users",
            "GET /Groups?filter=externalId%20eq%20%22t1%22&excludedAttributes=members",
            "POST /Groups",
            "GET /Groups/g-0002",
            "PATCH /Groups/g-0002",
        ]
    );
    let bodies: Vec<_> = writes(&fake).into_iter().map(|(_, body)| body).collect();
    assert_eq!(
        bodies,
        [
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "externalId": "p1",
                "userName": "ada.okafor@northwind.example",
                "active": true,
                "displayName": "Ada Okafor",
                "name": {"givenName": "Ada", "familyName": "Okafor", "formatted": "Ada Okafor"},
                "emails": [{"primary": true, "type": "work", "value": "ada.okafor@northwind.example"}],
                "roles": [{"value": "user", "primary": true}],
                "meta": {"resourceType": "User"},
            }),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group",
                            "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
                "externalId": "t1",
                "displayName": "All",
                "meta": {"resourceType": "Group"},
            }),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "Add", "path": "members", "value": [{"value": "u-0001"}]}],
            }),
        ]
    );
}

/// Without a dialect, a provider gets the form that every provider understands.
#[tokio::test]
async fn creating_a_person_and_a_group_in_the_form_of_the_rfc() {
    let fake = Fake::new();
    fake.run(&one_person()).await;
    let bodies: Vec<_> = writes(&fake).into_iter().map(|(_, body)| body).collect();
    assert_eq!(
        bodies,
        [
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "externalId": "p1",
                "userName": "ada.okafor@northwind.example",
                "active": true,
                "displayName": "Ada Okafor",
                "name": {"givenName": "Ada", "familyName": "Okafor", "formatted": "Ada Okafor"},
                "emails": [{"primary": true, "type": "work", "value": "ada.okafor@northwind.example"}],
                "roles": [{"value": "user", "primary": true}],
            }),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "externalId": "t1",
                "displayName": "All",
            }),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "add", "path": "members", "value": [{"value": "u-0001"}]}],
            }),
        ]
    );
}

/// A person without e-mail address gets one, and a first department and manager.
#[tokio::test]
async fn the_rfc_form_adds_a_whole_element_where_there_is_none() {
    let fake = Fake::new();
    let mut directory = northwind();
    directory.users.truncate(2);
    directory.groups.clear();
    directory.users[1].mail = None;
    directory.users[1].department = None;
    fake.run(&directory).await;
    directory.users[1].mail = Some("bp@northwind.example".into());
    directory.users[1].department = Some("Legal".into());
    fake.forget();
    let options = Options { enterprise_extension: true, ..Options::default() };
    fake.try_run(&directory, options).await.unwrap();
    let bodies: Vec<_> = writes(&fake).into_iter().map(|(_, body)| body["Operations"].clone()).collect();
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert!(
        bodies.contains(&json!([
            {"op": "add", "path": "emails", "value": [{"type": "work", "value": "bp@northwind.example"}]},
            {"op": "add", "path": format!("{urn}:department"), "value": "Legal"},
        ])),
        "{bodies:?}"
    );
    let manager = json!([{"op": "add", "path": format!("{urn}:manager"), "value": {"value": "u-0001"}}]);
    assert!(bodies.contains(&manager), "{bodies:?}");
}

#[tokio::test]
async fn k_004_k_005_k_007_k_008_changes_in_every_dialect() {
    for (dialect, change, suspend, remove) in [
        (
            Dialect::RFC,
            json!([{"op": "replace", "path": "displayName", "value": "Ada L."},
                   {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "al@northwind.example"},
                   {"op": "replace", "path": "roles", "value": [{"value": "billing_manager", "primary": true}]}]),
            json!([{"op": "replace", "path": "active", "value": false}]),
            json!([{"op": "remove", "path": "members[value eq \"u-0001\"]"}]),
        ),
        (
            Dialect::ENTRA,
            json!([{"op": "Replace", "path": "displayName", "value": "Ada L."},
                   {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "al@northwind.example"},
                   {"op": "Replace", "path": "roles", "value": [{"value": "billing_manager", "primary": true}]}]),
            json!([{"op": "Replace", "path": "active", "value": "False"}]),
            json!([{"op": "Remove", "path": "members", "value": [{"value": "u-0001"}]}]),
        ),
        (
            Dialect::ENTRA_FLAG,
            json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "al@northwind.example"},
                   {"op": "replace", "value": {"displayName": "Ada L.",
                                               "roles": [{"value": "billing_manager", "primary": true}]}}]),
            json!([{"op": "replace", "path": "active", "value": false}]),
            json!([{"op": "remove", "path": "members[value eq \"u-0001\"]"}]),
        ),
    ] {
        let options = Options { dialect, ..Options::default() };
        let fake = Fake::new();
        let mut directory = one_person();
        fake.run(&directory).await;

        let ada = &mut directory.users[0];
        ada.display_name = "Ada L.".into();
        ada.mail = Some("al@northwind.example".into());
        ada.role = Some("billing_manager".into());
        directory.groups[0].members.clear();
        fake.forget();
        fake.try_run(&directory, options.clone()).await.unwrap();
        let bodies: Vec<_> = writes(&fake).into_iter().map(|(_, body)| body["Operations"].clone()).collect();
        assert_eq!(bodies, [change, remove]);

        directory.users[0].status = Status::Suspended;
        fake.forget();
        fake.try_run(&directory, options).await.unwrap();
        assert_eq!(writes(&fake)[0].1["Operations"], suspend);
        fake.at_rest(&directory).await;
    }
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn begin(&self, phase: Phase, total: usize) {
        self.0.lock().unwrap().push(format!("{phase} 0/{total}"));
    }

    fn step(&self, phase: Phase) {
        self.0.lock().unwrap().push(format!("{phase} +1"));
    }

    fn done(&self, phase: Phase) {
        self.0.lock().unwrap().push(format!("{phase} done"));
    }
}

#[tokio::test]
async fn progress_is_told_phase_by_phase() {
    let notes = Notes::default();
    Engine::new(Fake::new().client(), Options::default()).run(&one_person(), &notes).await.unwrap();
    assert_eq!(
        *notes.0.lock().unwrap(),
        ["users 0/1", "users +1", "users done", "groups 0/1", "groups +1", "groups done",]
    );
}
