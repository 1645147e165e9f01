//! The resources at one endpoint.

use std::fmt;
use std::fmt::Display;
use std::marker::PhantomData;

use bytes::Bytes;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use scim_core::ListResponse;
use scim_patch::PatchRequest;

use crate::answer::{decode_list, is_blank, unreadable};
use crate::bounds::Bounds;
use crate::client::{Call, Client, location};
use crate::error::ClientError;
use crate::pages::Pages;
use crate::query::{Query, View};
use crate::stored::Stored;

/// The resources at one endpoint, read and written as `R`. It is `Copy`.
pub struct Endpoint<'a, R> {
    client: &'a Client,
    path: &'a str,
    resource: PhantomData<fn() -> R>,
}

impl<'a, R> Endpoint<'a, R> {
    pub(crate) fn new(client: &'a Client, path: &'a str) -> Self {
        Self { client, path, resource: PhantomData }
    }

    /// Deletes a resource.
    ///
    /// # Errors
    ///
    /// - [`ClientError::InvalidId`] when `id` cannot be part of a path
    /// - [`ClientError::Transport`] when no answer came
    /// - [`ClientError::Status`] for an answer of 400 and above (404 if there is no such resource)
    pub async fn delete(self, id: &str) -> Result<(), ClientError> {
        self.client.call(self.one(Method::DELETE, id)?).await.map(drop)
    }

    /// Deletes a resource if its version is still the one of this entity tag.
    ///
    /// # Errors
    ///
    /// The errors of [`delete`](Self::delete), and [`ClientError::Header`] when `etag` cannot be sent. If the resource
    /// has another version, [`ClientError::Status`] with 412.
    pub async fn delete_if(self, id: &str, etag: &str) -> Result<(), ClientError> {
        self.client.call(self.one(Method::DELETE, id)?.condition(IF_MATCH, etag)?).await.map(drop)
    }

    fn all_of_them(self, suffix: &str) -> String {
        format!("{}{suffix}", self.client.base().endpoint(self.path))
    }

    fn one(self, method: Method, id: &str) -> Result<Call, ClientError> {
        Ok(Call::new(method, self.client.base().resource(self.path, id)?))
    }
}

impl<'a, R: Serialize + DeserializeOwned> Endpoint<'a, R> {
    /// Creates a resource and returns it as the server stored it.
    ///
    /// If the server answers 201 without a body, the resource is read from the `Location` of the answer.
    ///
    /// # Errors
    ///
    /// - [`ClientError::Encode`] when `resource` cannot be written as JSON
    /// - [`ClientError::Transport`] when no answer came
    /// - [`ClientError::Status`] for an answer of 400 and above (409 when a unique value is taken)
    /// - [`ClientError::Decode`] for a body that is not such a resource
    // CLI-029
    pub async fn create(self, resource: &R) -> Result<Stored<R>, ClientError> {
        let url = self.all_of_them("");
        let response = self.client.call(Call::new(Method::POST, url.clone()).json(resource)?).await?;
        if let (true, Some(location)) = (is_blank(response.body()), location(&response)) {
            let url = self.client.base().follow(&url, location)?;
            return self.stored(&self.client.call(Call::get(url)).await?);
        }
        self.stored(&response)
    }

    /// Reads a resource.
    ///
    /// # Errors
    ///
    /// - [`ClientError::InvalidId`] when `id` cannot be part of a path
    /// - [`ClientError::Transport`] when no answer came
    /// - [`ClientError::Status`] for an answer of 400 and above (404 if there is no such resource)
    /// - [`ClientError::Decode`] for a body that is not such a resource
    pub async fn get(self, id: &str) -> Result<Stored<R>, ClientError> {
        self.get_with(id, &View::All).await
    }

