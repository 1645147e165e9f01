//! Nothing is lost silently. If a request succeeds, each of its values is there, had its effect, or is named as passed
//! over, and nothing else is removed. The test covers every preset and every writing operation, with a judge that knows
//! nothing of the engine.

mod cases;
mod judge;
mod table;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use http::Method;
use proptest::prelude::*;
use scim_core::{Leniency, Registry, ResourceType, Schema};
use scim_server::Server;
use scim_server_traits::{Context, Me};
use scim_store::MemoryStore;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::cases::{Operation, Request, Tape};
use self::judge::Exchange;
use self::table::{Attr, USER, odd_schema};
use crate::client::{PATCH_OP, Reply, call, get, on, post, user};

/// A server with one preset, and users as targets of links.
struct Subject {
    name: &'static str,
    server: Server,
    ids: Vec<String>,
    mine: Arc<Mutex<Option<String>>>,
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().unwrap());

/// The next number for a user's name.
static UNIQUE: AtomicUsize = AtomicUsize::new(0);

static SUBJECTS: LazyLock<Vec<Subject>> = LazyLock::new(|| {
    Leniency::PRESETS.iter().map(|(name, leniency)| Subject::new(name, *leniency)).collect()
});

/// What was sent, the names that the answer lists as passed over (`None` if it was refused), and the answer.
type Sent = (Value, Option<Vec<String>>, Reply);

impl Subject {
    fn new(name: &'static str, leniency: Leniency) -> Self {
        let schema = Schema::from_json(odd_schema()).unwrap();
        let user_type = ResourceType::user().with_extension(schema.into(), false).unwrap();
        let registry = Registry::builder()
            .resource_type(user_type.into())
            .resource_type(ResourceType::group())
            .build()
            .unwrap();
        let mine = Arc::new(Mutex::new(None));
        let known = Arc::clone(&mine);
        let me = move |_: &Context| known.lock().unwrap().clone().map(|id| Me::new("User", id));
        let builder = on(Arc::new(MemoryStore::new())).registry(registry).leniency(leniency).me(me);
        let server = builder.build().unwrap();
        let ids = RUNTIME.block_on(async {
            let mut ids = Vec::new();
            for name in ["t1", "t2", "t3"] {
                ids.push(user(&server, name).await);
            }
            ids
        });
        Self { name, server, ids, mine }
    }

    async fn send(&self, endpoint: &str, id: &str, request: &Request, how: usize) -> Sent {
        let (method, body) = match request {
            Request::Create(body) => (Method::POST, body.clone()),
            Request::Replace(body) => (Method::PUT, body.clone()),
            Request::Patch(operations) => {
                let operations: Vec<Value> = operations.iter().map(Operation::to_value).collect();
                (Method::PATCH, json!({"schemas": [PATCH_OP], "Operations": operations}))
            }
        };
        let is_create = method == Method::POST;
        let path = if is_create { endpoint.to_owned() } else { format!("{endpoint}/{id}") };
        if how == 1 {
            let mut operation = json!({"method": method.as_str(), "path": path, "data": body});
            if is_create {
                operation["bulkId"] = "b".into();
            }
            let bulk = json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": [operation]});
            let reply = post(&self.server, "/Bulk", bulk).await;
            let result = &reply.body["Operations"][0];
            let is_done = result["status"].as_str().is_some_and(|status| status.starts_with('2'));
            let names = result["passedOver"].as_array().into_iter().flatten();
            let told = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
            return (body, is_done.then_some(told), reply);
        }
        let path = if how == 2 && endpoint == "/Users" && !is_create { "/Me".to_owned() } else { path };
        let reply = call(&self.server, method, &path, Some(body.clone())).await;
        let told = reply.header("scim-passed-over").split(", ").filter(|name| !name.is_empty());
        let told = told.map(|name| name.trim_matches('"').to_owned()).collect();
        (body, reply.status.is_success().then_some(told), reply)
    }

    async fn judge(&self, numbers: &[u8]) -> Result<bool, String> {
        let mut tape = Tape { numbers, at: 0, ids: &self.ids };
        let attributes: &[Attr] = tape.attributes();
        let endpoint = if attributes.len() == USER.len() { "/Users" } else { "/Groups" };
        let how = tape.below(3);
        let unique = UNIQUE.fetch_add(2, Ordering::Relaxed);
        let first = tape.resource(attributes, unique);
        let made = post(&self.server, endpoint, first.clone()).await;
        assert_eq!(made.status, 201, "{}: {first}: {made:?}", self.name);
        let id = made.id();
        let before = get(&self.server, &format!("{endpoint}/{id}")).await.body;
        let request = tape.request(attributes, unique + 1);
        *self.mine.lock().unwrap() = Some(id.clone());
        let (sent, told, reply) = self.send(endpoint, &id, &request, how).await;
        *self.mine.lock().unwrap() = None;
        let outcome = match &told {
            None => {
                let after = get(&self.server, &format!("{endpoint}/{id}")).await.body;
                if after == before { Ok(()) } else { Err("refused, and something is different".to_owned()) }
            }
            Some(told) => {
                let changed = match &request {
                    Request::Create(_) if how == 1 => {
                        let location = reply.body["Operations"][0]["location"].as_str().unwrap_or_default();
                        location.rsplit('/').next().unwrap_or_default().to_owned()
                    }
                    Request::Create(_) => reply.id(),
                    _ => id.clone(),
                };
                let after = get(&self.server, &format!("{endpoint}/{changed}")).await.body;
                if changed != id {
                    call(&self.server, Method::DELETE, &format!("{endpoint}/{changed}"), None).await;
                }
                let lenient = self.name != "strict";
                Exchange { attributes, before: &before, request: &request, after: &after, told, lenient }
                    .judge()
                    .map_err(|error| format!("{error}\nafter: {after}"))
            }
        };
        call(&self.server, Method::DELETE, &format!("{endpoint}/{id}"), None).await;
        outcome.map(|()| told.is_some()).map_err(|error| {
            format!("{}: {error}\nbefore: {before}\nrequest: {sent}\nanswer: {}", self.name, reply.body)
        })
    }
}

fn cases(many: u32) -> ProptestConfig {
    let cases = std::env::var("LAW_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(many);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(20_000))]

    /// RFC 7643 §2.5, RFC 7644 §3.5.
    #[test]
    fn nothing_is_lost_silently(preset in 0..Leniency::PRESETS.len(), numbers in proptest::collection::vec(any::<u8>(), 20..160)) {
        let judged = RUNTIME.block_on(SUBJECTS[preset].judge(&numbers));
        prop_assert!(judged.is_ok(), "{}", judged.unwrap_err());
    }
}

/// If no request succeeded, the judge would judge nothing.
#[test]
fn many_of_the_requests_are_answered_with_success() {
    let subject = Subject::new("interop", Leniency::INTEROP);
    let mut seen = 0;
    let mut number = 7_u32;
    for _ in 0..300 {
        let numbers: Vec<u8> = (0..100)
            .map(|_| {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (number >> 24) as u8
            })
            .collect();
        seen += usize::from(RUNTIME.block_on(subject.judge(&numbers)).unwrap_or(true));
    }
    assert!(seen > 90, "only {seen} of 300");
}
