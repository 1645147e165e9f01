//! A server that answers from a list and records the requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use scim_client::{Client, ClientBuilder, Transport, TransportError};
use serde_json::Value;

pub(crate) const BASE: &str = "https://example.com/scim/v2";

#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Response<Bytes>>>,
    asked: Mutex<Vec<Request<Bytes>>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Response<Bytes>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(self: &Arc<Self>) -> ClientBuilder {
        Client::builder(BASE).bearer_token("t0p-secret").transport(self.clone())
    }

    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Methods and URIs below the base URL.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |request: &Request<Bytes>| {
            let uri = request.uri().to_string();
            format!("{} {}", request.method(), uri.strip_prefix(BASE).unwrap_or(&uri))
        };
        self.asked.lock().unwrap().iter().map(line).collect()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.asked.lock().unwrap().push(request);
        Ok(self.answers.lock().unwrap().pop_front().expect("one request too many"))
    }
}

pub(crate) fn json(status: u16, body: Value) -> Response<Bytes> {
    Response::builder().status(status).body(body.to_string().into()).unwrap()
}

pub(crate) fn empty(status: u16) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::new()).unwrap()
}

pub(crate) fn with(mut response: Response<Bytes>, name: &'static str, value: &str) -> Response<Bytes> {
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}
