//! Validation of the paths that a request names for a redirect. A redirect must never leave this server.

use url::Url;

use crate::http::path::tellable;

/// Returns `next` if it is the path of a page on this server, and `/` otherwise. A path that contains a secret,
/// such as one pasted in place of an ID, becomes `/` as well.
pub(super) fn own_path(next: &str) -> &str {
    let is_ours = path_of(next).is_some_and(|path| path == next);
    if is_ours && tellable(next) == next { next } else { "/" }
}

/// Returns the path of `back`, with dot segments resolved as browsers do, if it is `base` or below it.
pub(super) fn page_below(base: &str, back: &str) -> Option<String> {
    let path = path_of(back)?;
    let rest = path.strip_prefix(base)?;
    (rest.is_empty() || rest.starts_with(['?', '/'])).then_some(path)
}

/// The path and query that a browser would request for `text`. `None` if `text` leads to another origin.
fn path_of(text: &str) -> Option<String> {
    let here = Url::parse("http://here.invalid/").ok()?;
    if !text.starts_with('/') || text.contains(|c: char| c.is_control() || c == '\\') {
        return None;
    }
    let there = here.join(text).ok().filter(|there| there.origin() == here.origin())?;
    let path = there.path();
    // Browsers read `//host` as another origin.
    if path.starts_with("//") || there.fragment().is_some() {
        return None;
    }
    Some(there.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn return_path_to_another_origin_becomes_the_start_page() {
        for own in ["/w/a/projects", "/w/a/projects?label=lbl_1&page=2", "/"] {
            assert_eq!(own_path(own), own);
        }
        for foreign in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "evil",
            "/\tx",
            "/\n/evil",
            "/..//evil.example",
            "/.//evil.example",
            "/w/../..//evil.example",
            "/%2e%2e//evil.example",
        ] {
            assert_eq!(own_path(foreign), "/", "{foreign:?}");
        }
    }

    #[test]
    fn page_outside_the_base_is_rejected() {
        let base = "/w/a/projects/prj_1";
        for below in ["", "?label=x", "/images/rec_1", "/images/rec_1?x=%2e%2e"] {
            let page = format!("{base}{below}");
            assert_eq!(page_below(base, &page), Some(page.clone()));
        }
        for outside in [
            "/../prj_2",
            "/../../../../sign-out",
            "/images/../../prj_2",
            "/%2e%2e/prj_2",
            "/.%2E/prj_2",
            "/..",
            "/..\\prj_2",
            "2",
            "@evil.example",
        ] {
            assert_eq!(page_below(base, &format!("{base}{outside}")), None, "{outside:?}");
        }
    }

    proptest! {
        #[test]
        fn return_path_never_leaves_the_origin(text in "[/.\\\\%2eE:@a?#\t-]{0,12}") {
            let here = Url::parse("https://keys.example.org/sign-in").unwrap();
            let there = here.join(own_path(&text)).unwrap();
            prop_assert_eq!(there.origin(), here.origin());
            let base = "/w/a/projects/p";
            if let Some(page) = page_below(base, &format!("{base}{text}")) {
                let there = here.join(&page).unwrap();
                prop_assert_eq!(there.origin(), here.origin());
                prop_assert!(there.path() == base || there.path().starts_with("/w/a/projects/p/"), "{there}");
            }
        }
    }
}
