//! Clients that create and delete keys without a pause, and the responses that they received.

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

/// The state of a key as the client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyState {
    /// Created, and the client has read the response.
    Live,
    /// The client sent a deletion and received no response. The key is either live or deleted.
    Unacknowledged,
    /// Deleted, and the client has read the response.
    Deleted,
}

#[derive(Debug)]
struct LedgerEntry {
    secret: String,
    state: KeyState,
}

/// The acknowledged changes of all rounds.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    keys: Arc<Mutex<BTreeMap<String, LedgerEntry>>>,
    /// The number of responses.
    acknowledged: Arc<AtomicUsize>,
    /// The number of deletions without a response.
    unacknowledged_deletions: Arc<AtomicUsize>,
}

impl Ledger {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, LedgerEntry>> {
        self.keys.lock().unwrap()
    }

    /// The number of responses so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Starts clients that create keys and delete every second one, until the server is gone.
    pub(crate) fn stream(&self, server: &Server, manager_key: &str, clients: usize) -> JoinSet<()> {
        let mut streams = JoinSet::new();
        for _ in 0..clients {
            streams.spawn(stream(self.clone(), server.url.clone(), manager_key.to_owned()));
        }
        streams
    }

    fn note(&self, id: &str, secret: Option<String>, state: KeyState) {
        let mut keys = self.keys();
        match (keys.get_mut(id), secret) {
            (Some(entry), _) => entry.state = state,
            (None, secret) => {
                keys.insert(id.to_owned(), LedgerEntry { secret: secret.unwrap(), state });
            }
        }
        if state != KeyState::Unacknowledged {
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Checks the state of the keys that `which` selects by number, in the order of their IDs: live keys are allowed,
    /// deleted keys are denied. Returns the number of checked keys.
    pub(crate) async fn check_keys(&self, server: &Server, which: impl Fn(usize) -> bool) -> usize {
        let selected: Vec<_> = {
            let keys = self.keys();
            let numbered = keys.iter().enumerate().filter(|(number, _)| which(*number));
            numbered.map(|(_, (id, entry))| (id.clone(), entry.secret.clone(), entry.state)).collect()
        };
        for (id, secret, state) in &selected {
            let answer = server.get("/api/v1/projects", secret).await;
            let is_live = answer.status == StatusCode::OK;
            if !is_live {
                assert_eq!(
                    (answer.status.as_u16(), &answer.json()["code"]),
                    (401, &json!("deleted_key")),
                    "{id}"
                );
            }
            match state {
                KeyState::Live => assert!(is_live, "{id} was created but is denied"),
                KeyState::Deleted => assert!(!is_live, "{id} was deleted but is allowed"),
                // The observed state must not change any more.
                KeyState::Unacknowledged => {
                    self.unacknowledged_deletions.fetch_add(1, Ordering::SeqCst);
                    self.keys().get_mut(id).unwrap().state =
                        if is_live { KeyState::Live } else { KeyState::Deleted };
                }
            }
        }
        selected.len()
    }

    /// The number of deletions without a response among the checked keys.
    pub(crate) fn unacknowledged_deletions(&self) -> usize {
        self.unacknowledged_deletions.load(Ordering::SeqCst)
    }

    /// The number of known keys.
    pub(crate) fn len(&self) -> usize {
        self.keys().len()
    }
}

async fn stream(ledger: Ledger, url: String, manager_key: String) {
    let client = client();
    for number in 0.. {
        let Some(created) = create_key(&client, &url, &manager_key).await else { return };
        let id = text(&created["id"]);
        ledger.note(&id, Some(text(&created["secret"])), KeyState::Live);
        if number % 2 == 1 {
            ledger.note(&id, None, KeyState::Unacknowledged);
            let delete = client.delete(format!("{url}/api/v1/keys/{id}")).bearer_auth(&manager_key);
            let Ok(answer) = delete.send().await else { return };
            if answer.status() != StatusCode::OK || answer.bytes().await.is_err() {
                return;
            }
            ledger.note(&id, None, KeyState::Deleted);
        }
    }
}

/// Creates a key. `None` if the server was gone before it responded.
async fn create_key(client: &Client, url: &str, manager_key: &str) -> Option<Value> {
    let key = json!({ "name": "of a stream", "scopes": ["project"] });
    let answer =
        client.post(format!("{url}/api/v1/keys")).bearer_auth(manager_key).json(&key).send().await.ok()?;
    if answer.status() != StatusCode::CREATED {
        return None;
    }
    answer.json().await.ok()
}

/// Checks the data folder of a stopped server for partial changes and returns the number of keys.
pub(crate) async fn check_data_folder(server: &Server) -> usize {
    let store = Store::open(&server.data().join("keyrack.db"), rand_core::UnwrapErr(getrandom::SysRng))
        .await
        .unwrap();
    let workspace = store.workspace_by_slug(SLUG).await.unwrap().unwrap().id;
    let keys = check_rows(&store, workspace).await;
    store.close().await;
    keys
}

async fn check_rows(store: &Store, workspace: WorkspaceId) -> usize {
    let reading = store.snapshot(keyrack_key::Timestamp::from_micros(0)).await.unwrap();
    let Snapshot { position, records } =
        tokio::task::spawn_blocking(move || reading.whole()).await.unwrap().unwrap();
    assert!(records.iter().all(|record| record.secrets.len() == 1), "each key has one secret");
    // Each key has one revision for its creation and one for its deletion; there are no other revisions.
    let deleted = records.iter().filter(|record| record.terms.deleted_at.is_some()).count();
    let changes = (records.len() + deleted) as u64;
    assert_eq!(position.revision.0, changes, "each change has one revision");
    let mut revisions: Vec<_> = records.iter().map(|record| record.revision.0).collect();
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!((revisions.len(), revisions.last()), (records.len(), Some(&changes)));
    // The audit log has one entry for each change, after the entries for the workspace and its owner.
    let entries = changes + 2;
    assert_eq!(store.verify_chain(workspace).await.unwrap(), ChainStatus::Whole { entries });
    records.len()
}
