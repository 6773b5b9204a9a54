//! What came back, and what people are told of a refusal.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Failure;
use super::told::{Told, harmless};

/// An answer that is a yes, in JSON.
#[derive(Debug)]
pub(super) struct Answer(Bytes);

impl Answer {
    /// A yes; or the refusal, in the words of whoever refused.
    pub(super) fn of(status: StatusCode, body: Bytes) -> Result<Self, Failure> {
        if status.is_success() { Ok(Self(body)) } else { Err(Self::refusal(status, &body)) }
    }

    /// A no, in the words of whoever refused.
    pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Failure {
        refusal(status, body)
    }

    /// What it means.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        // The parser's words could repeat a secret.
        serde_json::from_slice(&self.0)
            .map_err(|_| Failure::refused("the answer is not one of a Keyrack of this version"))
    }

    /// As it came.
    pub(super) fn as_it_came(&self) -> Result<Told, Failure> {
        self.read::<serde::de::IgnoredAny>()?;
        Ok(Told::result(String::from_utf8_lossy(&self.0)))
    }
}

/// The members of a problem that people read.
#[derive(Deserialize)]
struct Problem {
    message: String,
    #[serde(default)]
    details: Vec<Value>,
    request_id: Option<String>,
}

fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else { return no_problem(status) };
    let mut details: Vec<_> = problem.details.iter().map(detail).collect();
    if let Some(id) = problem.request_id.filter(|_| status.is_server_error()) {
        details.push(format!("request id: {}", harmless(&id)));
    }
    Failure::Refused { message: harmless(&problem.message), details }
}

fn detail(detail: &Value) -> String {
    let member = |name: &str| detail.get(name).and_then(Value::as_str);
    match (member("field"), member("message")) {
        (Some(field), Some(message)) => harmless(&format!("{field}: {message}")),
        _ => harmless(&detail.to_string()),
    }
}

/// Something that is no Keyrack stands in between.
fn no_problem(status: StatusCode) -> Failure {
    let then = if status.is_redirection() {
        "give --server the address that it leads to"
    } else {
        "not as a Keyrack does"
    };
    Failure::refused(format!("the server answered {status}: {then}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: StatusCode, body: &str) -> (String, Vec<String>) {
        match Answer::of(status, Bytes::copy_from_slice(body.as_bytes())) {
            Err(Failure::Refused { message, details }) => (message, details),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_names_every_field() {
        let body = r#"{"message":"two things","details":[{"field":"name","message":"give it a name"},7],"request_id":"req_1"}"#;
        let details = |last: &str| ["name: give it a name", "7", last].map(str::to_owned).to_vec();
        let (message, own) = refused(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!((message.as_str(), own), ("two things", details("")[..2].to_vec()));
        assert_eq!(refused(StatusCode::INTERNAL_SERVER_ERROR, body).1, details("request id: req_1"));
    }

    #[test]
    fn what_is_no_keyrack_is_named_by_its_status() {
        assert!(refused(StatusCode::BAD_GATEWAY, "<html>").0.contains("502 Bad Gateway"));
        assert!(refused(StatusCode::PERMANENT_REDIRECT, "").0.contains("leads to"));
    }
}
