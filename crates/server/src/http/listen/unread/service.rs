//! Notes when the service starts and finishes a request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::Service;

use super::response_progress::{AnswerGuard, ResponseProgress};

#[derive(Clone, Debug)]
pub struct UnreadService<S> {
    inner: S,
    turn: Arc<ResponseProgress>,
}

impl<S> UnreadService<S> {
    /// Notes in `turn` when `inner` responds.
    pub const fn new(inner: S, turn: Arc<ResponseProgress>) -> Self {
        Self { inner, turn }
    }
}

impl<S, R, B> Service<Request<R>> for UnreadService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
{
    type Response = Response<AnswerBody<B>>;
    type Error = S::Error;
    type Future = UnreadFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let guard = Some(self.turn.begin());
        UnreadFuture { inner: self.inner.call(request), guard }
    }
}

pin_project! {
    pub struct UnreadFuture<F> {
        #[pin]
        inner: F,
        guard: Option<AnswerGuard>,
    }
}

impl<F: Future<Output = Result<Response<B>, E>>, B, E> Future for UnreadFuture<F> {
    type Output = Result<Response<AnswerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx))?;
        let guard = this.guard.take();
        Poll::Ready(Ok(answer.map(|body| AnswerBody { body, _guard: guard })))
    }
}

pin_project! {
    /// The body of a response. The HTTP library drops the body once it has taken all of it.
    pub struct AnswerBody<B> {
        #[pin]
        body: B,
        _guard: Option<AnswerGuard>,
    }
}

impl<B: HttpBody> HttpBody for AnswerBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
