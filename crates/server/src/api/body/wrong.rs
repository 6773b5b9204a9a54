//! What is wrong with what came in. Nothing of its values is repeated: somebody may have sent a key in the wrong place.

use std::borrow::Cow;
use std::collections::HashSet;

use http::StatusCode;
use keyrack_guard::Problem;
use serde_json::error::Category;

use super::refuse;
use crate::api::ApiError;

/// The problem of a body that is no JSON, or JSON of another shape.
pub(super) fn body(error: serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = error.path().to_string();
    let cause = error.into_inner();
    let says = cause.to_string();
    if cause.classify() != Category::Data {
        return refuse(StatusCode::BAD_REQUEST, "not_json", syntax(&cause));
    }
    let outer = if path == "." { "" } else { path.as_str() };
    match quoted(&says) {
        Some(("missing field", name)) => field(&join(outer, name), "This field is required."),
        Some(("duplicate field", name)) => twice(&join(outer, name)),
        Some(("unknown field", name)) => {
            field(&join(outer, name), &format!("This field isn't known. {}", instruction(&says)))
        }
        _ if outer.is_empty() => {
            let message = format!("The request body has the wrong type. {}", instruction(&says));
            refuse(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
        }
        _ => field(outer, &instruction(&says)),
    }
}

/// The problem of a query that cannot be read, which has a parameter twice or is not UTF-8.
pub(super) fn query(query: &str) -> ApiError {
    let mut seen = HashSet::new();
    let repeated = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !seen.insert(name.clone()));
    match repeated {
        Some((name, _)) => twice(&name),
        None => {
            let message = "The query of the URL can't be read. Send parameters as name=value, percent-encoded as UTF-8.";
            refuse(StatusCode::BAD_REQUEST, "bad_query", message)
        }
    }
}

/// The problem of a field that is there twice.
pub fn twice(name: &str) -> ApiError {
    field(name, "This field is there twice. Send it once.")
}

/// What is wrong with text that is no JSON, and where. The parser's own words are about its states, and are left out.
fn syntax(cause: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", cause.line(), cause.column());
    match cause.classify() {
        Category::Eof => {
            format!("The request body ends before its JSON is complete ({place}). Send all of it.")
        }
        _ => format!(
            "The request body isn't valid JSON: the first mistake is at {place}. Correct it and send the body again."
        ),
    }
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

/// What to send instead, from what serde says that it expected. That stands last, behind what was found, which is not
/// repeated.
fn instruction(says: &str) -> String {
    let says = says.rsplit_once(" at line ").map_or(says, |(says, _)| says);
    let expected = says.rsplit_once("expected ").map_or("", |(_, expected)| expected);
    let instruction = match expected {
        "a string" | "a borrowed string" => "Send a string.",
        "a boolean" => "Send true or false.",
        "a sequence" => "Send a list.",
        "an object" | "a map" => "Send an object.",
        "a JSON number" | "f32" | "f64" => "Send a number.",
        "u8" => "Send a whole number from 0 to 255.",
        "u16" => "Send a whole number from 0 to 65,535.",
        "u32" => "Send a whole number from 0 to 4,294,967,295.",
        "u64" | "usize" => "Send a whole number, 0 or more.",
        "i8" | "i16" | "i32" | "i64" | "isize" => "Send a whole number.",
        "there are no fields" => "Leave it out.",
        names if names.contains('`') => return names_list(names),
        structure if structure.starts_with("struct ") => "Send an object.",
        _ => "Send a value of the type that /docs gives.",
    };
    instruction.to_owned()
}

/// `one of `a`, `b`` as a sentence.
fn names_list(names: &str) -> String {
    let names = names.strip_prefix("one of ").unwrap_or(names);
    format!("Use {}{names}.", if names.contains(", ") { "one of " } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_type_becomes_an_instruction_and_the_value_is_left_out() {
        for (says, instructs) in [
            (
                "invalid type: string \"kr_sk_x, expected y\", expected a sequence at line 1 column 2",
                "Send a list.",
            ),
            ("invalid value: integer `-1`, expected u32", "Send a whole number from 0 to 4,294,967,295."),
            ("invalid type: null, expected struct RateFields", "Send an object."),
            (
                "unknown field `b`, expected one of `a`, `c`, `d` at line 1 column 4",
                "Use one of `a`, `c`, `d`.",
            ),
            ("unknown field `b`, expected `a` or `c`", "Use `a` or `c`."),
            ("unknown field `b`, there are no fields", "Send a value of the type that /docs gives."),
            ("number out of range", "Send a value of the type that /docs gives."),
        ] {
            assert_eq!(instruction(says), instructs);
        }
    }

    /// Each type that a body of ours can hold, with a value of each other type.
    #[test]
    fn no_word_of_the_parser_is_repeated() {
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Every {
            string: Option<String>,
            strings: Vec<String>,
            flag: bool,
            small: u32,
            large: u64,
            count: usize,
            signed: i64,
            single: f32,
            double: f64,
            number: Option<serde_json::Number>,
            #[serde(deserialize_with = "super::super::object_if_any")]
            object: Option<Box<Every>>,
            #[serde(deserialize_with = "super::super::objects_if_any")]
            objects: Option<Vec<Every>>,
        }
        let fields =
            "string strings flag small large count signed single double number object objects unknown";
        let values = [
            "null",
            "true",
            "\"x\"",
            "-1",
            "1.5",
            "1e300",
            "[]",
            "[1]",
            "[null]",
            "{}",
            "{\"x\":1}",
            "[{\"x\":1}]",
        ];
        let members =
            fields.split(' ').flat_map(|field| values.map(|value| format!("{{\"{field}\":{value}}}")));
        let others = ["", "{", "[", "nul", "{\"a\" 1}", "{} x", "[]", "1", "{\"flag\":true,\"flag\":true}"];
        let mut refused = 0;
        for text in members.chain(others.map(str::to_owned)) {
            let problem = match super::super::parse::<Every>(text.as_bytes()) {
                Ok(_) => continue,
                Err(ApiError::Problem(problem)) => problem,
                Err(other) => panic!("{text}: {other:?}"),
            };
            let says = problem.message();
            for word in
                ["expected", "invalid type", "sequence", "struct", "u32", "f64", "EOF", "missing", "/docs"]
            {
                assert!(!says.contains(word), "{text}: {says}");
            }
            assert!(says.ends_with('.'), "{text}: {says}");
            refused += 1;
        }
        assert!(refused > 80, "{refused}");
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
