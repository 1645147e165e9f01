//! A server that is killed repeatedly during writes of all kinds loses no answered write, and has none half done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::Connection;
use scim_client::{Client, ClientError, Query};
use scim_core::{Group, MemberRef, User};
use scim_patch::PatchRequest;
use serde_json::json;

use crate::server::Server;

/// How many clients write at the same time, each with its own people and one group.
const CLIENTS: u64 = 4;

/// A small random generator, so that a failure can be repeated with equal choices.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0).unwrap_or(usize::MAX) % end
    }
}

/// The state of a person: the value of title and nick name, and whether they are in the client's group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    mark: u64,
    member: bool,
}

/// A person, as far as answers tell.
#[derive(Debug, Default)]
struct Person {
    id: String,
    /// The state that was answered last. `None` means that the person does not exist.
    known: Option<State>,
    /// The state after a write that is not answered yet.
    pending: Option<Option<State>>,
}

/// One client and everything that it was answered.
struct Writer {
    chance: Chance,
    number: u64,
    group: String,
    people: BTreeMap<String, Person>,
    marks: u64,
    answered: u64,
    /// Two people who should become members by one request.
    pair: Option<[String; 2]>,
}

impl Writer {
    fn new(number: u64) -> Self {
        let chance = Chance((number + 1) << 40 | 0x9e37_79b9);
        let people = BTreeMap::new();
        Self { chance, number, group: String::new(), people, marks: 0, answered: 0, pair: None }
    }

    /// Writes until the server is gone.
    async fn write(mut self, client: Client) -> Self {
        loop {
            match self.one(&client).await {
                Ok(()) => self.answer(),
                Err(ClientError::Transport(_)) => return self,
                Err(other) => panic!("{other}"),
            }
        }
    }

    /// Makes all pending states the known ones.
    fn answer(&mut self) {
        for person in self.people.values_mut() {
            if let Some(state) = person.pending.take() {
                person.known = state;
            }
        }
        self.pair = None;
        self.answered += 1;
    }

    async fn one(&mut self, client: &Client) -> Result<(), ClientError> {
        self.marks += 1;
        let mark = self.marks;
        let outsiders = self.names(|state| !state.member);
        let members = self.names(|state| state.member);
        match self.chance.below(12) {
            0 | 1 if !outsiders.is_empty() => {
                let (id, state) = self.person(&outsiders);
                let patch = PatchRequest::new().replace("title", mark.to_string());
                let patch = patch.replace("nickName", mark.to_string());
                self.expect(&id, Some(State { mark, ..state }));
                client.users().patch(&id, &patch).await.map(drop)
            }
            2 | 3 if !members.is_empty() => {
                let (id, state) = self.person(&members);
                let name =
                    self.people.iter().find(|(_, person)| person.id == id).map(|(name, _)| name.clone());
                self.expect(&id, Some(State { mark, ..state }));
                client.users().replace(&id, &user(&name.unwrap_or_default(), mark)).await.map(drop)
            }
            4 | 5 if outsiders.len() >= 2 => {
                let first = self.chance.below(outsiders.len() - 1);
                let pair = [outsiders[first].clone(), outsiders[first + 1].clone()];
                let mut values = Vec::new();
                for name in &pair {
                    let (id, state) = self.person(std::slice::from_ref(name));
                    self.expect(&id, Some(State { member: true, ..state }));
                    values.push(json!({"value": id}));
                }
                self.pair = Some(pair);
                client
                    .groups()
                    .patch(&self.group, &PatchRequest::new().add("members", values))
                    .await
                    .map(drop)
            }
            6 if !members.is_empty() => {
                let (id, state) = self.person(&members);
                self.expect(&id, Some(State { member: false, ..state }));
                let patch = PatchRequest::new().remove(format!("members[value eq \"{id}\"]"));
                client.groups().patch(&self.group, &patch).await.map(drop)
            }
            7 if !members.is_empty() => {
                let (id, _) = self.person(&members);
                self.expect(&id, None);
                client.users().delete(&id).await
            }
            8 if members.len() >= 4 => {
                // PUT of a group: half of its members stay.
                let stay: Vec<MemberRef> =
                    members.iter().step_by(2).map(|name| MemberRef::new(&*self.people[name].id)).collect();
                for name in members.iter().skip(1).step_by(2) {
                    let (id, state) = self.person(std::slice::from_ref(name));
                    self.expect(&id, Some(State { member: false, ..state }));
                }
                let group = Group::new(format!("group {}", self.number)).with_members(stay);
                client.groups().replace(&self.group, &group).await.map(drop)
            }
            _ => {
                let name = format!("p{}-{mark}", self.number);
                let state = State { mark, member: false };
                let person = Person { pending: Some(Some(state)), ..Person::default() };
                self.people.insert(name.clone(), person);
                let made = client.users().create(&user(&name, mark)).await?;
                self.people.entry(name).or_default().id = made.resource.id.unwrap();
                Ok(())
            }
        }
    }

    /// Returns the names of existing people whose state fits.
    fn names(&self, fits: impl Fn(State) -> bool) -> Vec<String> {
        let there = self.people.iter().filter(|(_, person)| person.known.is_some_and(&fits));
        there.map(|(name, _)| name.clone()).collect()
    }

    fn person(&mut self, names: &[String]) -> (String, State) {
        let person = &self.people[&names[self.chance.below(names.len())]];
        (person.id.clone(), person.known.unwrap())
    }

    fn expect(&mut self, id: &str, state: Option<State>) {
        if let Some(person) = self.people.values_mut().find(|person| person.id == id) {
            person.pending = Some(state);
        }
    }

