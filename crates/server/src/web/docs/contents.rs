//! The contents of the docs: all pages in groups, with the sections of the current page.

use super::guides::GUIDES;
use super::view::{Contents, ContentsGroup, ContentsLink, DocsGroup, SectionLink};

pub(super) const QUICKSTART: &str = "/docs";
pub(super) const AUTHENTICATION: &str = "/docs/authentication";
pub(super) const ERRORS: &str = "/docs/errors";
pub(super) const SEARCH: &str = "/docs/search";

/// The URL of the page with the operations of a group.
pub(super) fn group_url(anchor: &str) -> String {
    format!("/docs/api/{anchor}")
}

/// The URL of a guide.
pub(super) fn guide_url(slug: &str) -> String {
    format!("/docs/guides/{slug}")
}

/// The contents beside the page `here`, which has the sections `within`.
pub(super) fn contents(groups: &[DocsGroup], here: &str, within: Vec<SectionLink>) -> Contents {
    let link = |url: String, title: &str| ContentsLink { is_here: url == here, url, title: title.to_owned() };
    let start = [(QUICKSTART, "Quickstart"), (AUTHENTICATION, "Authentication"), (ERRORS, "Errors")];
    let guides = GUIDES.iter().map(|guide| link(guide_url(guide.slug), &guide.title));
    Contents {
        groups: vec![
            ContentsGroup {
                title: "Get started",
                links: start.map(|(url, title)| link(url.to_owned(), title)).into(),
            },
            ContentsGroup {
                title: "API reference",
                links: groups.iter().map(|group| link(group_url(&group.anchor), &group.title)).collect(),
            },
            ContentsGroup { title: "Guides", links: guides.collect() },
        ],
        within,
        query: String::new(),
        is_search: here == SEARCH,
    }
}
