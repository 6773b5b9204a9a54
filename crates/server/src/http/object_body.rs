//! Objects as response bodies.

use axum::body::Body;
use axum::response::IntoResponse;
use http::header;
use keyrack_core::objects::Object;

/// Returns the object as a body of known length. If a read of the object fails, the response ends early, and the client
/// detects that the body is too short.
pub fn object_body(object: Object) -> impl IntoResponse {
    ([(header::CONTENT_LENGTH, object.size())], Body::from_stream(object.into_pieces()))
}
