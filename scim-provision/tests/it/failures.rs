//! Failures, and how the engine handles them.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use scim_provision::{Action, DirectoryError, Options, ProvisionError, verify};

use crate::fake::{Fake, Mishap, error, northwind};

/// Makes a trap for the requests that match. It works this many times.
fn times(
    mut left: usize,
    meant: impl Fn(&Request<Bytes>) -> bool,
    mishap: impl Fn() -> Mishap,
) -> impl FnMut(&Request<Bytes>) -> Option<Mishap> {
    move |request| {
        if left == 0 || !meant(request) {
            return None;
        }
        left -= 1;
        Some(mishap())
    }
}

fn creates(name: &'static str) -> impl Fn(&Request<Bytes>) -> bool {
    move |request| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        request.method() == Method::POST && body.contains(&format!("\"{name}"))
    }
}

fn busy(status: u16, seconds: u64) -> Response<Bytes> {
    let mut response = error(status, "later");
    response.headers_mut().insert("retry-after", seconds.to_string().parse().unwrap());
    response
}

#[tokio::test]
async fn one_person_who_fails_stops_nobody() {
    let fake = Fake::new();
    fake.trap(times(usize::MAX, creates("caio."), || Mishap::Answer(error(400, "no such role"))));
    let report = fake.try_run(&northwind(), Options::default()).await.unwrap();
    assert_eq!((report.users.created, report.groups.created, report.members_added), (4, 2, 6));
    let [failure] = &report.failures[..] else { panic!("{report:?}") };
    assert_eq!((failure.id.as_str(), failure.action, failure.status), ("p3", Action::Create, Some(400)));
    assert_eq!(
        failure.to_string(),
        "user `caio.falcão@northwind.example`: create failed: the server answered 400 Bad Request: no such role"
    );
    fake.no_trap();
    let report = fake.run(&northwind()).await;
    assert_eq!((report.users.created, report.users.unchanged, report.members_added), (1, 4, 1));
    fake.at_rest(&northwind()).await;
}

#[tokio::test]
async fn k_011_a_conflict_is_matched_once_more() {
    let fake = Fake::new();
    // Another client creates the user between our look-up and our create.
    let rival = fake.clone();
    let mut sprung = false;
    fake.trap(move |request| {
        if !sprung && creates("ada.")(request) {
            sprung = true;
            rival_creates(&rival, request);
        }
        None
    });
    let report = fake.run(&northwind()).await;
    assert_eq!((report.users.created, report.users.unchanged), (4, 1));
    fake.at_rest(&northwind()).await;
}

fn rival_creates(fake: &Fake, request: &Request<Bytes>) {
    fake.plant_user(serde_json::from_slice(request.body()).unwrap());
}

#[tokio::test]
async fn a_conflict_with_somebody_else_is_a_failure() {
    let fake = Fake::new();
    fake.plant_user(serde_json::json!({"userName": "ada.okafor@northwind.example", "active": true}));
    let report = fake.try_run(&northwind(), Options::default()).await.unwrap();
    let [failure] = &report.failures[..] else { panic!("{report:?}") };
    assert_eq!((failure.action, failure.status), (Action::Create, Some(409)));
    assert_eq!(report.users.created, 4);
}

#[tokio::test]
async fn a_lost_answer_makes_nobody_twice() {
    let fake = Fake::new();
    let mishaps: [fn() -> Mishap; 2] = [|| Mishap::LostAnswer, || Mishap::Garbled];
    for mishap in mishaps {
        let fake = Fake::new();
        fake.trap(times(2, |request| request.method() == Method::POST, mishap));
        let report = fake.run(&northwind()).await;
        assert_eq!((report.users.created, report.groups.created), (5, 2));
        assert_eq!(fake.writes().iter().filter(|line| *line == "POST /Users").count(), 5);
    }
    fake.run(&northwind()).await;
    fake.trap(times(3, |_| true, || Mishap::LostAnswer));
    fake.at_rest(&northwind()).await;
}

#[tokio::test]
async fn a_run_that_was_cut_short_is_finished_by_the_next() {
    let fake = Fake::new();
    let mut left = 9;
    fake.trap(move |_| {
        left -= 1;
        (left < 0).then(|| Mishap::Answer(error(401, "expired")))
    });
    assert!(fake.try_run(&northwind(), Options::default()).await.is_err());
    fake.no_trap();
    fake.run(&northwind()).await;
    fake.at_rest(&northwind()).await;
}

#[tokio::test]
async fn a_busy_target_is_given_the_time_it_asks_for() {
    let fake = Fake::new();
    fake.trap(times(1, creates("ada."), || Mishap::Answer(busy(429, 30))));
    assert_eq!(fake.run(&northwind()).await.users.created, 5);
    assert_eq!(fake.slept(), [Duration::from_secs(30)]);

    for (status, mishaps) in [(503, 2), (403, 2)] {
        fake.forget();
        let updates = |request: &Request<Bytes>| request.method() == Method::PATCH;
        fake.trap(times(mishaps, updates, move || Mishap::Answer(busy(status, 7))));
        let mut directory = northwind();
        directory.users[0].display_name = status.to_string();
        fake.run(&directory).await;
        assert_eq!(fake.slept(), [Duration::from_secs(7); 2], "{status}");
    }
}

