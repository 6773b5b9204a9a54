//! Clients that make and delete keys without a pause, and what they were told of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use keyrack_key::WorkspaceId;
use keyrack_rack::{Feed, Snapshot};
use keyrack_store::{ChainStatus, Store};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{SLUG, Server, client, text};

/// What a client knows of a key that it was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Made, and the answer was read.
    Live,
    /// Asked to delete it, and no answer came: it may live or be gone, and stays so.
    InDoubt,
    /// Deleted, and the answer was read.
    Deleted,
}

#[derive(Debug)]
struct Known {
    secret: String,
    fate: Fate,
}

/// What was acknowledged, in all rounds.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    keys: Arc<Mutex<BTreeMap<String, Known>>>,
    /// Answers so far.
    acknowledged: Arc<AtomicUsize>,
    /// Deletions whose answer never came.
    doubts: Arc<AtomicUsize>,
}

impl Ledger {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.keys.lock().unwrap()
    }

    /// Answers that were read so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Starts clients that make keys and delete every second of them, until the server is not there any more.
    pub(crate) fn stream(&self, server: &Server, master: &str, clients: usize) -> JoinSet<()> {
        let mut streams = JoinSet::new();
        for _ in 0..clients {
            streams.spawn(stream(self.clone(), server.url.clone(), master.to_owned()));
        }
        streams
    }

    fn note(&self, id: &str, secret: Option<String>, fate: Fate) {
        let mut keys = self.keys();
        match (keys.get_mut(id), secret) {
            (Some(known), _) => known.fate = fate,
            (None, secret) => drop(keys.insert(id.to_owned(), Known { secret: secret.unwrap(), fate })),
        }
        if fate != Fate::InDoubt {
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Asks the running server about the keys that `which` picks (all of them have numbers in the order of their ids):
    /// acknowledged ones are there, deleted ones are not. How many were asked about.
    pub(crate) async fn hold(&self, server: &Server, which: impl Fn(usize) -> bool) -> usize {
        let picked: Vec<_> = {
            let keys = self.keys();
            let numbered = keys.iter().enumerate().filter(|(number, _)| which(*number));
            numbered.map(|(_, (id, known))| (id.clone(), known.secret.clone(), known.fate)).collect()
        };
        for (id, secret, fate) in &picked {
            let answer = server.get("/api/v1/projects", secret).await;
            let lives = answer.status == StatusCode::OK;
            if !lives {
                assert_eq!(
                    (answer.status.as_u16(), &answer.json()["code"]),
                    (401, &json!("deleted_key")),
                    "{id}"
                );
            }
            match fate {
                Fate::Live => assert!(lives, "{id} was made, and is not there"),
                Fate::Deleted => assert!(!lives, "{id} was deleted, and is there"),
                // What it turned out to be, it stays.
                Fate::InDoubt => {
                    self.doubts.fetch_add(1, Ordering::SeqCst);
                    self.keys().get_mut(id).unwrap().fate = if lives { Fate::Live } else { Fate::Deleted };
                }
            }
        }
        picked.len()
    }

    /// How many deletions were cut off, of the keys that were asked about since.
    pub(crate) fn doubts(&self) -> usize {
        self.doubts.load(Ordering::SeqCst)
    }

    /// How many keys it tells of.
    pub(crate) fn len(&self) -> usize {
        self.keys().len()
    }
}

async fn stream(ledger: Ledger, url: String, master: String) {
    let client = client();
    for number in 0.. {
        let Some(made) = make(&client, &url, &master).await else { return };
        let id = text(&made["id"]);
        ledger.note(&id, Some(text(&made["secret"])), Fate::Live);
        if number % 2 == 1 {
            ledger.note(&id, None, Fate::InDoubt);
            let delete = client.delete(format!("{url}/api/v1/keys/{id}")).bearer_auth(&master);
            let Ok(answer) = delete.send().await else { return };
            if answer.status() != StatusCode::OK || answer.bytes().await.is_err() {
                return;
            }
            ledger.note(&id, None, Fate::Deleted);
        }
    }
}

/// A new key, if the server lived long enough to tell of it.
async fn make(client: &Client, url: &str, master: &str) -> Option<Value> {
    let key = json!({ "name": "of a stream", "scopes": ["project"] });
    let answer =
        client.post(format!("{url}/api/v1/keys")).bearer_auth(master).json(&key).send().await.ok()?;
    if answer.status() != StatusCode::CREATED {
        return None;
    }
    answer.json().await.ok()
}

/// Looks into the folder of a server that does not run: nothing in it is half. How many keys there are.
pub(crate) async fn folder_is_whole(server: &Server) -> usize {
    let store = Store::open(&server.data().join("keyrack.db"), rand_core::UnwrapErr(getrandom::SysRng))
        .await
        .unwrap();
    let workspace = store.workspace_by_slug(SLUG).await.unwrap().unwrap().id;
    let keys = rows_are_whole(&store, workspace).await;
    store.close().await;
    keys
}

async fn rows_are_whole(store: &Store, workspace: WorkspaceId) -> usize {
    let reading = store.snapshot(keyrack_key::Timestamp::from_micros(0)).await.unwrap();
    let Snapshot { position, records } =
        tokio::task::spawn_blocking(move || reading.whole()).await.unwrap().unwrap();
    assert!(records.iter().all(|record| record.secrets.len() == 1), "a key without its secret");
    // Each key took a revision when it was made and another when it was deleted; nothing else took one.
    let deleted = records.iter().filter(|record| record.terms.deleted_at.is_some()).count();
    let changes = (records.len() + deleted) as u64;
    assert_eq!(position.revision.0, changes, "revisions without a change, or changes without a revision");
    let mut revisions: Vec<_> = records.iter().map(|record| record.revision.0).collect();
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!((revisions.len(), revisions.last()), (records.len(), Some(&changes)));
    // And the history tells of each of them, behind the workspace's beginning and its owner.
    let entries = changes + 2;
    assert_eq!(store.verify_chain(workspace).await.unwrap(), ChainStatus::Whole { entries });
    records.len()
}
