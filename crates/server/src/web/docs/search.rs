//! Search over the docs: operations, error codes, and sections of guides.

use std::sync::OnceLock;

use super::contents::{AUTHENTICATION, ERRORS, QUICKSTART, group_url, guide_url};
use super::errors;
use super::guides::GUIDES;
use super::reference::reference;
use super::view::{DocsGroup, SearchResult};
use crate::app::App;

/// In characters. The rest of a longer query is ignored.
pub(super) const LONGEST: usize = 100;
const RESULTS_MAX: usize = 40;
const EXCERPT_MAX: usize = 180;

/// Something that a search can find.
struct Entry {
    url: String,
    title: String,
    kind: &'static str,
    text: String,
    /// The title and the text in lower case.
    lower_title: String,
    lower_text: String,
}

/// The entries that contain all words of `query`, those with a word in the title first. Empty for an empty query.
pub(super) fn find(app: &App, query: &str) -> Vec<SearchResult> {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    find_in(ENTRIES.get_or_init(|| entries(reference(app))), query)
}

fn find_in(entries: &[Entry], query: &str) -> Vec<SearchResult> {
    let query = query.to_lowercase();
    let words: Vec<_> = query.split_whitespace().collect();
    if words.is_empty() {
        return Vec::new();
    }
    let has_all = |entry: &&Entry| {
        words.iter().all(|word| entry.lower_title.contains(word) || entry.lower_text.contains(word))
    };
    let mut found: Vec<_> = entries.iter().filter(has_all).collect();
    let in_title = |entry: &Entry| words.iter().filter(|word| entry.lower_title.contains(**word)).count();
    // The sort is stable, so entries of one rank keep the order of the contents.
    found.sort_by_key(|entry| std::cmp::Reverse(in_title(entry)));
    found.into_iter().take(RESULTS_MAX).map(Entry::result).collect()
}

fn entries(groups: &[DocsGroup]) -> Vec<Entry> {
    let mut entries = vec![
        Entry::new(
            QUICKSTART.to_owned(),
            "Quickstart",
            "Page",
            "Create a key, and send the first request with curl, Python, or JavaScript.",
        ),
        Entry::new(
            AUTHENTICATION.to_owned(),
            "Authentication",
            "Page",
            "Send an API key in the Authorization or X-Api-Key header. Scopes and permissions. Publishable keys in browsers.",
        ),
    ];
    for group in groups {
        for one in &group.operations {
            let url = format!("{}#{}", group_url(&group.anchor), one.anchor);
            let text = format!("{} {}. {}", one.method, one.path, one.text);
            entries.push(Entry::new(url, &one.summary, "Operation", &text));
        }
    }
    for error in errors::groups().into_iter().flat_map(|group| group.errors) {
        let text = format!("{}. {} {}", error.status, error.cause, error.remedy);
        entries.push(Entry::new(format!("{ERRORS}#{}", error.code), error.code, "Error", &text));
    }
    for guide in GUIDES.iter() {
        for section in &guide.sections {
            let fragment =
                if section.anchor.is_empty() { String::new() } else { format!("#{}", section.anchor) };
            let url = format!("{}{fragment}", guide_url(guide.slug));
            entries.push(Entry::new(url, &section.title, "Guide", &section.text));
        }
    }
    entries
}

impl Entry {
    fn new(url: String, title: &str, kind: &'static str, text: &str) -> Self {
        let (lower_title, lower_text) = (title.to_lowercase(), text.to_lowercase());
        Self { url, title: title.to_owned(), kind, text: text.to_owned(), lower_title, lower_text }
    }

    fn result(&self) -> SearchResult {
        let short = self.text.chars().count() <= EXCERPT_MAX;
        let excerpt: String = self.text.chars().take(EXCERPT_MAX).collect();
        SearchResult {
            url: self.url.clone(),
            title: self.title.clone(),
            kind: self.kind,
            excerpt: if short { excerpt } else { format!("{}…", excerpt.trim_end()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(query: &str) -> Vec<String> {
        find_in(&entries(&[]), query).into_iter().map(|result| result.title).collect()
    }

    #[test]
    fn search_finds_entries_with_all_words_and_ranks_titles_first() {
        assert_eq!(titles("EXPIRED_key")[0], "expired_key");
        assert_eq!(titles("quickstart first")[0], "Quickstart");
        assert!(titles("backup").iter().any(|title| title == "Backup" || title.contains("ackup")));
        for nothing in ["", "  ", "expired_key nosuchword", "\u{0}", "<script>"] {
            assert_eq!(titles(nothing), Vec::<String>::new(), "{nothing:?}");
        }
        assert!(titles("e").len() <= RESULTS_MAX);
    }
}
