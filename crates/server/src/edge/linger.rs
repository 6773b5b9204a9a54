//! What nobody reads of a body is read nevertheless, for a while, and thrown away: a connection that is closed over
//! unread bytes is reset, and a client that was still sending loses the answer (RFC 9112, section 9.6).

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use http::header;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// The longest that a connection is held open for it. However much comes until then: nothing of it is kept.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sees to it that the body is read to its end. Whoever waits to be asked for the body needs no such thing.
pub fn over_body(request: Request) -> Request {
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return request;
    }
    request.map(|body| Body::new(Lingering(body)))
}

struct Lingering(Body);

impl http_body::Body for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let rest = mem::take(&mut self.0);
        // No runtime: the server has ended, and nobody is waiting for an answer.
        if let (false, Ok(runtime)) = (rest.is_end_stream(), Handle::try_current()) {
            runtime.spawn(timeout(PATIENCE, discard(rest)));
        }
    }
}

async fn discard(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}
