//! The typed way in: a program of the same process reads and changes resources by the rules that HTTP has.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::StatusCode;
use scim_core::{Error, Projection, ResourceType, ScimResource};
use scim_filter::Filter;
use scim_patch::PatchRequest;
use scim_server_traits::{Context, Precondition, Seek, Sort, Stored};

use crate::call::{Call, Given, Input};
use crate::elements::Pieces;
use crate::etag::Conditions;
use crate::observe;
use crate::op::list::{Bind, Part};
use crate::op::read::missing;
use crate::op::{self, Outcome};
use crate::parameters::Parameters;
use crate::respond::wanted_relations;
use crate::route::Target;
use crate::server::{Server, Waiting};
use crate::shown::Shown;

/// The resources of one type, for a program of the same process.
///
/// Each call does what a request of the same kind does: it checks the schema and the uniqueness of values, forgives what
/// the server forgives, tries again when another writer was faster, and notes the context's principal and request as the
/// cause. It checks no token and no scope, because the program is trusted. What is returned is what an answer would show,
/// with `id` and `meta`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use scim_core::User;
/// use scim_server::{BearerTokens, Server};
/// use scim_server_traits::{Context, Principal, TenantId};
/// use scim_store::MemoryStore;
///
/// let store = Arc::new(MemoryStore::new());
/// let server = Server::builder(store, Arc::new(BearerTokens::new())).build().unwrap();
/// let context = Context::new(TenantId::new("octo")).with_principal(Principal::new("nightly job"));
/// let users = server.resources::<User>(&context)?;
///
/// let ada = users.create(&User::new("ada")).await?;
/// let id = ada.id.unwrap();
/// assert_eq!(users.find("userName eq \"ADA\"").await?.len(), 1);
/// assert_eq!(users.disable(&id).await?.active, Some(false));
/// assert_eq!(users.create(&User::new("Ada")).await.unwrap_err().status, 409);
/// users.delete(&id).await?;
/// # Ok::<_, scim_core::Error>(())
/// # }).unwrap();
/// ```
pub struct Resources<T> {
    server: Server,
    context: Context,
    resource_type: Arc<ResourceType>,
    precondition: Precondition,
    of: PhantomData<fn() -> T>,
}

impl Server {
    /// Returns the resources of a type, in the tenant of this context and in the name of its principal.
    ///
    /// # Errors
    ///
    /// 404 if the server has no type with the schema and the endpoint of `T`, and 403 if it is confined to another
    /// tenant.
    pub fn resources<T: ScimResource>(&self, context: &Context) -> Result<Resources<T>, Error> {
        let inner = self.inner();
        if inner.tenant.as_ref().is_some_and(|only| only != context.tenant()) {
            let detail = format!("this server does not serve the tenant `{}`", context.tenant());
            return Err(Error::new(StatusCode::FORBIDDEN, detail));
        }
        let is_type = |known: &&Arc<ResourceType>| {
            known.endpoint() == T::ENDPOINT && known.schema().id().eq_ignore_ascii_case(T::SCHEMA)
        };
        let Some(resource_type) = inner.registry.resource_types().iter().find(is_type) else {
            let detail =
                format!("no resource type has the schema `{}` and the endpoint `{}`", T::SCHEMA, T::ENDPOINT);
            return Err(Error::not_found(detail));
        };
        Ok(Resources {
            server: self.clone(),
            context: context.clone(),
            resource_type: Arc::clone(resource_type),
            precondition: Precondition::None,
            of: PhantomData,
        })
    }
}

impl<T: ScimResource> Resources<T> {
    /// Lets the next changes happen only to resources of this version, as `meta.version` says it.
    #[must_use]
    pub fn at_version(&self, version: &str) -> Self {
        Self { precondition: Conditions::of_version(version), ..self.clone() }
    }

    /// Creates a resource. Returns it with the `id` that it was given.
    ///
    /// # Errors
    ///
    /// Those of a `POST`, such as 409 `uniqueness`.
    pub async fn create(&self, resource: &T) -> Result<T, Error> {
        let target = Target::Create(Arc::clone(&self.resource_type));
        let Outcome { id, made, .. } = self.change(target, self.input(resource)?).await?;
        match made {
            Some(made) => {
                let (call, _waiting) = self.call();
                self.typed(&call, &call.parameters.projection(&self.resource_type)?, made)
            }
            None => self.get(&id).await,
        }
    }

    /// Reads a resource with all its links.
    ///
    /// # Errors
    ///
    /// 404 if there is none with this id.
    pub async fn get(&self, id: &str) -> Result<T, Error> {
        let (call, _waiting) = self.call();
        let projection = call.parameters.projection(&self.resource_type)?;
        let relations = wanted_relations(&self.resource_type, &projection);
        let get = call.server.get(&self.resource_type, id).with_relations(relations);
        let stored = call.server.store.get(&call.context, get).await?;
        self.typed(&call, &projection, stored.ok_or_else(|| missing(&self.resource_type, id))?)
    }

