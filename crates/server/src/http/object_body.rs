//! Objects as bodies of responses.

use axum::body::Body;
use axum::response::IntoResponse;
use http::header;
use keyrack_core::objects::Object;

/// The object as a body of known length. If the object cannot be read to its end, the response breaks off, and the
/// client sees that it is too short.
pub fn object_body(object: Object) -> impl IntoResponse {
    ([(header::CONTENT_LENGTH, object.size())], Body::from_stream(object.into_pieces()))
}
