//! A memory budget for responses that wait to be sent. Without it, a peer that opens many HTTP/2 streams and reads none of
//! them makes the server hold all of their responses.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::Method;
use http_body::{Body as HttpBody, Frame, SizeHint};
use keyrack_core::OpError;
use keyrack_core::predict::{Held, Room};
use keyrack_core::shares::Claimant;

use super::error::ApiError;

/// Shorter bodies use no share: each connection has a limited number of streams. In bytes.
const UNCOUNTED: u64 = 16 * 1024;

/// Marks a response that has a share of another budget.
#[derive(Clone, Copy, Debug)]
pub struct HasShare;

/// Counts a response against the share of `claimant` until the response is sent or dropped, or returns an error response if the
/// share is used up. The response to a request that may have changed something is counted, but never replaced. Streams are not
/// counted: the server holds one piece of each at a time.
pub fn count(room: &Room, claimant: Claimant, method: &Method, response: Response) -> Response {
    let length = response.body().size_hint().exact().filter(|bytes| *bytes > UNCOUNTED);
    let Some(length) = length.filter(|_| response.extensions().get::<HasShare>().is_none()) else {
        return response;
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let held = if method.is_safe() {
        match room.hold(claimant, length) {
            Ok(held) => held,
            Err(exhausted) => return ApiError::from(OpError::from(exhausted)).into_response(),
        }
    } else {
        room.record(claimant, length)
    };
    response.map(|body| Body::new(HeldBody { body, held: Some(held) }))
}

/// Returns the bytes as the owner of their permit: dropping the last copy of the bytes frees the permit.
pub fn held_bytes(bytes: impl AsRef<[u8]> + Send + 'static, held: Held) -> Bytes {
    Bytes::from_owner(HeldBytes { bytes, _held: held })
}

struct HeldBytes<T> {
    bytes: T,
    _held: Held,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for HeldBytes<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// A body in one piece with its permit. The piece takes over the permit, since the HTTP library keeps the piece after it has
/// dropped the body.
struct HeldBody {
    body: Body,
    held: Option<Held>,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        polled.map_ok(|frame| {
            frame.map_data(|bytes| match self.held.take() {
                Some(held) => held_bytes(bytes, held),
                None => bytes,
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use http::StatusCode;

    use super::*;

    const LONG: usize = 1024 * 1024;

    fn long() -> Response {
        Response::new(Body::from(vec![0; LONG]))
    }

    fn counted(room: &Room, response: Response) -> Response {
        count(room, Claimant::network(None), &Method::GET, response)
    }

    #[test]
    fn response_uses_a_share_until_its_last_byte_is_dropped() {
        let room = Room::for_responses();
        let mut response = counted(&room, long());
        assert_eq!(room.held(), LONG);
        let Poll::Ready(Some(Ok(frame))) =
            Pin::new(response.body_mut()).poll_frame(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("the only piece")
        };
        let mut bytes = frame.into_data().unwrap();
        drop((response, bytes.split_to(LONG / 2)));
        assert_eq!(room.held(), LONG, "the rest is not sent");
        drop(bytes);
        assert_eq!(room.held(), 0);
    }

    #[test]
    fn responses_beyond_the_share_are_denied_and_other_networks_get_theirs() {
        let room = Room::for_responses();
        let waiting: Vec<_> = (0..1_000)
            .map(|_| counted(&room, long()))
            .take_while(|response| response.status() == StatusCode::OK)
            .collect();
        assert!((50..1_000).contains(&waiting.len()), "{}", waiting.len());
        assert_ne!(counted(&room, long()).status(), StatusCode::OK);
        let other = Claimant::network(Some([203, 0, 113, 7].into()));
        assert_eq!(count(&room, other, &Method::GET, long()).status(), StatusCode::OK);
        drop(waiting);
        assert_eq!(counted(&room, long()).status(), StatusCode::OK);
    }

    #[test]
    fn response_to_a_change_is_counted_and_never_denied() {
        let room = Room::for_responses();
        let _held = room.record(Claimant::network(None), usize::MAX / 2);
        assert_ne!(counted(&room, long()).status(), StatusCode::OK);
        let before = room.held();
        let response = count(&room, Claimant::network(None), &Method::POST, long());
        assert_eq!((response.status(), room.held()), (StatusCode::OK, before + LONG));
    }

    #[test]
    fn short_responses_streams_and_those_with_a_share_use_none() {
        let room = Room::for_responses();
        let stream = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let mut predicted = long();
        predicted.extensions_mut().insert(HasShare);
        let all = [Response::new(Body::from("short")), Response::new(Body::from_stream(stream)), predicted];
        let _all = all.map(|response| counted(&room, response));
        assert_eq!(room.held(), 0);
    }
}
