//! A turn to read a list and write its JSON. A list of a megabyte takes several megabytes while it is built, and counts in the
//! memory budget of responses only when it is complete.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use keyrack_core::OpError;
use keyrack_core::shares::{Claimant, FairQueue, Limits, QueuePermit};
use tokio::time::Instant;

use super::ApiError;
use crate::app::Shared;

/// The lists that are built at the same time, on all cores. More would only use memory, since the store has four readers.
const CONCURRENCY: usize = 8;
/// The requests that may wait for a turn. A request that waits uses next to no memory.
const WAITING: usize = 1_024;
/// The longest wait. The request fails with 503 before its own deadline.
const PATIENCE: Duration = Duration::from_secs(20);

/// Proof that the request has a turn. Extract it after the caller, who is the claimant; a request without a caller gets no turn.
#[derive(Debug)]
pub struct ListTurn {
    _permit: QueuePermit,
}

/// Returns the queue in which workspaces, and the keys of each, take turns.
pub fn queue() -> FairQueue {
    FairQueue::new(Limits {
        concurrency: CONCURRENCY,
        waiting: WAITING,
        heavy_from: u64::MAX,
        heavy_total: u64::MAX,
        base_cost: 1,
    })
}

impl FromRequestParts<Shared> for ListTurn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, ApiError> {
        let claimant = parts.extensions.get::<Claimant>().copied().ok_or(OpError::Anonymous)?;
        let permit = app.list_turns.acquire(claimant, 1, Instant::now() + PATIENCE).await;
        Ok(Self { _permit: permit.map_err(|_| OpError::Busy)? })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn lists_beyond_the_limit_wait_and_another_claimant_is_next() {
        let (queue, until) = (queue(), Instant::now() + Duration::from_mins(1));
        let [flood, other] = [1, 2].map(|last| Claimant::network(Some([203, 0, 113, last].into())));
        let mut running = Vec::new();
        for _ in 0..CONCURRENCY {
            running.push(queue.acquire(flood, 1, until).await.unwrap());
        }
        let mut waiting: Vec<_> = (0..20).map(|_| Box::pin(queue.acquire(flood, 1, until))).collect();
        assert!(waiting.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()));
        let mut of_other = Box::pin(queue.acquire(other, 1, until));
        assert!(of_other.as_mut().now_or_never().is_none());
        drop(running.pop());
        assert!(of_other.as_mut().now_or_never().is_some_and(|turn| turn.is_ok()));
    }
}
