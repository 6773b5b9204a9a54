//! Replaces responses that the HTTP library writes on its own. The library denies bytes that it cannot parse as a request
//! before a service sees them, with a head and no body. This module writes a complete response instead.
//!
//! Start reading at [`UnreadAcceptor`], which wraps every other acceptor (TLS included).

mod response_progress;
mod service;
mod stream;

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::response::Response;
use axum_server::accept::Accept;
use http::StatusCode;
use pin_project_lite::pin_project;
use tokio::net::TcpStream;

use response_progress::ResponseProgress;
use service::UnreadService;
use stream::UnreadStream;

/// Creates the response to bytes from this address that the HTTP library cannot parse. The library chooses the status: 400
/// for malformed bytes, 414 or 431 for bytes that are too long. The body must be available at once.
pub type AnswerUnread = Arc<dyn Fn(StatusCode, IpAddr) -> Response + Send + Sync>;

/// Accepts connections as `inner` does, and replaces the HTTP library's own responses with those of `answer`. `None` leaves
/// the library's responses unchanged.
#[derive(Clone)]
pub struct UnreadAcceptor<A> {
    pub(super) inner: A,
    pub(super) answer: Option<AnswerUnread>,
}

impl<A, S> Accept<TcpStream, S> for UnreadAcceptor<A>
where
    A: Accept<TcpStream, S>,
{
    type Stream = UnreadStream<A::Stream>;
    type Service = UnreadService<A::Service>;
    type Future = Accepting<A::Future>;

    fn accept(&self, socket: TcpStream, service: S) -> Self::Future {
        // Without an address the connection has ended, and the inner acceptor fails as well.
        let answer = self.answer.clone().zip(socket.peer_addr().ok());
        let answer = answer.map(|(answer, address)| (answer, address.ip()));
        Accepting { inner: self.inner.accept(socket, service), answer }
    }
}

pin_project! {
    pub struct Accepting<F> {
        #[pin]
        inner: F,
        answer: Option<(AnswerUnread, IpAddr)>,
    }
}

impl<F: Future<Output = io::Result<(T, S)>>, T, S> Future for Accepting<F> {
    type Output = io::Result<(UnreadStream<T>, UnreadService<S>)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (stream, service) = ready!(this.inner.poll(cx))?;
        let turn = Arc::new(ResponseProgress::default());
        let stream = UnreadStream::new(stream, Arc::clone(&turn), this.answer.take());
        Poll::Ready(Ok((stream, UnreadService::new(service, turn))))
    }
}
