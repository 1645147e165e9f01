//! A server that is killed during a provisioning run loses nothing that it answered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use scim_client::{Client, Query, ReqwestTransport, Transport, TransportError};
use scim_provision::{Engine, NoProgress, Options, verify};
use serde_json::Value;
use tokio::sync::Notify;

use crate::server::{Server, directory};

/// The writes that the server answered: ids that it issued, and members that it added.
#[derive(Default)]
struct Answered {
    created: Vec<String>,
    members: Vec<(String, String)>,
}

/// Records every answered write, and signals when there were enough.
struct Witness {
    inner: ReqwestTransport,
    answered: Mutex<Answered>,
    writes: AtomicUsize,
    enough: usize,
    reached: Notify,
}

#[async_trait]
impl Transport for Witness {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (method, path, body) =
            (request.method().clone(), request.uri().path().to_owned(), request.body().clone());
        let response = self.inner.send(request).await?;
        if response.status().is_success() && method != Method::GET {
            self.note(&method, &path, &body, response.body());
            if self.writes.fetch_add(1, Ordering::SeqCst) + 1 == self.enough {
                self.reached.notify_one();
            }
        }
        Ok(response)
    }
}

impl Witness {
    fn note(&self, method: &Method, path: &str, request: &[u8], response: &[u8]) {
        let mut answered = self.answered.lock().unwrap();
        if *method == Method::POST {
            let body: Value = serde_json::from_slice(response).unwrap();
            answered.created.push(body["id"].as_str().unwrap().to_owned());
        } else if let Some((_, group)) = path.split_once("/Groups/") {
            let body: Value = serde_json::from_slice(request).unwrap();
            for operation in body["Operations"].as_array().unwrap() {
                let values = operation["value"].as_array().into_iter().flatten();
                for member in values.filter_map(|value| value["value"].as_str()) {
                    answered.members.push((group.to_owned(), member.to_owned()));
                }
            }
        }
    }
}

/// Returns after how many answered writes the server is killed.
///
/// That is in the middle of the people, near their end, and in the middle of the members. With `SCIM_KILLS=50` it is 50
/// points over the whole run.
fn moments() -> Vec<usize> {
    match std::env::var("SCIM_KILLS").ok().and_then(|kills| kills.parse::<usize>().ok()) {
        Some(kills) => (1..=kills).map(|kill| kill * 1_060 / kills).collect(),
        None => vec![150, 900, 1_045],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answered_writes_survive_sigkill_and_the_next_run_finishes() {
    let directory = directory();
    for enough in moments() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("enterprise.db");
        let data = data.to_str().unwrap();
        let server = Server::emu(data).await;
        let witness = Arc::new(Witness {
            inner: ReqwestTransport::new().unwrap(),
            answered: Mutex::default(),
            writes: AtomicUsize::new(0),
            enough,
            reached: Notify::new(),
        });
        let client =
            Client::builder(&server.base_url).bearer_token("T").transport(witness.clone()).build().unwrap();
        let run = tokio::spawn({
            let directory = directory.clone();
            async move { Engine::new(client, Options::default()).run(&directory, &NoProgress).await }
        });
        witness.reached.notified().await;
        server.kill().await;
        run.abort();
        let _ = run.await;

        let server = Server::emu(data).await;
        let client = server.client();
        let answered = std::mem::take(&mut *witness.answered.lock().unwrap());
        assert!(answered.created.len() + answered.members.len() >= enough, "{enough}");
        let people = client.users().all(&Query::new().count(100)).await.unwrap();
        let groups = client.groups().all(&Query::new().count(100)).await.unwrap();
        let ids: HashSet<&str> = people
            .iter()
            .filter_map(|person| person.id.as_deref())
            .chain(groups.iter().filter_map(|group| group.id.as_deref()))
            .collect();
        for id in &answered.created {
            assert!(ids.contains(id.as_str()), "`{id}` was answered with 201 and is lost");
        }
        for (group, member) in &answered.members {
            let group = groups.iter().find(|known| known.id.as_deref() == Some(group)).unwrap();
            assert!(group.members.iter().any(|known| known.value == *member), "`{member}` is lost");
        }

        let engine = Engine::new(client.clone(), Options::default());
        let report = engine.run(&directory, &NoProgress).await.unwrap();
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        let differences = verify(&client, &directory).await.unwrap();
        assert!(differences.is_empty(), "{differences:?}");
        assert!(!engine.run(&directory, &NoProgress).await.unwrap().changed());
        assert!(server.terminate().await.success());
    }
}