#[tokio::test]
async fn a_target_that_stays_busy_is_given_up() {
    let fake = Fake::new();
    fake.trap(times(usize::MAX, creates("ada."), || Mishap::Answer(busy(429, 1))));
    let report = fake.try_run(&northwind(), Options::default()).await.unwrap();
    assert_eq!(report.failures[0].status, Some(429));
    assert_eq!(fake.slept().len(), 4, "five attempts");

    let fake = Fake::new();
    fake.trap(times(usize::MAX, creates("ada."), || Mishap::Answer(busy(429, 3600))));
    let report = fake.try_run(&northwind(), Options::default()).await.unwrap();
    assert_eq!((report.failures[0].status, fake.slept()), (Some(429), vec![]), "more than the patience");
}

#[tokio::test]
async fn a_refused_token_stops_the_run() {
    for status in [401, 403] {
        let fake = Fake::new();
        fake.trap(times(usize::MAX, creates(""), move || Mishap::Answer(error(status, "bad token"))));
        let options = Options { concurrency: 1, ..Options::default() };
        let stopped = fake.try_run(&northwind(), options).await.unwrap_err();
        assert!(matches!(stopped, ProvisionError::Refused { .. }));
        assert!(stopped.to_string().contains("bad token; check that"), "{stopped}");
        assert_eq!(fake.writes().len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_removed_while_a_lookup_fails() {
    let fake = Fake::new();
    fake.run(&northwind()).await;
    fake.forget();
    fake.trap(times(
        usize::MAX,
        |request| request.uri().query().is_some_and(|query| query.contains("%22p2%22")),
        || Mishap::Answer(error(500, "oops")),
    ));
    let report = fake.try_run(&northwind(), Options::default()).await.unwrap();
    assert_eq!((report.failures.len(), report.members_removed), (1, 0));
    assert_eq!(fake.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn one_batch_that_fails_stops_no_other() {
    let fake = Fake::new();
    let meant = |request: &Request<Bytes>| request.uri().path() == "/scim/v2/Groups/g-0006";
    fake.trap(times(
        2,
        move |request| request.method() == Method::PATCH && meant(request),
        || Mishap::Answer(error(500, "oops")),
    ));
    let options = Options { member_batch: 2, concurrency: 1, ..Options::default() };
    let report = fake.try_run(&northwind(), options).await.unwrap();
    assert_eq!((report.failures.len(), report.members_added), (2, 3));
    assert!(report.failures.iter().all(|failure| failure.action == Action::AddMembers));
    assert_eq!(report.groups.created, 1, "a group with failures is not counted");
    fake.no_trap();
    fake.run(&northwind()).await;
    fake.at_rest(&northwind()).await;
}

#[tokio::test]
async fn q_23_the_target_is_tried_before_anything_is_done() {
    type Answer = fn() -> Response<Bytes>;
    let answers: [(Answer, &str); 3] = [
        (|| error(404, "no such page"), "check the base URL"),
        (|| Response::new("<html>".into()), "check the base URL"),
        (|| Response::new(r#"{"totalResults": 9, "Resources": []}"#.into()), "ignores the filter"),
    ];
    for (answer, sentence) in answers {
        let fake = Fake::new();
        fake.trap(times(usize::MAX, |_| true, move || Mishap::Answer(answer())));
        let stopped = fake.try_run(&northwind(), Options::default()).await.unwrap_err();
        assert!(stopped.to_string().contains(sentence), "{stopped}");
        assert_eq!(fake.log().len(), 1);
    }
    let mut directory = northwind();
    directory.users[1].id = "p1".into();
    let stopped = Fake::new().try_run(&directory, Options::default()).await.unwrap_err();
    assert!(matches!(stopped, ProvisionError::Directory(DirectoryError::Inconsistent { .. })));
}

#[tokio::test]
async fn what_the_target_says_steers_no_terminal() {
    const STEERING: &str = "\u{1b}[31mred\nWARN forged";
    const SHOWN: &str = r"\u{1b}[31mred\nWARN forged";
    let fake = Fake::new();
    fake.trap(times(usize::MAX, creates("caio."), || Mishap::Answer(error(400, STEERING))));
    let mut directory = northwind();
    directory.users.iter_mut().for_each(|person| person.display_name += STEERING);
    let report = fake.try_run(&directory, Options::default()).await.unwrap();
    assert!(report.failures[0].to_string().ends_with(SHOWN), "{}", report.failures[0]);

    fake.trap(times(usize::MAX, creates(""), || Mishap::Answer(error(401, STEERING))));
    let stopped = fake.try_run(&directory, Options::default()).await.unwrap_err();
    assert!(stopped.to_string().contains(SHOWN), "{stopped}");

    fake.no_trap();
    let differences = verify(&fake.client(), &northwind()).await.unwrap();
    let shown: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert!(shown.iter().any(|sentence| sentence.contains(SHOWN)), "{shown:?}");
    assert!(shown.iter().all(|sentence| !sentence.contains(char::is_control)), "{shown:?}");
}

#[tokio::test]
async fn a_failure_is_one_line_whatever_its_names_hold() {
    let fake = Fake::new();
    fake.trap(times(usize::MAX, creates("a\u{9b}da"), || Mishap::Answer(error(400, "no"))));
    let mut directory = northwind();
    directory.users[0].user_principal_name = "a\u{9b}da".into();
    let report = fake.try_run(&directory, Options::default()).await.unwrap();
    assert!(report.failures[0].to_string().starts_with(r"user `a\u{9b}da`: create failed"), "{report:?}");
}
