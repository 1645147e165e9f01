//! The PATCH requests that are measured, carried out by our crates and by the peer that can.

use std::sync::Arc;

use peer_scim_server::RequestContext;
use peer_scim_server::providers::helpers::ScimPatchOperations;
use peer_scim_server::providers::{
    InMemoryStorage, ProviderError, ResourceProvider, StandardResourceProvider,
};
use scim_core::{Leniency, Limits, Reference, Resource, ResourceType, Timestamp, urn};
use scim_patch::{Changed, PatchPlan, PatchRequest};
use scim_server_traits::{Batch, Context, Get, Insert, Store, TenantId, Update};
use scim_store::MemoryStore;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::USER;

/// The sizes of the groups.
pub const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

const ID: &str = "2819c223-7f76-453a-919d-413861904646";
/// The user's name, and another one.
const NAMES: [&str; 2] = ["Babs Jensen", "Barbara Jensen"];

/// Returns the user of 1 kB.
pub fn user() -> Value {
    serde_json::from_str(USER).expect("JSON")
}

/// Makes a group with this many members, as a response shows it.
pub fn group(members: usize) -> Value {
    json!({
        "schemas": [urn::GROUP],
        "id": ID,
        "displayName": "Everybody",
        "members": (0..members).map(member).collect::<Vec<_>>(),
    })
}

