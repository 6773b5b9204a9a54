//! Denies request bodies that arrive too slowly. A deadline limits the time of a whole body, but this time is long for
//! large bodies. The minimum rate limits how long a client can keep a request open while it sends next to nothing.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::listen::TimeBudget;

/// A body that fails with [`TooSlow`] if its client sends nothing for ten seconds, or less than 8 KiB per second for
/// longer. Only the time in which the server waits for the body counts.
#[derive(Debug)]
pub struct Progress {
    body: Body,
    budget: TimeBudget,
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body was sent too slowly")]
pub struct TooSlow;

impl Progress {
    /// Wraps `body` in a [`Progress`]. Returns an empty body unchanged.
    pub fn watch(body: Body) -> Body {
        if http_body::Body::is_end_stream(&body) {
            return body;
        }
        Self::with_budget(body, TimeBudget::full())
    }

    fn with_budget(body: Body, budget: TimeBudget) -> Body {
        Body::new(Self { body, budget, timer: None })
    }

    /// Is pending until the budget is used up.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = Instant::now();
            let end = now + self.budget.left_at(now.into_std());
            if end == now {
                return Poll::Ready(());
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
            // The timer may be older than the last bytes. It then fires early and is set again.
            ready!(timer.as_mut().poll(cx));
            timer.as_mut().reset(end);
        }
    }
}

impl http_body::Body for Progress {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                let bytes =
                    frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
                self.budget.receive(bytes, Instant::now().into_std());
                Poll::Ready(frame)
            }
            Poll::Pending => {
                self.budget.wait(Instant::now().into_std());
                self.poll_over(cx).map(|()| Some(Err(axum::Error::new(TooSlow))))
            }
        }
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
    use std::convert::Infallible;
    use std::time::Duration;

    use futures_util::stream::{iter, pending, unfold};
    use http_body_util::BodyExt;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::api::is_timeout;

    const TICK: Duration = Duration::from_millis(10);

    /// Returns a body of pieces of `bytes` bytes, one after each `pause`.
    fn paced(pieces: usize, bytes: usize, pause: Duration) -> Body {
        let pieces = unfold(pieces, move |left| async move {
            sleep(pause).await;
            let left = left.checked_sub(1)?;
            Some((Ok::<_, Infallible>(Bytes::from(vec![b'x'; bytes])), left))
        });
        Body::from_stream(pieces)
    }

    async fn receive(body: Body, longest: Duration) -> Result<usize, axum::Error> {
        let body = Progress::with_budget(body, TimeBudget::up_to(longest));
        body.collect().await.map(|body| body.to_bytes().len())
    }

    #[tokio::test]
    async fn body_without_enough_progress_times_out() {
        let stopped = Body::from_stream(pending::<Result<Bytes, Infallible>>());
        for body in [stopped, paced(usize::MAX, 1, TICK)] {
            let outcome = timeout(Duration::from_mins(1), receive(body, 20 * TICK)).await.unwrap();
            assert!(is_timeout(&outcome.unwrap_err()));
        }
    }

    #[tokio::test]
    async fn body_at_the_minimum_rate_is_received() {
        // Each piece earns a second. All pieces together take longer than the budget.
        let (pieces, bytes, longest) = (30, 8 * 1024, Duration::from_secs(2));
        assert_eq!(receive(paced(pieces, bytes, 10 * TICK), longest).await.unwrap(), pieces * bytes);
    }

    #[tokio::test]
    async fn time_counts_only_while_waiting_for_the_body() {
        let pieces = iter([const { Ok::<_, Infallible>(Bytes::from_static(b"x")) }; 5]);
        let mut body = Progress::with_budget(Body::from_stream(pieces), TimeBudget::up_to(TICK));
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            bytes += frame.unwrap().into_data().unwrap().len();
            // The reader is busy and does not wait for the body.
            sleep(3 * TICK).await;
        }
        assert_eq!(bytes, 5);
    }
}
