//! The queue for decoding images: one image per core, and at most two of the largest images at once on any number of
//! cores. Workspaces and keys take turns by pixels.

use std::thread::available_parallelism;

use crate::shares::{FairQueue, Limits};

/// The maximum queue length per core: longer queues would exceed the maximum wait.
const WAITING_PER_CORE: usize = 32;
/// The number of images of the largest size that are decoded at once.
const LARGEST: u64 = 2;
/// Images with more pixels take longer to decode than a prediction takes. Smaller images use at most about 12 MB of
/// memory per core.
const LARGE: u64 = 4_000_000;
/// The cost of a prediction, as the number of pixels that are decoded in the same time.
const BASE: u64 = 2_000_000;

/// A queue for this machine and for images of at most `largest` pixels. A turn costs the pixels of its image. The work
/// holds the turn, so the turn counts until the work ends, even if the client has hung up.
pub fn for_pictures_of(largest: u64) -> FairQueue {
    FairQueue::new(limits(available_parallelism().map_or(1, usize::from), largest))
}

const fn limits(cores: usize, largest: u64) -> Limits {
    Limits {
        concurrency: cores,
        waiting: cores * WAITING_PER_CORE,
        heavy_from: LARGE,
        heavy_total: largest.saturating_mul(LARGEST),
        base_cost: BASE,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::shares::tests::claimants;

    fn in_millis(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[tokio::test]
    async fn queue_runs_two_largest_images_with_many_cores() {
        let (queue, claimants) = (FairQueue::new(limits(64, 40_000_000)), claimants(1, 1));
        let first = queue.acquire(claimants[0][0], 40_000_000, in_millis(1000)).await.unwrap();
        let _second = queue.acquire(claimants[0][0], 36_000_000, in_millis(1000)).await.unwrap();
        assert!(queue.acquire(claimants[0][0], 40_000_000, in_millis(10)).await.is_err());
        // Small images do not wait.
        let _small = queue.acquire(claimants[0][0], 1_000_000, in_millis(1000)).await.unwrap();
        drop(first);
        queue.acquire(claimants[0][0], 40_000_000, in_millis(1000)).await.unwrap();
    }

    #[tokio::test]
    async fn queue_denies_requests_beyond_its_waiting_limit() {
        let (queue, claimants) = (FairQueue::new(limits(1, 40_000_000)), claimants(1, 1));
        let _running = queue.acquire(claimants[0][0], 1, in_millis(1000)).await.unwrap();
        let requests: Vec<_> = (0..=WAITING_PER_CORE)
            .map(|_| Box::pin(queue.acquire(claimants[0][0], 1, in_millis(300))))
            .collect();
        let mut requests = futures_util::stream::FuturesUnordered::from_iter(requests);
        let first = futures_util::StreamExt::next(&mut requests).await.unwrap();
        assert!(first.is_err());
        assert_eq!(queue.waiting(), WAITING_PER_CORE);
        drop(requests);
        assert_eq!(queue.waiting(), 0);
    }
}
