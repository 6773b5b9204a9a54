//! Where a secret is looked for.

use std::fs;
use std::path::Path;

use keyrack_store::Store;

use crate::harness::{Answer, SLUG, Server};

/// Everything that was written and answered, each with the name of its place.
#[derive(Default)]
pub(crate) struct Searched {
    places: Vec<(String, Vec<u8>)>,
}

impl Searched {
    pub(crate) fn text(&mut self, place: &str, text: &str) {
        self.places.push((place.to_owned(), text.into()));
    }

    /// An answer that hands out no secret, its headers too.
    pub(crate) fn answer(&mut self, place: &str, answer: &Answer) {
        self.text(
            &format!("the answer of {} to: {place}", answer.status),
            &format!("{:?}\n{}", answer.headers, answer.text),
        );
    }

    /// Every file of the data folder: the database, its log, the log's index, the lock.
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

    /// What the rows say, since a text may be split over pages of the file.
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

    /// What the server wrote. The setup link belongs on its standard output; it stands in one line there.
    pub(crate) fn outputs(&mut self, server: &Server) {
        let (link, rest): (Vec<_>, Vec<_>) =
            server.output().lines().map(str::to_owned).partition(|line| line.contains("/setup?token="));
        assert_eq!(link.len(), 1);
        assert!(rest.iter().any(|line| line.contains("answered")), "a log at trace tells of requests");
        self.text("the server's output", &rest.join("\n"));
    }

    /// Demands that none of `needles` is in any place. Says where it was, and never what.
    pub(crate) fn hold_none_of(&self, needles: &[(String, String)]) {
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
            "{} finds in {} places:\n{}",
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

/// The name of a place may hold what it was asked with.
fn without(place: &str, needles: &[(String, String)]) -> String {
    needles.iter().fold(place.to_owned(), |place, (_, needle)| place.replace(needle, "…"))
}
