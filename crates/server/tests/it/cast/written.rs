//! All that the store holds of a workspace, to be compared before and after.

use keyrack_key::Timestamp;
use keyrack_store::{KeyFilter, Store};

use super::{Cast, Home, open};

/// What is written of both workspaces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The keys, each as text, but for when it was last used.
    keys: Vec<String>,
    projects: Vec<String>,
    sessions: Vec<String>,
    /// The newest entry first.
    pub(crate) audit: Vec<String>,
}

impl Cast {
    /// Stops the server, reads what it has written, and starts it again.
    pub(crate) async fn written(&mut self) -> Written {
        self.server.stop().await;
        let store = open(&self.server).await;
        let mut written = Written { keys: vec![], projects: vec![], sessions: vec![], audit: vec![] };
        for home in [&self.ours, &self.theirs] {
            written.read(&store, home).await;
        }
        store.close().await;
        self.server.restart().await;
        written
    }
}

impl Written {
    async fn read(&mut self, store: &Store, home: &Home) {
        const ALL: u32 = 100_000;
        let filter = KeyFilter { limit: ALL, ..KeyFilter::any(Timestamp::from_micros(0)) };
        for mut key in store.keys(home.id, &filter).await.unwrap().items {
            key.last_use = None;
            self.keys.push(format!("{key:?}"));
        }
        let projects = store.projects(home.id, None, ALL).await.unwrap().items;
        self.projects.extend(projects.iter().map(|project| format!("{project:?}")));
        let sessions = store.sessions_of(home.owner).await.unwrap();
        self.sessions.extend(sessions.iter().map(|session| session.id.to_string()));
        let audit = store.audit_entries(home.id, None, ALL).await.unwrap();
        self.audit.extend(audit.iter().map(|entry| format!("{entry:?}")));
    }
}
