//! A small service provider: maps, and only the forms that the engine sends.
//!
//! It does not use the project's server, so that a mistake in that server cannot hide one here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use scim_client::{Client, Transport, TransportError};
use scim_provision::{Directory, Engine, NoProgress, Options, ProvisionError, Report, Sleeper};
use serde_json::{Map, Value, json};

const BASE: &str = "https://target.example/scim/v2";

/// What may happen to a request instead of the normal answer.
pub(crate) enum Mishap {
    /// The server sends this answer and does nothing.
    Answer(Response<Bytes>),
    /// The server carries out the request, and the answer is lost.
    LostAnswer,
    /// The server carries out the request, and a gateway answers in HTML.
    Garbled,
}

type Trap = Box<dyn FnMut(&Request<Bytes>) -> Option<Mishap> + Send>;

#[derive(Default)]
pub(crate) struct Fake {
    /// Whether suspended members are hidden, as GitHub does.
    // E-49
    hides_suspended: bool,
    state: Mutex<State>,
    trap: Mutex<Option<Trap>>,
    log: Mutex<Vec<(String, Value)>>,
    slept: Mutex<Vec<Duration>>,
}

#[derive(Default)]
struct State {
    users: BTreeMap<String, Value>,
    groups: BTreeMap<String, Value>,
    last_id: u32,
}

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub(crate) fn hiding_suspended() -> Arc<Self> {
        Arc::new(Self { hides_suspended: true, ..Self::default() })
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        Client::builder(BASE).bearer_token("t").transport(self.clone()).build().unwrap()
    }

    pub(crate) async fn try_run(
        self: &Arc<Self>,
        directory: &Directory,
        options: Options,
    ) -> Result<Report, ProvisionError> {
        let engine = Engine::new(self.client(), options).sleeper(Arc::new(Nap(self.clone())));
        engine.run(directory, &NoProgress).await
    }

    /// Runs once with the default options. Nothing may fail.
    pub(crate) async fn run(self: &Arc<Self>, directory: &Directory) -> Report {
        let report = self.try_run(directory, Options::default()).await.unwrap();
        assert_eq!(report.failures, [], "{report:?}");
        report
    }

    /// Runs when nothing is left to do. Afterwards the target must agree with the directory.
    #[track_caller]
    pub(crate) fn at_rest(self: &Arc<Self>, directory: &Directory) -> impl Future<Output = ()> {
        let (fake, directory) = (self.clone(), directory.clone());
        async move {
            fake.forget();
            let report = fake.run(&directory).await;
            assert!(!report.changed(), "{report:?}");
            assert_eq!(fake.writes(), Vec::<String>::new());
            let differences = scim_provision::verify(&fake.client(), &directory).await.unwrap();
            assert_eq!(differences, []);
        }
    }

    pub(crate) fn trap(&self, trap: impl FnMut(&Request<Bytes>) -> Option<Mishap> + Send + 'static) {
        *self.trap.lock().unwrap() = Some(Box::new(trap));
    }

    pub(crate) fn no_trap(&self) {
        *self.trap.lock().unwrap() = None;
    }

    pub(crate) fn forget(&self) {
        self.log.lock().unwrap().clear();
        self.slept.lock().unwrap().clear();
    }

    pub(crate) fn log(&self) -> Vec<(String, Value)> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().map(|(line, _)| line.clone()).filter(|line| !line.starts_with("GET")).collect()
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }

    pub(crate) fn user(&self, user_name: &str) -> Option<Value> {
        self.state.lock().unwrap().users.values().find(|user| user["userName"] == user_name).cloned()
    }

    /// Returns the user names of a group's members, whether they are shown or hidden.
    pub(crate) fn members(&self, name: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let group = state.groups.values().find(|group| group["displayName"] == name).unwrap();
        let ids = group["members"].as_array().cloned().unwrap_or_default();
        let name = |member: &Value| {
            state.users[member["value"].as_str().unwrap()]["userName"].as_str().unwrap().to_owned()
        };
        let mut names: Vec<_> = ids.iter().map(name).collect();
        names.sort();
        names
    }

    /// Creates a user without the engine.
    pub(crate) fn plant_user(&self, user: Value) -> String {
        self.state.lock().unwrap().insert(true, user)
    }

    /// Adds a member to a group without the engine.
    pub(crate) fn plant_member(&self, group: &str, id: &str) {
        let mut state = self.state.lock().unwrap();
        let group = state.groups.values_mut().find(|entry| entry["displayName"] == group).unwrap();
        group["members"].as_array_mut().unwrap().push(json!({"value": id}));
    }
}

