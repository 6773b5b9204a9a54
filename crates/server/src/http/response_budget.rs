//! A memory budget for responses that wait to be sent. Without it, a peer that opens many HTTP/2 streams and reads none of
//! them makes the server hold all of their responses.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::Method;
use http_body::{Body as HttpBody, Frame, SizeHint};
use keyrack_core::OpError;
use keyrack_core::predict::{MemoryBudget, MemoryPermit};
use keyrack_core::shares::Claimant;

use super::error::ApiError;

/// Shorter bodies use no share: each connection has a limited number of streams. In bytes.
const UNCOUNTED: u64 = 16 * 1024;
/// The bytes that are sent or compressed before other requests get a turn: less than a millisecond.
const PIECE: usize = 32 * 1024;

/// Marks a response that has a share of another budget.
#[derive(Clone, Copy, Debug)]
pub struct HasShare;

/// Counts a response against the share of `claimant` until the response is sent or dropped, or returns an error response if the
/// share is used up. The response to a request that may have changed something is counted, but never replaced. Streams are not
/// counted: the server holds one piece of each at a time. All long responses are sent in pieces.
pub fn count(budget: &MemoryBudget, claimant: Claimant, method: &Method, response: Response) -> Response {
    let length = response.body().size_hint().exact();
    if length.is_some_and(|bytes| bytes <= UNCOUNTED) {
        return response;
    }
    let counted = length.filter(|_| response.extensions().get::<HasShare>().is_none());
    let permit = match counted.map(|length| usize::try_from(length).unwrap_or(usize::MAX)) {
        None => None,
        Some(length) if method.is_safe() => match budget.take(claimant, length) {
            Ok(permit) => Some(permit),
            Err(exhausted) => return ApiError::from(OpError::from(exhausted)).into_response(),
        },
        Some(length) => Some(budget.record(claimant, length)),
    };
    response.map(|body| Body::new(PacedBody { body, permit, rest: Bytes::new(), has_yielded: false }))
}

/// Returns the bytes as the owner of their permit: dropping the last copy of the bytes frees the permit.
pub fn held_bytes(bytes: impl AsRef<[u8]> + Send + 'static, permit: MemoryPermit) -> Bytes {
    Bytes::from_owner(HeldBytes { bytes, _held: permit })
}

struct HeldBytes<T> {
    bytes: T,
    _held: MemoryPermit,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for HeldBytes<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// A body that yields the thread between pieces: to compress or copy a megabyte takes milliseconds, which would delay
/// other requests. If the body has a permit, its bytes take over the permit, since the HTTP library keeps bytes after
/// it has dropped the body.
struct PacedBody {
    body: Body,
    permit: Option<MemoryPermit>,
    /// Bytes of the body that are still to be sent.
    rest: Bytes,
    has_yielded: bool,
}

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let bytes = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => bytes,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            };
            self.rest = match self.permit.take() {
                Some(permit) => held_bytes(bytes, permit),
                None => bytes,
            };
        } else if !self.has_yielded {
            self.has_yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.has_yielded = false;
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let exact = self.body.size_hint().exact();
        exact.map_or_else(SizeHint::default, |bytes| SizeHint::with_exact(bytes + self.rest.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use http::StatusCode;
    use http_body_util::BodyExt;

    use super::*;

    const LONG: usize = 1024 * 1024;

    fn long() -> Response {
        Response::new(Body::from(vec![0; LONG]))
    }

    fn counted(budget: &MemoryBudget, response: Response) -> Response {
        count(budget, Claimant::network(None), &Method::GET, response)
    }

    #[test]
    fn response_uses_a_share_until_its_last_byte_is_dropped() {
        let budget = MemoryBudget::for_responses();
        let mut response = counted(&budget, long());
        assert_eq!(budget.in_use(), LONG);
        let Poll::Ready(Some(Ok(frame))) =
            Pin::new(response.body_mut()).poll_frame(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("expected the first piece")
        };
        let mut bytes = frame.into_data().unwrap();
        drop((response, bytes.split_to(PIECE / 2)));
        assert_eq!(budget.in_use(), LONG, "the rest of the piece is not sent");
        drop(bytes);
        assert_eq!(budget.in_use(), 0);
    }

    #[tokio::test]
    async fn long_response_arrives_whole_and_other_work_runs_between_its_pieces() {
        let text: Vec<u8> = (0..=250).cycle().take(LONG).collect();
        let mut response = counted(&MemoryBudget::for_responses(), Response::new(Body::from(text.clone())));
        assert_eq!(response.body().size_hint().exact(), Some(LONG as u64));
        let (turns, mut received) = (Arc::new(AtomicUsize::new(0)), Vec::new());
        let counter = Arc::clone(&turns);
        let other = tokio::spawn(async move {
            loop {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        while let Some(frame) = response.body_mut().frame().await {
            received.extend_from_slice(&frame.unwrap().into_data().unwrap());
            let left = response.body().size_hint().exact();
            assert_eq!(left, Some((LONG - received.len()) as u64));
        }
        other.abort();
        assert!(received == text && response.body().is_end_stream());
        assert!(turns.load(Ordering::Relaxed) >= LONG / PIECE - 1, "{turns:?}");
    }

    #[test]
    fn responses_beyond_the_share_are_denied_and_other_networks_get_theirs() {
        let budget = MemoryBudget::for_responses();
        let waiting: Vec<_> = (0..1_000)
            .map(|_| counted(&budget, long()))
            .take_while(|response| response.status() == StatusCode::OK)
            .collect();
        assert!((50..1_000).contains(&waiting.len()), "{}", waiting.len());
        assert_ne!(counted(&budget, long()).status(), StatusCode::OK);
        let other = Claimant::network(Some([203, 0, 113, 7].into()));
        assert_eq!(count(&budget, other, &Method::GET, long()).status(), StatusCode::OK);
        drop(waiting);
        assert_eq!(counted(&budget, long()).status(), StatusCode::OK);
    }

    #[test]
    fn response_to_a_change_is_counted_and_never_denied() {
        let budget = MemoryBudget::for_responses();
        let _held = budget.record(Claimant::network(None), usize::MAX / 2);
        assert_ne!(counted(&budget, long()).status(), StatusCode::OK);
        let before = budget.in_use();
        let response = count(&budget, Claimant::network(None), &Method::POST, long());
        assert_eq!((response.status(), budget.in_use()), (StatusCode::OK, before + LONG));
    }

    #[test]
    fn short_responses_streams_and_those_with_a_share_use_none() {
        let budget = MemoryBudget::for_responses();
        let stream = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let mut predicted = long();
        predicted.extensions_mut().insert(HasShare);
        let all = [Response::new(Body::from("short")), Response::new(Body::from_stream(stream)), predicted];
        let _all = all.map(|response| counted(&budget, response));
        assert_eq!(budget.in_use(), 0);
    }
}
