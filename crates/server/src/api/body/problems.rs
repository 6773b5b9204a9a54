//! Problems with bodies and queries. A problem never repeats a value: the client may have sent a secret in the wrong field.

use std::borrow::Cow;
use std::collections::HashSet;

use http::StatusCode;
use keyrack_guard::Problem;
use serde_json::error::Category;

use super::problem;
use crate::api::ApiError;

/// The problem of a body that isn't JSON (400), or whose JSON has the wrong shape (422).
pub(super) fn body(error: serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = error.path().to_string();
    let cause = error.into_inner();
    let text = cause.to_string();
    if cause.classify() != Category::Data {
        return problem(StatusCode::BAD_REQUEST, "not_json", syntax_error(&cause));
    }
    let outer = if path == "." { "" } else { path.as_str() };
    match kind_and_field(&text) {
        Some(("missing field", name)) => field(&join(outer, name), "This field is required."),
        Some(("duplicate field", name)) => duplicate_field(&join(outer, name)),
        Some(("unknown field", name)) => {
            field(&join(outer, name), &format!("This field isn't known. {}", instruction(&text)))
        }
        _ if outer.is_empty() => {
            let message = format!("The request body has the wrong type. {}", instruction(&text));
            problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
        }
        _ => field(outer, &instruction(&text)),
    }
}

/// The problem of a query that has a parameter twice (422) or isn't UTF-8 (400).
pub(super) fn query(query: &str) -> ApiError {
    let mut seen = HashSet::new();
    let repeated = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !seen.insert(name.clone()));
    match repeated {
        Some((name, _)) => duplicate_field(&name),
        None => {
            let message = "The query of the URL can't be read. Send parameters as name=value, percent-encoded as UTF-8.";
            problem(StatusCode::BAD_REQUEST, "bad_query", message)
        }
    }
}

/// The problem of a field that occurs twice (422).
pub fn duplicate_field(name: &str) -> ApiError {
    field(name, "This field is duplicated. Send it once.")
}

/// Describes a syntax error with its line and column. The parser's own text is left out: it describes states of the parser.
fn syntax_error(cause: &serde_json::Error) -> String {
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

fn field(name: &str, message: &str) -> ApiError {
    let name = safe_name(name);
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{name}: {message}"));
    problem.field(&name, message).into()
}

/// Returns a field name that is safe to repeat. The client chooses the name, so the function replaces names that are long enough
/// to be a secret.
fn safe_name(name: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    if name.len() <= 40 && name.chars().all(is_plain) { name.into() } else { "a field".into() }
}

/// Appends the field `name` to the path `outer`, unless the path ends with the field already.
fn join<'a>(outer: &'a str, name: &'a str) -> Cow<'a, str> {
    if outer.is_empty() {
        name.into()
    } else if outer == name || outer.ends_with(&format!(".{name}")) {
        outer.into()
    } else {
        format!("{outer}.{name}").into()
    }
}

/// Splits texts of serde such as "unknown field `x`" into the kind of the error and the field.
fn kind_and_field(text: &str) -> Option<(&str, &str)> {
    let (kind, rest) = text.split_once(" `")?;
    Some((kind, rest.split_once('`')?.0))
}

/// Converts the end of serde's text, which names the expected type, into an instruction. The part before that may repeat the
/// value, so it is dropped.
fn instruction(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let expected = text.rsplit_once("expected ").map_or("", |(_, expected)| expected);
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
        names if names.contains('`') => return name_list(names),
        structure if structure.starts_with("struct ") => "Send an object.",
        _ => "Send a value of the type that /docs gives.",
    };
    instruction.to_owned()
}

/// Converts serde's ``one of `a`, `b` `` into a sentence.
fn name_list(names: &str) -> String {
    let names = names.strip_prefix("one of ").unwrap_or(names);
    format!("Use {}{names}.", if names.contains(", ") { "one of " } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruction_names_the_expected_type_and_omits_the_value() {
        for (text, expected) in [
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
            assert_eq!(instruction(text), expected);
        }
    }

    /// Parses each type that a body can contain from values of all other types.
    #[test]
    fn message_never_contains_parser_text() {
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
        let mut errors = 0;
        for text in members.chain(others.map(str::to_owned)) {
            let problem = match super::super::parse::<Every>(text.as_bytes()) {
                Ok(_) => continue,
                Err(ApiError::Problem(problem)) => problem,
                Err(other) => panic!("{text}: {other:?}"),
            };
            let message = problem.message();
            for word in
                ["expected", "invalid type", "sequence", "struct", "u32", "f64", "EOF", "missing", "/docs"]
            {
                assert!(!message.contains(word), "{text}: {message}");
            }
            assert!(message.ends_with('.'), "{text}: {message}");
            errors += 1;
        }
        assert!(errors > 80, "{errors}");
    }

    #[test]
    fn field_name_that_could_be_a_secret_is_replaced() {
        assert_eq!(safe_name("restrictions.networks[17]"), "restrictions.networks[17]");
        assert_eq!(safe_name("kr_sk_7hQzV2mXc81LpTrB0aNeKdYw5uJf3GsR9qEXMPLE"), "a field");
        assert_eq!(safe_name("a\u{202E}b"), "a field");
    }

    #[test]
    fn join_does_not_repeat_a_field_at_the_end_of_the_path() {
        assert_eq!(join("", "name"), "name");
        assert_eq!(join("restrictions", "ip"), "restrictions.ip");
        assert_eq!(join("restrictions.ip", "ip"), "restrictions.ip");
    }
}