    /// Replaces a resource, and returns it as it is then.
    ///
    /// # Errors
    ///
    /// Those of a `PUT`, such as 404, and 412 if the resource has another version.
    pub async fn replace(&self, id: &str, resource: &T) -> Result<T, Error> {
        let target = Target::Replace(Arc::clone(&self.resource_type), id.to_owned());
        self.change(target, self.input(resource)?).await?;
        self.get(id).await
    }

    /// Changes parts of a resource, and returns it as it is then.
    ///
    /// # Errors
    ///
    /// Those of a `PATCH`, such as 404, 400 `noTarget`, and 412 if the resource has another version.
    pub async fn patch(&self, id: &str, request: &PatchRequest) -> Result<T, Error> {
        let target = Target::Patch(Arc::clone(&self.resource_type), id.to_owned());
        self.change(target, self.input(request)?).await?;
        self.get(id).await
    }

    /// Sets `active` to false.
    ///
    /// # Errors
    ///
    /// As for [`patch`](Self::patch).
    pub async fn disable(&self, id: &str) -> Result<T, Error> {
        self.patch(id, &PatchRequest::new().replace("active", false)).await
    }

    /// Deletes a resource, with all links from it and to it.
    ///
    /// # Errors
    ///
    /// 404 if there is none with this id, and 412 if it has another version.
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let target = Target::Delete(Arc::clone(&self.resource_type), id.to_owned());
        self.change(target, Input::Json(serde_json::Value::Null)).await.map(drop)
    }

    /// Returns all resources that match the filter, in the order of creation. They are read in pages.
    ///
    /// # Errors
    ///
    /// 400 `invalidFilter`, and 400 `tooMany` if too many resources would have to be looked at.
    pub async fn find(&self, filter: &str) -> Result<Vec<T>, Error> {
        let (mut call, mut _waiting) = self.call();
        let filter = call.reading(|lenience| Filter::parse_with(filter, lenience))?;
        let filter = Some((&filter, Filter::bind as Bind));
        let part = Part::new(&call, &call.parameters, &self.resource_type, filter, Sort::default())?;
        let Part { query, projection, .. } = part;
        let mut query = query.at_once(usize::MAX).page(0, call.server.max_page);
        let mut found = Vec::new();
        loop {
            let page = call.server.store.query(&call.context, query.clone()).await?;
            let Some(last) = page.matches.last() else { break };
            query.seek = Seek::After(last.position.clone());
            for found_here in page.into_resources() {
                found.push(self.typed(&call, &projection, found_here)?);
            }
            // Each page may cost what a request may.
            observe::report(&call.into_lenience());
            (call, _waiting) = self.call();
        }
        observe::report(&call.into_lenience());
        Ok(found)
    }

    /// Begins a call. Its work ends if the guard is dropped, as when the program no longer waits.
    fn call(&self) -> (Call<'_>, Waiting) {
        let inner = self.server.inner();
        let work = inner.limits.work();
        let context = self.context.clone().with_work(work.clone());
        (Call::new(inner, context, Parameters::default()), Waiting(work))
    }

    fn input(&self, value: &impl serde::Serialize) -> Result<Input, Error> {
        let name = self.resource_type.name();
        let failed =
            |error| Error::invalid_value(format!("the {name} could not be written as JSON: {error}"));
        Ok(Input::Json(serde_json::to_value(value).map_err(failed)?))
    }

    async fn change(&self, target: Target, input: Input) -> Result<Outcome, Error> {
        let (call, _waiting) = self.call();
        let given = Given { input, precondition: self.precondition.clone(), id: None, is_shown: true };
        let outcome = op::change(&call, target, given).await;
        observe::report(&call.into_lenience());
        outcome
    }

    fn typed(&self, call: &Call<'_>, projection: &Projection, stored: Stored) -> Result<T, Error> {
        let mut pieces = Pieces::default();
        Shown::new(call.server, &self.resource_type, stored).write(&mut pieces, projection)?;
        let name = self.resource_type.name();
        let failed =
            |error| Error::internal(format!("the stored {name} does not fit its Rust type: {error}"));
        serde_json::from_slice(pieces.end()).map_err(failed)
    }
}

// A derive would ask that `T` is `Clone`.
impl<T> Clone for Resources<T> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            context: self.context.clone(),
            resource_type: Arc::clone(&self.resource_type),
            precondition: self.precondition.clone(),
            of: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Resources<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources").field("resource_type", &self.resource_type.name()).finish_non_exhaustive()
    }
}
