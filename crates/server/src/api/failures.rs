//! Problem responses in the OpenAPI document. This module adds the problems that follow from the kind of a route; problems of a
//! single operation are documented at its handler.

use keyrack_guard::Problem;
use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Ref, SchemaType, Type};
use utoipa::openapi::{Content, Header, RefOr, Response, ResponseBuilder};

use super::RouteAccess;

/// The media type of a problem (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// The properties of an operation that determine its common problems.
#[expect(clippy::struct_excessive_bools, reason = "the properties are independent")]
struct Properties {
    takes_key: bool,
    takes_session: bool,
    has_body: bool,
    has_parameters: bool,
    names_something: bool,
}

/// A status, its description, and a predicate that selects the operations that can respond with it.
type Failure = (u16, &'static str, fn(&Properties) -> bool);

const FAILURES: [Failure; 13] = [
    (400, "The request can't be read, or has two keys.", |_| true),
    (401, "The key is missing, unknown, paused, expired, or deleted.", |route| route.takes_key),
    (403, "The key or the member doesn't have permission for this.", |route| route.takes_key),
    (404, "The resource or the workspace doesn't exist.", |route| {
        route.takes_session || route.names_something
    }),
    (408, "The request body was not received in time.", |route| route.has_body),
    (413, "The request body is too large.", |route| route.has_body),
    (
        415,
        "The media type of the request body isn't supported, or the body has a content encoding.",
        |route| route.has_body,
    ),
    (421, "A session cookie was sent to a host name that isn't this server's.", |route| route.takes_session),
    (422, "A field or parameter is invalid. `details` names it.", |route| {
        route.has_body || route.has_parameters
    }),
    (429, "A rate limit or quota is exceeded. Retry after `Retry-After` seconds.", |route| route.takes_key),
    (500, "Something went wrong on the server's side.", |_| true),
    (
        503,
        "The server is busy, or its keys aren't up to date yet. Retry after `Retry-After` seconds.",
        |_| true,
    ),
    (507, "The disk of the server is nearly full.", |route| route.has_body),
];

/// Adds the common problems to an operation, and the schema of a problem to all error responses of the operation.
pub fn describe(operation: &mut Operation, access: RouteAccess) {
    let route = Properties::of(operation, access);
    let responses = &mut operation.responses.responses;
    for (status, meaning, occurs) in FAILURES {
        if occurs(&route) {
            let add = || ResponseBuilder::new().description(meaning).build().into();
            responses.entry(status.to_string()).or_insert_with(add);
        }
    }
    for (status, response) in responses {
        if let (true, RefOr::T(response)) = (status.as_str() >= "400", response) {
            add_problem_schema(status, response);
        }
    }
}

/// Whether a response has the common description of its status.
pub fn is_common(status: &str, description: &str) -> bool {
    FAILURES.iter().any(|(code, meaning, _)| *meaning == description && code.to_string() == status)
}

impl Properties {
    fn of(operation: &Operation, access: RouteAccess) -> Self {
        let parameters = operation.parameters.as_deref().unwrap_or_default();
        let has = |place: ParameterIn| {
            parameters.iter().any(|one| matches!(one, RefOr::T(one) if one.parameter_in == place))
        };
        Self {
            takes_key: matches!(access, RouteAccess::Guarded(..) | RouteAccess::VerifiesKey),
            takes_session: matches!(access, RouteAccess::Guarded(..)),
            has_body: operation.request_body.is_some(),
            has_parameters: has(ParameterIn::Query) || has(ParameterIn::Header),
            names_something: has(ParameterIn::Path),
        }
    }
}

fn add_problem_schema(status: &str, response: &mut Response) {
    let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    response.content.entry(PROBLEM.to_owned()).or_insert_with(|| content.into());
    let header = match status {
        "401" => ("WWW-Authenticate", "How to authenticate (RFC 6750)", Type::String),
        "429" | "503" => ("Retry-After", "Seconds until the request can succeed", Type::Integer),
        _ => return,
    };
    response.headers.entry(header.0.to_owned()).or_insert_with(|| described(header.1, header.2).into());
}

fn described(description: &str, kind: Type) -> Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(kind));
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
