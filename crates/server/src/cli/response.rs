//! Responses of the API, and the error messages that the command line makes of failed ones.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::CliError;
use super::output::{Output, sanitized};

/// The JSON body of a successful response.
#[derive(Debug)]
pub(super) struct ApiResponse(Bytes);

impl ApiResponse {
    /// Returns the body if `status` is a success, and otherwise the error that the server reported.
    pub(super) fn from_parts(status: StatusCode, body: Bytes) -> Result<Self, CliError> {
        if status.is_success() { Ok(Self(body)) } else { Err(Self::error(status, &body)) }
    }

    /// Turns the body of a failed response into an error, in the server's words if it is a problem document.
    pub(super) fn error(status: StatusCode, body: &[u8]) -> CliError {
        error(status, body)
    }

    /// Parses the body. Fails if it does not have the form of `T`.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, CliError> {
        // The parser's message could repeat a secret.
        serde_json::from_slice(&self.0).map_err(|_| {
            CliError::failed(
                "The response isn't from a Keyrack server of this version. Use \
                 the same version of the command line and the server.",
            )
        })
    }

    /// Returns the body unchanged, for `--json`. Fails if it is not JSON.
    pub(super) fn to_raw(&self) -> Result<Output, CliError> {
        self.read::<serde::de::IgnoredAny>()?;
        Ok(Output::result(String::from_utf8_lossy(&self.0)))
    }
}

/// The members of a problem document (RFC 9457) that the command line prints.
#[derive(Deserialize)]
struct ProblemBody {
    message: String,
    #[serde(default)]
    details: Vec<Value>,
    request_id: Option<String>,
}

fn error(status: StatusCode, body: &[u8]) -> CliError {
    let Ok(problem) = serde_json::from_slice::<ProblemBody>(body) else {
        return error_without_problem(status);
    };
    let mut details: Vec<_> = problem.details.iter().map(detail).collect();
    if let Some(id) = problem.request_id.filter(|_| status.is_server_error()) {
        details.push(format!("Request ID: {}", sanitized(&id)));
    }
    CliError::Failed { message: sanitized(&problem.message), details }
}

fn detail(detail: &Value) -> String {
    let member = |name: &str| detail.get(name).and_then(Value::as_str);
    match (member("field"), member("message")) {
        (Some(field), Some(message)) => sanitized(&format!("{field}: {message}")),
        _ => sanitized(&detail.to_string()),
    }
}

/// The response has no problem document, so something other than Keyrack sent it, such as a proxy.
fn error_without_problem(status: StatusCode) -> CliError {
    let advice = if status.is_redirection() {
        "Set --server to the URL that it redirects to."
    } else {
        "The response isn't from a Keyrack server. Check --server."
    };
    CliError::failed(format!("The server returned {status}. {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: StatusCode, body: &str) -> (String, Vec<String>) {
        match ApiResponse::from_parts(status, Bytes::copy_from_slice(body.as_bytes())) {
            Err(CliError::Failed { message, details }) => (message, details),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn failed_response_lists_every_field() {
        let body = r#"{"message":"two things","details":[{"field":"name","message":"give it a name"},7],"request_id":"req_1"}"#;
        let details = |last: &str| ["name: give it a name", "7", last].map(str::to_owned).to_vec();
        let (message, own) = failed(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!((message.as_str(), own), ("two things", details("")[..2].to_vec()));
        assert_eq!(failed(StatusCode::INTERNAL_SERVER_ERROR, body).1, details("Request ID: req_1"));
    }

    #[test]
    fn response_without_problem_document_is_reported_by_its_status() {
        assert!(failed(StatusCode::BAD_GATEWAY, "<html>").0.contains("502 Bad Gateway"));
        assert!(failed(StatusCode::PERMANENT_REDIRECT, "").0.contains("redirects to"));
    }
}
