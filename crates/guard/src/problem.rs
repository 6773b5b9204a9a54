//! Errors in the form of problem details for HTTP (RFC 9457).

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

/// A problem. In addition to the members of RFC 9457 the body has `code` and `request_id`, and for clients of
/// the Epigos API `message` (a string) and `details` (an array).
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use keyrack_guard::Problem;
///
/// let problem = Problem::new(StatusCode::NOT_FOUND, "not_found", "Project not found.");
/// let response = problem.into_response::<String>(Some("req_1"));
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Vec<Value>,
    members: Map<String, Value>,
    headers: HeaderMap,
}

impl Problem {
    /// Creates a problem with a stable `code` for programs and a `message` for people, which contains what is
    /// wrong and what was expected.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            details: Vec::new(),
            members: Map::new(),
            headers: HeaderMap::new(),
        }
    }

    /// Adds an invalid field of the request, and the reason.
    #[must_use]
    pub fn field(mut self, field: &str, message: impl Into<String>) -> Self {
        self.details.push(json!({ "field": field, "message": message.into() }));
        self
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// Adds a header to the response. Ignores a value that HTTP does not allow.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// Changes the status, for clients that understand no other.
    #[must_use]
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Returns the status of the response.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Returns a member that [`Self::with`] added.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Returns the headers that [`Self::header`] added.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the message for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Creates the response to the request with this id.
    pub fn into_response<B: From<String>>(self, request_id: Option<&str>) -> Response<B> {
        let mut body = Map::new();
        body.insert("type".into(), format!("urn:keyrack:problem:{}", self.code).into());
        body.insert("title".into(), self.status.canonical_reason().unwrap_or("Error").into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.message.clone().into());
        body.insert("code".into(), self.code.into());
        body.insert("message".into(), self.message.into());
        body.insert("details".into(), self.details.into());
        if let Some(id) = request_id {
            body.insert("request_id".into(), id.into());
        }
        body.extend(self.members);
        let mut response = Response::new(B::from(Value::Object(body).to_string()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

#[cfg(feature = "openapi")]
mod description {
    use serde_json::json;
    use utoipa::openapi::schema::{
        AdditionalProperties, ArrayBuilder, ObjectBuilder, Ref, Schema, SchemaType, Type,
    };
    use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
    use utoipa::{PartialSchema, ToSchema};

    use super::Problem;

    /// An invalid field of a request.
    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only described")]
    struct ProblemField {
        /// The path of the field, such as `restrictions.networks[2]`.
        #[schema(example = "name")]
        field: String,
        /// The reason why the field is invalid.
        #[schema(example = "Use 100 characters or fewer.")]
        message: String,
    }

    fn text(says: &str) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some(says))
    }

    impl PartialSchema for Problem {
        fn schema() -> RefOr<Schema> {
            let status = ObjectBuilder::new().schema_type(SchemaType::new(Type::Integer));
            let status = status.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)));
            let details = ArrayBuilder::new().items(Ref::from_schema_name(ProblemField::name()));
            let uri = Some(SchemaFormat::Custom("uri".to_owned()));
            let required = ["type", "title", "status", "detail", "code", "message", "details"];
            let described = ObjectBuilder::new()
                .property("type", text("A URI for the code, always the same.").format(uri))
                .property("title", text("The text of the status."))
                .property("status", status.description(Some("The status of the response.")))
                .property("detail", text("The same as `message`."))
                .property("code", text("A stable code for the cause, for programs."))
                .property("message", text("What happened, why, and what to do. For people."))
                .property(
                    "details",
                    details.description(Some(
                        "The invalid fields of the request. Empty if the error isn't about fields.",
                    )),
                )
                .property("request_id", text("The ID of the request, also in the header `X-Request-Id`."))
                .description(Some(
                    "An error (RFC 9457). Some codes add members, such as `key` or `manage_url`.",
                ))
                .additional_properties(Some(AdditionalProperties::FreeForm(true)))
                .examples([json!({
                    "type": "urn:keyrack:problem:not_found",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "Project not found.",
                    "code": "not_found",
                    "message": "Project not found.",
                    "details": [],
                    "request_id": "req_0198c2f4a1b27c3d8e4f5a6b"
                })]);
            required.into_iter().fold(described, ObjectBuilder::required).build().into()
        }
    }

    impl ToSchema for Problem {
        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((ProblemField::name().into_owned(), ProblemField::schema()));
        }
    }
}