fn member(number: usize) -> Value {
    json!({"value": id(number), "type": "User", "display": format!("Person {number}")})
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn body(operation: &Value) -> Value {
    json!({"schemas": [urn::PATCH_OP], "Operations": [operation]})
}

fn names() -> [Value; 2] {
    NAMES.map(|name| json!({"op": "replace", "path": "displayName", "value": name}))
}

/// Returns the operation that adds the member after the last one, and the one that removes it.
fn steps(members: usize) -> [Value; 2] {
    let path = format!("members[value eq \"{}\"]", id(members));
    [
        json!({"op": "add", "path": "members", "value": [member(members)]}),
        json!({"op": "remove", "path": path}),
    ]
}

/// Reads a request and binds it, as a server with the default leniency does.
pub fn compile(resource_type: &Arc<ResourceType>, body: &[u8]) -> PatchPlan {
    let request =
        PatchRequest::parse(body, &mut Leniency::INTEROP.into(), &Limits::default()).expect("a request");
    request.compile(resource_type, &mut Leniency::INTEROP.into()).expect("a plan")
}

/// A request as it is sent, and as it is carried out.
#[derive(Debug)]
struct Request {
    body: Vec<u8>,
    plan: PatchPlan,
}

impl Request {
    fn new(resource_type: &Arc<ResourceType>, operation: &Value) -> Self {
        let body = body(operation).to_string().into_bytes();
        Self { plan: compile(resource_type, &body), body }
    }
}

/// Two values that are used in turn, because each undoes the other.
#[derive(Debug)]
struct Pair<T> {
    both: [T; 2],
    second: bool,
}

impl<T> Pair<T> {
    fn new(both: [T; 2]) -> Self {
        Self { both, second: false }
    }

    fn next(&mut self) -> &T {
        self.second = !self.second;
        &self.both[usize::from(!self.second)]
    }
}

/// A user whose `displayName` our crates replace.
#[derive(Debug)]
pub struct OurUser {
    resource_type: Arc<ResourceType>,
    resource: Resource,
    requests: Pair<Request>,
}

impl OurUser {
    /// Makes the user of 1 kB.
    pub fn new() -> Self {
        let resource_type = ResourceType::user();
        let requests = other_first(names()).map(|operation| Request::new(&resource_type, &operation));
        let resource = Resource::from_canonical(user().as_object().expect("an object").clone());
        Self { resource_type, resource, requests: Pair::new(requests) }
    }

    /// Applies a plan that was made before.
    pub fn apply(&mut self) -> bool {
        matches!(self.requests.next().plan.apply(&mut self.resource), Ok(Changed::Yes(_)))
    }

    /// Reads, binds and applies a request.
    pub fn request(&mut self) -> bool {
        let plan = compile(&self.resource_type, &self.requests.next().body);
        matches!(plan.apply(&mut self.resource), Ok(Changed::Yes(_)))
    }
}

impl Default for OurUser {
    fn default() -> Self {
        Self::new()
    }
}

/// A user whose `displayName` `scim-server`'s operation replaces. It knows no schema and checks nothing.
pub struct TheirUser {
    provider: Provider,
    user: Value,
    operations: Pair<Value>,
}

type Provider = StandardResourceProvider<InMemoryStorage>;

impl TheirUser {
    /// Makes the user of 1 kB.
    pub fn new() -> Self {
        let provider = StandardResourceProvider::new(InMemoryStorage::new());
        Self { provider, user: user(), operations: Pair::new(other_first(names())) }
    }

    /// Carries out an operation.
    pub fn apply(&mut self) -> bool {
        self.provider.apply_patch_operation(&mut self.user, self.operations.next()).is_ok()
    }
}

impl Default for TheirUser {
    fn default() -> Self {
        Self::new()
    }
}

fn other_first<T>([name, other]: [T; 2]) -> [T; 2] {
    [other, name]
}

/// Our store in memory, with one resource that PATCH requests change.
#[derive(Debug)]
pub struct OurStore {
    runtime: Runtime,
    store: MemoryStore,
    context: Context,
    resource_type: Arc<ResourceType>,
    requests: Pair<Request>,
}

impl OurStore {
    /// Makes a store with the user of 1 kB, whose `displayName` is replaced.
    pub fn user() -> Self {
        let filled = Self::new(ResourceType::user(), other_first(names()));
        let user = Resource::from_canonical(user().as_object().expect("an object").clone());
        filled.commit(Batch::new(now()).insert(Insert::new(Arc::clone(&filled.resource_type), ID, user)));
        filled
    }

    /// Makes a store with a group of this many members, to which one more is added and removed again.
    pub fn group(members: usize) -> Self {
        let filled = Self::new(ResourceType::group(), steps(members));
        let users = ResourceType::user();
        let mut batch = Batch::new(now());
        for number in 0..=members {
            let document = json!({
                "schemas": [urn::USER],
                "userName": format!("person{number}@example.com"),
                "displayName": format!("Person {number}"),
            });
            batch = batch.insert(Insert::new(Arc::clone(&users), id(number), resource(document)));
        }
        let links = (0..members).map(|number| Reference::new(id(number))).collect();
        let document = json!({"schemas": [urn::GROUP], "displayName": "Everybody"});
        let group = Insert::new(Arc::clone(&filled.resource_type), ID, resource(document));
        filled.commit(batch.insert(group.with_links("members", links)));
        filled
    }

    fn new(resource_type: Arc<ResourceType>, operations: [Value; 2]) -> Self {
        let requests = operations.map(|operation| Request::new(&resource_type, &operation));
        Self {
            runtime: Builder::new_current_thread().build().expect("a runtime"),
            store: MemoryStore::new(),
            context: Context::new(TenantId::new("bench")),
            resource_type,
            requests: Pair::new(requests),
        }
    }

    fn commit(&self, batch: Batch) -> bool {
        let written = self.runtime.block_on(self.store.commit(&self.context, batch)).expect("a commit");
        written[0].changed
    }

    /// Carries out a plan that was made before.
    pub fn apply(&mut self) -> bool {
        let update = Self::update(&self.resource_type, &self.requests.next().plan);
        self.commit(update)
    }

    fn update(resource_type: &Arc<ResourceType>, plan: &PatchPlan) -> Batch {
        let update = Update::new(Arc::clone(resource_type), ID).with_relations(plan.relations().to_vec());
        Batch::new(now()).update(update)
    }

    /// Reads, binds and carries out a request. If it touches the document, the document is read from the store first.
    pub fn request(&mut self) -> bool {
        let plan = compile(&self.resource_type, &self.requests.next().body);
        if !plan.touches_document() {
            return self.commit(Self::update(&self.resource_type, &plan));
        }
        let get = self.store.get(&self.context, Get::new(Arc::clone(&self.resource_type), ID));
        let mut stored = self.runtime.block_on(get).expect("an answer").expect("a resource");
        plan.apply(&mut stored.resource).expect("it applies");
        let update = Update::new(Arc::clone(&self.resource_type), ID).with_resource(stored.resource);
        self.commit(Batch::new(now()).update(update))
    }
}

fn resource(document: Value) -> Resource {
    match document {
        Value::Object(map) => Resource::from_canonical(map),
        _ => Resource::default(),
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_305_600_000)
}

/// The provider of `scim-server` over its store in memory. Its requests are JSON values already.
pub struct TheirStore {
    runtime: Runtime,
    provider: Provider,
    context: RequestContext,
    kind: &'static str,
    requests: Pair<Value>,
}

impl TheirStore {
    /// Makes a store with the user of 1 kB, whose `displayName` is replaced.
    pub fn user() -> Self {
        Self::new("User", user(), other_first(names()))
    }

    /// Makes a store with a group of this many members, to which one more is added and removed again.
    ///
    /// Each request names all members, because this is the only way to the right result: `add` keeps only the members
    /// that it adds, and `remove` takes no filter.
    pub fn group(members: usize) -> Self {
        let all = |count: usize| {
            let members: Vec<Value> = (0..count).map(member).collect();
            json!({"op": "replace", "path": "members", "value": members})
        };
        Self::new("Group", group(members), [all(members + 1), all(members)])
    }

    /// Makes a store with a resource and 2 operations that are sent in turn.
    pub fn new(kind: &'static str, mut resource: Value, operations: [Value; 2]) -> Self {
        let theirs = Self {
            runtime: Builder::new_current_thread().build().expect("a runtime"),
            provider: StandardResourceProvider::new(InMemoryStorage::new()),
            context: RequestContext::with_generated_id(),
            kind,
            requests: Pair::new(operations.map(|operation| body(&operation))),
        };
        resource["id"] = ID.into();
        let create = theirs.provider.create_resource(kind, resource, &theirs.context);
        theirs.runtime.block_on(create).expect("a resource");
        theirs
    }

    /// Carries out a request.
    pub fn request(&mut self) -> bool {
        self.answer().is_ok()
    }

    /// Carries out a request and returns the resource.
    pub fn answer(&mut self) -> Result<Value, ProviderError> {
        let patch = self.provider.patch_resource(self.kind, ID, self.requests.next(), None, &self.context);
        let patched = self.runtime.block_on(patch)?;
        Ok(patched.resource().to_json().expect("JSON"))
    }
}
