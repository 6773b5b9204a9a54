//! What is wrong with what came in. Nothing of its values is repeated: somebody may have sent a key in the wrong place.

use std::borrow::Cow;
use std::collections::HashSet;

use http::StatusCode;
use keyrack_guard::Problem;
use serde_json::error::Category;

use super::refuse;
use crate::api::ApiError;

/// A body that is no JSON, or JSON of another shape.
pub(super) fn body(error: serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = error.path().to_string();
    let cause = error.into_inner();
    let says = cause.to_string();
    if cause.classify() != Category::Data {
        return refuse(StatusCode::BAD_REQUEST, "not_json", format!("expected JSON: {says}"));
    }
    let outer = if path == "." { "" } else { path.as_str() };
    match quoted(&says) {
        Some(("missing field", name)) => field(&join(outer, name), "is missing"),
        Some(("duplicate field", name)) => field(&join(outer, name), "is there twice"),
        Some(("unknown field", name)) => {
            field(&join(outer, name), &format!("is not known; {}", expected(&says)))
        }
        _ if outer.is_empty() => refuse(StatusCode::UNPROCESSABLE_ENTITY, "invalid", expected(&says)),
        _ => field(outer, &expected(&says)),
    }
}

/// A query that cannot be read: only what is there twice can be the cause.
pub(super) fn query(query: &str) -> ApiError {
    let mut seen = HashSet::new();
    let twice = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !seen.insert(name.clone()));
    match twice {
        Some((name, _)) => field(&name, "is there twice"),
        None => refuse(StatusCode::BAD_REQUEST, "bad_query", "the query could not be read"),
    }
}

/// A field that is there twice, in a form.
pub fn twice(name: &str) -> ApiError {
    field(name, "is there twice")
}

fn field(name: &str, says: &str) -> ApiError {
    let name = shown(name);
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{name}: {says}"));
    problem.field(&name, says).into()
}

/// Clients invent names too. What is shorter than any secret can be repeated to them.
fn shown(name: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    if name.len() <= 40 && name.chars().all(is_plain) { name.into() } else { "a field".into() }
}

/// The path of a field that serde names; the path may end with it already.
fn join<'a>(outer: &'a str, name: &'a str) -> Cow<'a, str> {
    if outer.is_empty() {
        name.into()
    } else if outer == name || outer.ends_with(&format!(".{name}")) {
        outer.into()
    } else {
        format!("{outer}.{name}").into()
    }
}

/// "unknown field `x`" and its like.
fn quoted(says: &str) -> Option<(&str, &str)> {
    let (what, rest) = says.split_once(" `")?;
    Some((what, rest.split_once('`')?.0))
}

/// What serde says that it expected. That stands last, in our words, behind what was found instead.
fn expected(says: &str) -> String {
    let says = says.rsplit_once(" at line ").map_or(says, |(says, _)| says);
    match says.rsplit_once("expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "is not as expected".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_expected_is_said_and_what_was_found_is_not() {
        for (says, expects) in [
            (
                "invalid type: string \"kr_sk_x, expected y\", expected a sequence at line 1 column 2",
                "expected a sequence",
            ),
            ("unknown field `b`, expected one of `a`, `c` at line 1 column 4", "expected one of `a`, `c`"),
            ("number out of range", "is not as expected"),
        ] {
            assert_eq!(expected(says), expects);
        }
    }

    #[test]
    fn a_name_that_could_be_a_secret_is_not_repeated() {
        assert_eq!(shown("restrictions.networks[17]"), "restrictions.networks[17]");
        assert_eq!(shown("kr_sk_7hQzV2mXc81LpTrB0aNeKdYw5uJf3GsR9qEXMPLE"), "a field");
        assert_eq!(shown("a\u{202E}b"), "a field");
    }

    #[test]
    fn a_field_is_named_once() {
        assert_eq!(join("", "name"), "name");
        assert_eq!(join("restrictions", "ip"), "restrictions.ip");
        assert_eq!(join("restrictions.ip", "ip"), "restrictions.ip");
    }
}