struct Nap(Arc<Fake>);

#[async_trait]
impl Sleeper for Nap {
    async fn sleep(&self, duration: Duration) {
        self.0.slept.lock().unwrap().push(duration);
    }
}

#[async_trait]
impl Transport for Fake {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        tokio::task::yield_now().await;
        let path = request.uri().to_string().replace(BASE, "");
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        self.log.lock().unwrap().push((format!("{} {path}", request.method()), body));
        match self.trap.lock().unwrap().as_mut().and_then(|trap| trap(&request)) {
            Some(Mishap::Answer(response)) => return Ok(response),
            Some(Mishap::LostAnswer) => {
                self.state.lock().unwrap().answer(&request, self.hides_suspended);
                return Err(TransportError::Timeout("lost".into()));
            }
            Some(Mishap::Garbled) => {
                self.state.lock().unwrap().answer(&request, self.hides_suspended);
                return Ok(Response::new("<html>".into()));
            }
            None => {}
        }
        Ok(self.state.lock().unwrap().answer(&request, self.hides_suspended))
    }
}

impl State {
    fn answer(&mut self, request: &Request<Bytes>, hides_suspended: bool) -> Response<Bytes> {
        let url = url::Url::parse(&request.uri().to_string()).unwrap();
        let mut segments = url.path_segments().unwrap().skip(2);
        let users = segments.next() == Some("Users");
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        match (request.method(), segments.next()) {
            (&Method::GET, None) => self.list(users, &query, hides_suspended),
            (&Method::GET, Some(id)) => match self.map(users).get(id).cloned() {
                Some(entry) => json_answer(200, self.shown(entry, &query, hides_suspended)),
                None => error(404, "no such resource"),
            },
            (&Method::POST, None) => self.create(users, body),
            (&Method::PATCH, Some(id)) => self.patch(users, id, body),
            (&Method::DELETE, Some(id)) => match self.map(users).remove(id) {
                Some(_) => {
                    for group in self.groups.values_mut() {
                        group["members"].as_array_mut().unwrap().retain(|member| member["value"] != id);
                    }
                    json_answer(204, Value::Null)
                }
                None => error(404, "no such resource"),
            },
            _ => error(405, "no such method"),
        }
    }

    fn map(&mut self, users: bool) -> &mut BTreeMap<String, Value> {
        if users { &mut self.users } else { &mut self.groups }
    }

