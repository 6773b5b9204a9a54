//! Checks the content coding of request bodies (RFC 9110, section 8.4). The server decodes no body, so that limits of a
//! body are limits of its content.

use http::request::Parts;
use http::{StatusCode, header};
use http_body::Body;
use keyrack_guard::Problem;

/// Checks that a request has no body or a body without encoding. The problem names the accepted encoding.
pub fn check(request: &Parts, body: &impl Body) -> Result<(), Box<Problem>> {
    let codings = request.headers.get_all(header::CONTENT_ENCODING).iter();
    let is_plain = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).all(|coding| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    });
    if is_plain || body.is_end_stream() {
        return Ok(());
    }
    let message = "The request body is compressed (Content-Encoding). This server doesn't accept compressed \
         bodies. Send the body without compression.";
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded_body", message);
    Err(Box::new(problem.header(header::ACCEPT_ENCODING, "identity")))
}
