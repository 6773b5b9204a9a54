//! A queue of turns.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::Claimant;
use super::schedule::{Limits, RunningWork, Schedule};

/// Waiting work, in an order that is fair to all workspaces and keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FairQueue(Arc<Mutex<Schedule<oneshot::Sender<QueuePermit>>>>);

/// A permit to work. Dropping the turn starts the next work.
#[derive(Debug)]
pub struct QueuePermit {
    queue: FairQueue,
    running: RunningWork,
}

/// No turn was free in time, or the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many are waiting for a turn")]
pub struct QueueFull;

impl FairQueue {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(Schedule::new(limits))))
    }

    /// Waits for a turn for work of this cost, at most until `until`.
    pub async fn acquire(
        &self,
        claimant: Claimant,
        cost: u64,
        until: Instant,
    ) -> Result<QueuePermit, QueueFull> {
        let (ticket, turn) = oneshot::channel();
        let joined = self.0.lock().join(claimant, cost, ticket, Instant::now());
        let Ok((number, who_left)) = joined else { return Err(QueueFull) };
        drop(who_left);
        let _place = QueueEntry { queue: self, number };
        self.dispatch();
        timeout_at(until, turn).await.map_err(|_| QueueFull)?.map_err(|_| QueueFull)
    }

    /// The number of waiting requests.
    pub fn waiting(&self) -> usize {
        self.0.lock().waiting()
    }

    /// Starts all work that has a free turn.
    fn dispatch(&self) {
        loop {
            let next = self.0.lock().next(Instant::now());
            let Some((running, ticket)) = next else { return };
            // If the receiver is gone, dropping the turn returns it to the queue.
            let _ = ticket.send(QueuePermit { queue: self.clone(), running });
        }
    }
}

impl QueuePermit {
    /// Lowers the cost of the work, if it costs less than the requested cost.
    pub fn reduce(&mut self, cost: u64) {
        self.queue.0.lock().reduce(&mut self.running, cost, Instant::now());
        self.queue.dispatch();
    }
}

impl Drop for QueuePermit {
    fn drop(&mut self) {
        self.queue.0.lock().end(self.running);
        self.queue.dispatch();
    }
}

/// A place in the queue. Dropping the place, with a turn or without, removes the work from the queue.
struct QueueEntry<'a> {
    queue: &'a FairQueue,
    number: u64,
}

impl Drop for QueueEntry<'_> {
    fn drop(&mut self) {
        self.queue.0.lock().leave(self.number);
        // Other work may have waited behind heavy work that left the queue.
        self.queue.dispatch();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::claimants;
    use super::*;

    const LIMITS: Limits =
        Limits { concurrency: 1, waiting: 4, heavy_from: 10, heavy_total: 100, base_cost: 1 };

    fn soon() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test]
    async fn expired_wait_leaves_the_queue_without_a_turn() {
        let (queue, claimants) = (FairQueue::new(LIMITS), claimants(1, 1));
        let turn = queue.acquire(claimants[0][0], 1, soon()).await.unwrap();
        assert_eq!(
            queue.acquire(claimants[0][0], 1, Instant::now() + Duration::from_millis(10)).await.err(),
            Some(QueueFull)
        );
        assert_eq!(queue.waiting(), 0);
        drop(turn);
        queue.acquire(claimants[0][0], 1, soon()).await.unwrap();
    }

    #[tokio::test]
    async fn dropped_wait_leaves_the_queue() {
        let (queue, claimants) = (FairQueue::new(LIMITS), claimants(1, 1));
        let turn = queue.acquire(claimants[0][0], 1, soon()).await.unwrap();
        {
            let mut waits = Box::pin(queue.acquire(claimants[0][0], 1, soon()));
            assert!(futures_util::poll!(&mut waits).is_pending());
            assert_eq!(queue.waiting(), 1);
        }
        assert_eq!(queue.waiting(), 0);
        // The client leaves just after it got a turn.
        let mut waits = Box::pin(queue.acquire(claimants[0][0], 1, soon()));
        assert!(futures_util::poll!(&mut waits).is_pending());
        drop(turn);
        drop(waits);
        queue.acquire(claimants[0][0], 1, soon()).await.unwrap();
    }

    #[tokio::test]
    async fn new_workspace_replaces_a_waiter_of_the_longest_queue() {
        let (queue, claimants) = (FairQueue::new(LIMITS), claimants(2, 1));
        let turn = queue.acquire(claimants[0][0], 1, soon()).await.unwrap();
        let mut flood: Vec<_> = (0..4).map(|_| Box::pin(queue.acquire(claimants[0][0], 1, soon()))).collect();
        for one in &mut flood {
            assert!(futures_util::poll!(one).is_pending());
        }
        assert!(
            queue.acquire(claimants[0][0], 1, soon()).await.is_err(),
            "the longest queue belongs to the same workspace"
        );
        let mut other = Box::pin(queue.acquire(claimants[1][0], 1, soon()));
        assert!(futures_util::poll!(&mut other).is_pending());
        let last = flood.pop().unwrap();
        assert_eq!(last.await.err(), Some(QueueFull));
        drop(turn);
        // The request arrived last and is served first, because the other workspace has already had a turn.
        other.await.unwrap();
    }
}
