//! The problems that each operation can answer with, written into its description from what is known of its route. What only one
//! operation can answer with is described at its handler.

use keyrack_guard::Problem;
use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Ref, SchemaType, Type};
use utoipa::openapi::{Content, Header, RefOr, Response, ResponseBuilder};

use super::Access;

/// The media type of a problem (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// What decides which problems a route can answer with.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, in any combination")]
struct Route {
    takes_key: bool,
    takes_session: bool,
    has_body: bool,
    has_parameters: bool,
    names_something: bool,
}

/// A status, what it means wherever it occurs, and the routes where it does.
type Failure = (u16, &'static str, fn(&Route) -> bool);

const FAILURES: [Failure; 13] = [
    (400, "The request can't be read, or carries two keys.", |_| true),
    (401, "The key is missing, unknown, paused, expired or deleted.", |route| route.takes_key),
    (403, "The key or the member doesn't have permission for this.", |route| route.takes_key),
    (404, "There is no such thing in this workspace, or no such workspace.", |route| {
        route.takes_session || route.names_something
    }),
    (408, "The request body didn't arrive in time.", |route| route.has_body),
    (413, "The request body is too large.", |route| route.has_body),
    (415, "The request body is of another media type, or is encoded.", |route| route.has_body),
    (421, "A session cookie was sent to a host name that isn't this server's.", |route| route.takes_session),
    (422, "A field or parameter is wrong; `details` names it.", |route| {
        route.has_body || route.has_parameters
    }),
    (429, "A rate limit or quota is exceeded; `Retry-After` says when to try again.", |route| {
        route.takes_key
    }),
    (500, "Something went wrong on the server's side.", |_| true),
    (503, "The server is busy, or its keys aren't up to date yet; try again.", |_| true),
    (507, "The disk of the server is nearly full.", |route| route.has_body),
];

/// Adds the problems of an operation to its responses, and the body to those that it states itself.
pub fn describe(operation: &mut Operation, access: Access) {
    let route = Route::of(operation, access);
    let responses = &mut operation.responses.responses;
    for (status, meaning, occurs) in FAILURES {
        if occurs(&route) {
            let add = || ResponseBuilder::new().description(meaning).build().into();
            responses.entry(status.to_string()).or_insert_with(add);
        }
    }
    for (status, response) in responses {
        if let (true, RefOr::T(response)) = (status.as_str() >= "400", response) {
            carry_problem(status, response);
        }
    }
}

/// Whether a response is described as it is for all routes.
pub fn is_common(status: &str, description: &str) -> bool {
    FAILURES.iter().any(|(code, meaning, _)| *meaning == description && code.to_string() == status)
}

impl Route {
    fn of(operation: &Operation, access: Access) -> Self {
        let parameters = operation.parameters.as_deref().unwrap_or_default();
        let has = |place: ParameterIn| {
            parameters.iter().any(|one| matches!(one, RefOr::T(one) if one.parameter_in == place))
        };
        Self {
            takes_key: matches!(access, Access::Guarded(..) | Access::AsksAboutKey),
            takes_session: matches!(access, Access::Guarded(..)),
            has_body: operation.request_body.is_some(),
            has_parameters: has(ParameterIn::Query) || has(ParameterIn::Header),
            names_something: has(ParameterIn::Path),
        }
    }
}

fn carry_problem(status: &str, response: &mut Response) {
    let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    response.content.entry(PROBLEM.to_owned()).or_insert_with(|| content.into());
    let header = match status {
        "401" => ("WWW-Authenticate", "How to authenticate (RFC 6750)", Type::String),
        "429" | "503" => ("Retry-After", "Seconds until another try can succeed", Type::Integer),
        _ => return,
    };
    response.headers.entry(header.0.to_owned()).or_insert_with(|| described(header.1, header.2).into());
}

fn described(description: &str, kind: Type) -> Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(kind));
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