    /// Reads some attributes of a resource.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    pub async fn get_with(self, id: &str, view: &View) -> Result<Stored<R>, ClientError> {
        let url = format!("{}{}", self.client.base().resource(self.path, id)?, view.to_url());
        self.stored(&self.client.call(Call::get(url)).await?)
    }

    /// Reads a resource, or returns `None` if its version is still the one of this entity tag.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get), and [`ClientError::Header`] when `etag` cannot be sent.
    // CLI-027
    pub async fn get_if_changed(self, id: &str, etag: &str) -> Result<Option<Stored<R>>, ClientError> {
        let call = self.one(Method::GET, id)?.condition(IF_NONE_MATCH, etag)?;
        match self.client.call(call).await {
            Ok(response) => self.stored(&response).map(Some),
            Err(error) if error.status() == Some(StatusCode::NOT_MODIFIED) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads one page.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`] when no answer came, [`ClientError::Status`] for an answer of 400 and above, and
    /// [`ClientError::Decode`] for a body that is not what was asked for.
    pub async fn list(self, query: &Query) -> Result<ListResponse<R>, ClientError> {
        decode_list(&self.list_body(query).await?, self.bounds(), query)
    }

    /// Reads one page by `POST …/.search`, which keeps personal data out of URLs.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`] when no answer came, [`ClientError::Status`] for an answer of 400 and above, and
    /// [`ClientError::Decode`] for a body that is not what was asked for.
    // CLI-024
    pub async fn search(self, query: &Query) -> Result<ListResponse<R>, ClientError> {
        let call = Call::new(Method::POST, self.all_of_them("/.search")).json(query)?;
        decode_list(self.client.call(call).await?.body(), self.bounds(), query)
    }

    /// Reads the one resource that matches.
    ///
    /// [`filter_eq`](crate::filter_eq) writes the most common filter.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), and [`ClientError::Ambiguous`] when several match.
    pub async fn find(self, filter: impl Display) -> Result<Option<Stored<R>>, ClientError> {
        self.find_with(filter, &View::All).await
    }

    /// Reads some attributes of the one resource that matches.
    ///
    /// # Errors
    ///
    /// The errors of [`find`](Self::find).
    pub async fn find_with(
        self,
        filter: impl Display,
        view: &View,
    ) -> Result<Option<Stored<R>>, ClientError> {
        let query = Query::new().filter(filter).view(view.clone());
        let body = self.list_body(&query).await?;
        let mut found: ListResponse<Value> = decode_list(&body, self.bounds(), &query)?;
        let matches = found.total_results.max(found.resources.len() as u64);
        if matches > 1 {
            return Err(ClientError::Ambiguous { filter: query.filter_text().to_owned(), matches });
        }
        let read = |resource| Stored::from_value(resource).map_err(|error| unreadable(error, body));
        found.resources.pop().map(read).transpose()
    }

    /// Begins to read all resources that match, page by page, from the query's `start_index` on.
    ///
    /// The query's `count` is the size of a page. A list that does not end is an error: see [`Pages`].
    pub fn pages(self, query: &Query) -> Pages<'a, R> {
        Pages::new(self, query.clone())
    }

    /// Reads all resources that match, however many pages that takes; see [`Endpoint::pages`].
    ///
    /// # Errors
    ///
    /// The errors of [`Pages::next_page`](crate::Pages::next_page).
    pub async fn all(self, query: &Query) -> Result<Vec<R>, ClientError> {
        let mut pages = self.pages(query);
        let mut all = Vec::new();
        while let Some(page) = pages.next_page().await? {
            all.extend(page);
        }
        Ok(all)
    }

    /// Replaces a resource and clears every attribute that `resource` does not have.
    ///
    /// `resource` must have every required attribute, and it may have read-only ones.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get), and [`ClientError::Encode`] when `resource` cannot be written as JSON.
    // CLI-012, CLI-008
    pub async fn replace(self, id: &str, resource: &R) -> Result<Stored<R>, ClientError> {
        self.put(self.one(Method::PUT, id)?.json(resource)?, id).await
    }

    /// Replaces a resource if its version is still the one of this entity tag.
    ///
    /// # Errors
    ///
    /// The errors of [`replace`](Self::replace), and [`ClientError::Header`] when `etag` cannot be sent. If the
    /// resource has another version, [`ClientError::Status`] with 412.
    pub async fn replace_if(self, id: &str, resource: &R, etag: &str) -> Result<Stored<R>, ClientError> {
        self.put(self.one(Method::PUT, id)?.json(resource)?.condition(IF_MATCH, etag)?, id).await
    }

    /// Changes a resource. `None` means that the server did so and sent no resource back.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    // CLI-028
    pub async fn patch(self, id: &str, request: &PatchRequest) -> Result<Option<Stored<R>>, ClientError> {
        self.change(self.one(Method::PATCH, id)?.json(request)?).await
    }

    /// Changes a resource if its version is still the one of this entity tag.
    ///
    /// # Errors
    ///
    /// The errors of [`patch`](Self::patch), and [`ClientError::Header`] when `etag` cannot be sent. If the resource
    /// has another version, [`ClientError::Status`] with 412.
    pub async fn patch_if(
        self,
        id: &str,
        request: &PatchRequest,
        etag: &str,
    ) -> Result<Option<Stored<R>>, ClientError> {
        self.change(self.one(Method::PATCH, id)?.json(request)?.condition(IF_MATCH, etag)?).await
    }

    /// Changes a resource with a PATCH body that is sent unchanged, for example in a vendor's dialect.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    pub async fn patch_json(self, id: &str, body: &Value) -> Result<Option<Stored<R>>, ClientError> {
        self.change(self.one(Method::PATCH, id)?.json(body)?).await
    }

    pub(crate) async fn list_body(self, query: &Query) -> Result<Bytes, ClientError> {
        let call = Call::get(self.all_of_them(&query.to_url()));
        Ok(self.client.call(call).await?.into_body())
    }

    pub(crate) fn bounds(self) -> &'a Bounds {
        self.client.bounds()
    }

    async fn put(self, call: Call, id: &str) -> Result<Stored<R>, ClientError> {
        let response = self.client.call(call).await?;
        if is_blank(response.body()) { self.get(id).await } else { self.stored(&response) }
    }

    async fn change(self, call: Call) -> Result<Option<Stored<R>>, ClientError> {
        let response = self.client.call(call).await?;
        if is_blank(response.body()) { Ok(None) } else { self.stored(&response).map(Some) }
    }

    fn stored(self, response: &Response<Bytes>) -> Result<Stored<R>, ClientError> {
        Stored::read(response.headers(), response.body(), self.bounds())
    }
}

impl<R> Copy for Endpoint<'_, R> {}

impl<R> Clone for Endpoint<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> fmt::Debug for Endpoint<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("client", self.client).field("path", &self.path).finish()
    }
}