    /// Compares this with what the server has after its restart, and continues with the latter.
    async fn check(&mut self, client: &Client, users: &BTreeMap<String, User>) {
        let group = client.groups().get(&self.group).await.unwrap().resource;
        let members: BTreeSet<String> = group.members.into_iter().map(|member| member.value).collect();
        for (name, person) in &mut self.people {
            let found = users.get(name);
            let state = found.map(|user| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                assert_eq!(text(&user.title), text(&user.nick_name), "{name}: half of a change");
                assert_eq!(user.emails.len(), 1, "{name}: half of a person");
                let id = text(&user.id);
                State { mark: text(&user.title).parse().unwrap(), member: members.contains(&id) }
            });
            let possible = [Some(person.known), person.pending];
            assert!(possible.contains(&Some(state)), "{name} is {state:?}, which is none of {possible:?}");
            if let Some(id) = found.and_then(|user| user.id.clone()) {
                person.id = id;
            }
            (person.known, person.pending) = (state, None);
        }
        if let Some(pair) = self.pair.take() {
            let [one, other] = pair.map(|name| self.people[&name].known.map(|state| state.member));
            assert_eq!(one, other, "two members of one request");
        }
        let ours: BTreeSet<String> = self.names(|state| state.member).into_iter().collect();
        let ids: BTreeSet<String> = ours.iter().map(|name| self.people[name].id.clone()).collect();
        assert_eq!(members, ids, "members of a group that nobody else writes");
        self.people.retain(|_, person| person.known.is_some());
    }
}

fn user(name: &str, mark: u64) -> User {
    let mut user = User::new(name);
    (user.title, user.nick_name) = (Some(mark.to_string()), Some(mark.to_string()));
    user.emails = vec![scim_core::MultiValue::new(format!("{name}@example.com"))];
    user
}

/// Checks what answers do not show: the file is intact, no reference in it is dangling, and the change feed has the
/// version of each resource.
fn check_file(path: &str) {
    let file = Connection::open(path).unwrap();
    let check: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    for (what, sql) in [
        ("keys of nobody", "SELECT count(*) FROM scim_key WHERE seq NOT IN (SELECT seq FROM scim_resource)"),
        (
            "links to nobody",
            "SELECT count(*) FROM scim_link WHERE target NOT IN (SELECT seq FROM scim_resource)",
        ),
        (
            "links of nobody",
            "SELECT count(*) FROM scim_link WHERE owner NOT IN (SELECT seq FROM scim_resource)",
        ),
        (
            "resources without a document of theirs",
            "SELECT count(*) FROM scim_resource r LEFT JOIN scim_document d ON d.seq = r.seq
                WHERE d.id IS NOT r.id OR d.dormant IS NOT r.dormant",
        ),
        (
            "wrong totals",
            "SELECT count(*) FROM scim_count c WHERE n <>
                (SELECT count(*) FROM scim_resource r WHERE r.tenant = c.tenant AND r.kind = c.kind)",
        ),
        (
            "gaps in the change feed",
            "SELECT coalesce(max(seq) - min(seq) + 1 - count(*), 0) FROM scim_change",
        ),
        (
            "gaps in the numbers of a tenant's changes",
            "SELECT count(*) FROM (SELECT 1 FROM scim_change GROUP BY tenant
                HAVING max(number) - min(number) + 1 <> count(*))",
        ),
        (
            "resources of another version than the change feed says",
            "SELECT count(*) FROM scim_resource r CROSS JOIN scim_document d ON d.seq = r.seq LEFT JOIN
                (SELECT kind, id, max(seq), version FROM scim_change GROUP BY kind, id) c
                ON c.kind = r.kind AND c.id = r.id WHERE c.version IS NOT d.version",
        ),
    ] {
        let count: i64 = file.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answered_is_lost_and_nothing_is_half_there_however_often_the_server_dies() {
    let kills = std::env::var("SCIM_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(3);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("scim.db");
    let data = data.to_str().unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--token", "T", "--data", data];
    let program = env!("CARGO_BIN_EXE_standalone");
    let mut moment = Chance(0x2545_f491_4f6c_dd1d);
    let mut writers: Vec<Writer> = (0..CLIENTS).map(Writer::new).collect();
    let mut server = Server::start(program, &arguments).await;
    for writer in &mut writers {
        let group = Group::new(format!("group {}", writer.number));
        writer.group = server.client().groups().create(&group).await.unwrap().resource.id.unwrap();
    }
    for kill in 1..=kills {
        let client = server.client();
        let writing: Vec<_> =
            writers.drain(..).map(|writer| tokio::spawn(writer.write(client.clone()))).collect();
        tokio::time::sleep(Duration::from_micros(50_000 + moment.below(400_000) as u64)).await;
        server.kill().await;
        for writer in writing {
            writers.push(writer.await.unwrap());
        }

        server = Server::start(program, &arguments).await;
        let client = server.client();
        let users = client.users().all(&Query::new().count(100)).await.unwrap();
        let users = users.into_iter().map(|user| (user.user_name.clone(), user)).collect();
        for writer in &mut writers {
            writer.check(&client, &users).await;
        }
        let there: usize = writers.iter().map(|writer| writer.people.len()).sum();
        assert_eq!(users.len(), there, "kill {kill}: people whom nobody made");
    }
    let answered: u64 = writers.iter().map(|writer| writer.answered).sum();
    assert!(answered > 20 * kills, "{answered} writes were answered in {kills} rounds");
    println!("{kills} kills, {answered} answered writes");
    assert!(server.terminate().await.success());
    check_file(data);
}
