//! Wraps the service of a connection: notes whether each request was read to the end and, with HTTP/2, how much of each
//! response the peer took.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Request, Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::Service;

use super::peer::{Peer, WaitingBody};

/// In bytes. The HTTP library may read a body of at most this length after its request was denied, so that the
/// connection can be reused.
const SHORT: u64 = 64 * 1024;
/// Bytes of a response that an HTTP/2 stream receives at once.
const PIECE: usize = 64 * 1024;

#[derive(Clone, Debug)]
pub struct ConnectionService<S> {
    inner: S,
    peer: Arc<Peer>,
}

impl<S> ConnectionService<S> {
    pub const fn new(inner: S, peer: Arc<Peer>) -> Self {
        Self { inner, peer }
    }
}

impl<S> Service<Request<Incoming>> for ConnectionService<S>
where
    S: Service<Request<ReceivedBody>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ConnectionFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let is_http2 = request.version() == Version::HTTP_2;
        let has_body = !request.body().is_end_stream();
        let is_long = request.body().size_hint().upper().is_none_or(|bytes| bytes > SHORT);
        let sending = (!is_http2 && has_body).then(|| Arc::clone(&self.peer));
        if !is_http2 {
            self.peer.request_begins(has_body);
        }
        let answering = self.inner.call(request.map(|body| ReceivedBody { body, sending }));
        let peer = (is_http2 || (has_body && is_long)).then(|| Arc::clone(&self.peer));
        ConnectionFuture { inner: answering, peer, is_http2 }
    }
}

/// The body of a request, which notifies its connection when the body is read to the end.
#[derive(Debug)]
pub struct ReceivedBody {
    body: Incoming,
    sending: Option<Arc<Peer>>,
}

impl HttpBody for ReceivedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if (frame.is_none() || self.body.is_end_stream())
            && let Some(peer) = self.sending.take()
        {
            peer.body_ends();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pin_project! {
    pub struct ConnectionFuture<F> {
        #[pin]
        inner: F,
        // Present if the response depends on the peer.
        peer: Option<Arc<Peer>>,
        is_http2: bool,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for ConnectionFuture<F> {
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(match this.peer.take() {
            Some(peer) if *this.is_http2 => counted(answer, peer),
            Some(peer) => {
                if peer.is_sending_body() {
                    // The server does not read the rest of the body. This header makes a client stop sending the body.
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                answer
            }
            None => answer,
        }))
    }
}

fn counted(answer: Response, peer: Arc<Peer>) -> Response {
    if answer.body().is_end_stream() {
        return answer;
    }
    let waiting = Some(peer.body_waits());
    answer.map(|body| Body::new(CountedBody { body, rest: Bytes::new(), peer, waiting }))
}

/// The body of a response in counted pieces. One or two pieces at most are in flight, and the peer is known to take
/// each piece or not.
struct CountedBody {
    body: Body,
    /// Bytes that the body yielded and that are not sent yet.
    rest: Bytes,
    peer: Arc<Peer>,
    /// Present while the peer must take bytes before the body is polled again.
    waiting: Option<WaitingBody>,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.waiting = None;
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.rest = bytes,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.waiting = Some(self.peer.body_waits());
        Poll::Ready(Some(Ok(Frame::data(self.peer.piece(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper().and_then(|upper| upper.checked_add(rest)) {
            hint.set_upper(upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn http2_response_without_window_stalls_its_connection() {
        let (peer, start) = (Arc::new(Peer::default()), Instant::now());
        let later = start + Duration::from_secs(11);
        let mut response = counted(Response::new(Body::from(vec![0; 3 * PIECE])), Arc::clone(&peer));
        assert!(peer.is_stalled(later), "the library never polls the body");
        let mut cx = Context::from_waker(Waker::noop());
        let mut next = || Pin::new(response.body_mut()).poll_frame(&mut cx);
        let Poll::Ready(Some(Ok(first))) = next() else { panic!("expected a piece") };
        drop(first);
        assert!(peer.is_stalled(later), "the rest of the body waits for the peer");
        drop(response);
        assert!(!peer.is_stalled(later));
    }

    #[test]
    fn response_waiting_for_the_server_does_not_stall() {
        let peer = Arc::new(Peer::default());
        let silent = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let mut response = counted(Response::new(Body::from_stream(silent)), Arc::clone(&peer));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(response.body_mut()).poll_frame(&mut cx).is_pending());
        assert!(!peer.is_stalled(Instant::now() + Duration::from_mins(10)));
    }
}
