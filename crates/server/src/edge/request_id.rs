//! A name for each request, the same in the log, in the answer's header and in an error's body.

use http::{HeaderName, HeaderValue, Request};
use rand_core::TryRng;
use tower_http::request_id::{MakeRequestId, RequestId};

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Makes ids of 96 random bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomId;

impl MakeRequestId for RandomId {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let mut random = [0; 12];
        getrandom::SysRng.try_fill_bytes(&mut random).ok()?;
        let text = random.iter().fold(String::from("req_"), |text, byte| format!("{text}{byte:02x}"));
        HeaderValue::from_str(&text).ok().map(RequestId::new)
    }
}

/// Takes away what a client calls its request: the name in our log is ours.
pub async fn forget(mut request: axum::extract::Request) -> axum::extract::Request {
    request.headers_mut().remove(HEADER);
    request
}