    fn list(&mut self, users: bool, query: &BTreeMap<String, String>, hides: bool) -> Response<Bytes> {
        let filter = query.get("filter").map(|filter| {
            let (attribute, value) = filter.split_once(" eq ").unwrap();
            (attribute, serde_json::from_str::<Value>(value).unwrap())
        });
        let matches = |entry: &&Value| filter.as_ref().is_none_or(|(name, value)| entry[name] == *value);
        let entries: Vec<&Value> = self.map(users).values().filter(matches).collect();
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let (start, total) = (number("startIndex").unwrap_or(1), entries.len());
        // A page has fewer resources than asked for, as with real servers.
        let count = number("count").unwrap_or(30).min(30);
        let page: Vec<_> = entries.into_iter().skip(start - 1).take(count).cloned().collect();
        let page: Vec<_> = page.into_iter().map(|entry| self.shown(entry, query, hides)).collect();
        json_answer(
            200,
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total,
                   "startIndex": start, "itemsPerPage": page.len(), "Resources": page}),
        )
    }

    fn shown(&self, mut entry: Value, query: &BTreeMap<String, String>, hides: bool) -> Value {
        if query.get("excludedAttributes").is_some_and(|names| names == "members") {
            entry.as_object_mut().unwrap().remove("members");
        } else if let (true, Some(members)) = (hides, entry["members"].as_array_mut()) {
            members.retain(|member| self.users[member["value"].as_str().unwrap()]["active"] == true);
        }
        entry
    }

    fn create(&mut self, users: bool, body: Value) -> Response<Bytes> {
        let taken = |entry: &Value| {
            ["userName", "externalId"].iter().any(|name| !body[name].is_null() && entry[name] == body[name])
        };
        if self.map(users).values().any(taken) {
            return error(409, "userName or externalId is taken");
        }
        let id = self.insert(users, body);
        json_answer(201, self.map(users)[&id].clone())
    }

    fn insert(&mut self, users: bool, mut body: Value) -> String {
        self.last_id += 1;
        let id = format!("{}-{:04}", if users { "u" } else { "g" }, self.last_id);
        body["id"] = id.clone().into();
        if !users {
            assert!(body.get("members").is_none(), "Entra creates empty groups");
            body["members"] = json!([]);
        }
        self.map(users).insert(id.clone(), body);
        id
    }

    fn patch(&mut self, users: bool, id: &str, body: Value) -> Response<Bytes> {
        let Some(mut entry) = self.map(users).get(id).cloned() else { return error(404, "no such resource") };
        for operation in body["Operations"].as_array().unwrap() {
            let op = operation["op"].as_str().unwrap().to_lowercase();
            let one;
            let values: &Map<String, Value> = match operation["path"].as_str() {
                Some(path) => {
                    one = Map::from_iter([(path.to_owned(), operation["value"].clone())]);
                    &one
                }
                None => operation["value"].as_object().unwrap(),
            };
            for (path, value) in values {
                if path.starts_with("members") {
                    if let Some(refused) = self.patch_members(&mut entry, &op, path, value) {
                        return refused;
                    }
                } else {
                    set(&mut entry, path, value.clone());
                }
            }
        }
        self.map(users).insert(id.to_owned(), entry.clone());
        if users { json_answer(200, entry) } else { json_answer(204, Value::Null) }
    }

    fn patch_members(
        &self,
        group: &mut Value,
        op: &str,
        path: &str,
        value: &Value,
    ) -> Option<Response<Bytes>> {
        let members = group["members"].as_array_mut().unwrap();
        let ids: Vec<String> = match path.strip_prefix("members[value eq ") {
            Some(filter) => vec![serde_json::from_str(filter.strip_suffix(']').unwrap()).unwrap()],
            None => {
                let values = value.as_array().unwrap();
                values.iter().map(|value| value["value"].as_str().unwrap().to_owned()).collect()
            }
        };
        for id in ids {
            let at = members.iter().position(|member| member["value"] == id.as_str());
            match (op, at) {
                ("add", None) if self.users.contains_key(&id) => members.push(json!({"value": id})),
                ("add", None) => return Some(error(400, "no such member")),
                ("remove", Some(at)) => drop(members.remove(at)),
                _ => {}
            }
        }
        None
    }
}

fn set(entry: &mut Value, path: &str, value: Value) {
    if path == "active" {
        let text = value.as_str().map(|text| json!(text.eq_ignore_ascii_case("true")));
        entry["active"] = text.unwrap_or(value);
    } else if path.starts_with("emails[") {
        assert_eq!(path, "emails[type eq \"work\"].value");
        match entry["emails"].as_array_mut().and_then(|emails| emails.first_mut()) {
            Some(email) => email["value"] = value,
            None => entry["emails"] = json!([{"type": "work", "value": value}]),
        }
    } else if let Some((urn, attribute)) = path.rsplit_once(':') {
        let value = if attribute == "manager" && value.is_string() { json!({"value": value}) } else { value };
        entry[urn][attribute] = value;
    } else if let Some((attribute, sub)) = path.split_once('.') {
        entry[attribute][sub] = value;
    } else {
        entry[path] = value;
    }
}

pub(crate) fn error(status: u16, detail: &str) -> Response<Bytes> {
    json_answer(
        status,
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
               "status": status.to_string(), "detail": detail}),
    )
}

fn json_answer(status: u16, body: Value) -> Response<Bytes> {
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    Response::builder().status(status).body(body).unwrap()
}

/// Five people and two groups.
pub(crate) fn northwind() -> Directory {
    let person = |id: &str, given: &str, surname: &str| {
        let name = format!("{}.{}@northwind.example", given.to_lowercase(), surname.to_lowercase());
        json!({"id": id, "userPrincipalName": name, "displayName": format!("{given} {surname}"), "givenName": given,
               "surname": surname, "mail": name, "department": "R&D", "role": "user"})
    };
    let mut users = vec![
        person("p1", "Ada", "Okafor"),
        person("p2", "Begoña", "Peña"),
        person("p3", "Caio", "Falcão"),
        person("p4", "Dana", "O'Neil \"D\""),
        person("p5", "Emeka", "Eze"),
    ];
    for user in &mut users[1..] {
        user["manager"] = "p1".into();
    }
    let groups = json!([{"id": "t1", "displayName": "All", "members": ["p1", "p2", "p3", "p4", "p5"]},
                        {"id": "t2", "displayName": "Some", "members": ["p1", "p2"]}]);
    Directory::from_json(json!({"users": users, "groups": groups}).to_string().as_bytes()).unwrap()
}
