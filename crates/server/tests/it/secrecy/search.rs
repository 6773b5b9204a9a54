//! The places that are searched for secrets.

use std::fs;
use std::path::Path;

use keyrack_store::Store;

use crate::harness::{Answer, SLUG, Server};

/// All written and returned data, each with the name of its place.
#[derive(Default)]
pub(crate) struct SecretSearch {
    places: Vec<(String, Vec<u8>)>,
}

impl SecretSearch {
    pub(crate) fn text(&mut self, place: &str, text: &str) {
        self.places.push((place.to_owned(), text.into()));
    }

    /// A response that must contain no secret, including its headers.
    pub(crate) fn answer(&mut self, place: &str, answer: &Answer) {
        self.text(
            &format!("the answer of {} to: {place}", answer.status),
            &format!("{:?}\n{}", answer.headers, answer.text),
        );
    }

    /// Every file in the data folder: the database, its log, the log's index, the lock.
    pub(crate) fn folder(&mut self, folder: &Path, when: &str) {
        let before = self.places.len();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if let Ok(bytes) = fs::read(&path) {
                self.places.push((format!("{} {when}", path.display()), bytes));
            }
        }
        assert!(self.places.len() >= before + 2, "{}", folder.display());
    }

    /// The values of the rows, since a text can be split across pages of the file.
    pub(crate) async fn store(&mut self, server: &Server) {
        let path = server.data().join("keyrack.db");
        let store = Store::open(&path, rand_core::UnwrapErr(getrandom::SysRng)).await.unwrap();
        let workspace = store.workspace_by_slug(SLUG).await.unwrap().unwrap().id;
        let entries = store.audit_entries(workspace, None, 10_000).await.unwrap();
        assert!(entries.len() > 20, "{}", entries.len());
        self.text("audit", &format!("{entries:?}"));
        let filter = keyrack_store::KeyFilter { limit: 200, ..keyrack_store::KeyFilter::any(entries[0].at) };
        self.text("keys", &format!("{:?}", store.keys(workspace, &filter).await.unwrap()));
        store.close().await;
    }

    /// The output of the server. The setup link is allowed, on one line of standard output.
    pub(crate) fn outputs(&mut self, server: &Server) {
        let (link, rest): (Vec<_>, Vec<_>) =
            server.output().lines().map(str::to_owned).partition(|line| line.contains("/setup?token="));
        assert_eq!(link.len(), 1);
        assert!(rest.iter().any(|line| line.contains("answered")), "the trace log contains requests");
        self.text("the server's output", &rest.join("\n"));
    }

    /// Panics if a place contains one of `needles`. The message names the place and the needle, not the value.
    pub(crate) fn assert_contains_none(&self, needles: &[(String, String)]) {
        let mut found = Vec::new();
        for (place, bytes) in &self.places {
            for (name, needle) in needles {
                if contains(bytes, needle.as_bytes()) {
                    found.push(format!("{name} is in {}", without(place, needles)));
                }
            }
        }
        assert!(
            found.is_empty(),
            "{} values found in {} places:\n{}",
            found.len(),
            self.places.len(),
            found.join("\n")
        );
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let first = needle[0];
    bytes.windows(needle.len()).any(|window| window[0] == first && window == needle)
}

/// Masks secrets in the name of a place, which can contain the request.
fn without(place: &str, needles: &[(String, String)]) -> String {
    needles.iter().fold(place.to_owned(), |place, (_, needle)| place.replace(needle, "…"))
}
