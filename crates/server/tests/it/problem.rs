//! The format of every problem response of the API (RFC 9457, plus the fields that Epigos clients read).

use serde_json::Value;

use crate::harness::Answer;

impl Answer {
    /// Panics unless the response is a complete problem with this status and code. Returns the body.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "expected {status} {code}: {self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{self:?}");
        let body = self.json();
        assert_eq!(body["code"], code, "{self:?}");
        assert_eq!(body["type"], format!("urn:keyrack:problem:{code}"), "{self:?}");
        assert_eq!(body["status"], status, "{self:?}");
        assert_eq!(body["detail"], body["message"], "{self:?}");
        assert!(body["message"].as_str().is_some_and(|expected| !expected.is_empty()), "{self:?}");
        assert!(body["details"].is_array(), "{self:?}");
        assert!(self.header("x-request-id").starts_with("req_"), "{self:?}");
        assert_eq!(body["request_id"], self.header("x-request-id"), "{self:?}");
        body
    }

    /// Panics unless the response is an `invalid` problem whose `details` name `field`.
    pub(crate) fn check_field_error(&self, field: &str) {
        let body = self.problem(422, "invalid");
        let named = |detail: &Value| {
            let expected = detail["message"].as_str().is_some_and(|expected| !expected.is_empty());
            expected && detail["field"].as_str().is_some_and(|name| is_part(name, field))
        };
        assert!(
            body["details"].as_array().unwrap().iter().any(named),
            "`details` does not name {field}: {self:?}"
        );
    }

    /// Panics unless the response is a small 4xx problem.
    pub(crate) fn assert_client_error(&self) {
        assert!(self.status.is_client_error(), "{self:?}");
        assert!(self.text.len() < 4_096, "the problem is too long: {self:?}");
        if self.header("content-type") == "application/problem+json" {
            self.problem(self.status.as_u16(), self.json()["code"].as_str().unwrap());
        }
    }
}

/// `scopes[0]` is a part of `scopes`.
fn is_part(name: &str, field: &str) -> bool {
    name.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
}
