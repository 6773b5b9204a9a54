//! Password hashing with Argon2id (RFC 9106): 19 MiB and two passes, at most two hashes at a time.

use std::net::IpAddr;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::time::{Duration, Instant};
use zeroize::Zeroizing;

use super::OpError;
use super::throttle::network;
use crate::shares::{Claimant, FairQueue, Limits};

/// One hash takes 19 MiB and 30 ms of a core. More concurrent hashes would slow down all other requests.
const AT_ONCE: usize = 2;
/// The maximum number of waiting attempts: the number that the server can check within the last attempt's deadline.
const WAITING: usize = 256;

/// How long an attempt waits for its turn before it fails as busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes and checks passwords on blocking threads.
#[derive(Debug)]
pub struct Passwords {
    /// Network addresses take turns.
    queue: FairQueue,
    /// A hash to check if the account does not exist, so that the answer takes the same time as for an existing account.
    dummy_hash: String,
}

impl Passwords {
    /// Computes the hash that no password matches.
    pub fn new() -> Result<Self, OpError> {
        let dummy_hash = hash("a password of no account").map_err(OpError::internal)?;
        let limits = Limits {
            concurrency: AT_ONCE,
            waiting: WAITING,
            heavy_from: 1,
            heavy_total: u64::MAX,
            base_cost: 0,
        };
        Ok(Self { queue: FairQueue::new(limits), dummy_hash })
    }

    /// Hashes a password for the store (PHC string). Fails if too many attempts are waiting.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, OpError> {
        self.run(None, move || hash(&password)).await?.map_err(OpError::internal)
    }

    /// Whether `password`, sent from `address`, matches `stored`. Takes the same time if `stored` is `None`.
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        stored: Option<String>,
        address: Option<IpAddr>,
    ) -> Result<bool, OpError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy_hash.clone());
        let matches = self.run(address, move || {
            PasswordHash::new(&stored)
                .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
        });
        Ok(matches.await? && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        address: Option<IpAddr>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, OpError> {
        let claimant = Claimant::network(address.map(network));
        let permit = self.queue.acquire(claimant, 1, Instant::now() + PATIENCE).await?;
        let work = move || {
            // The turn belongs to the work and not to the request: the work keeps its memory if the client disconnects.
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(OpError::internal)
    }
}

fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_address_is_served_next_despite_a_flood() {
        let passwords = Passwords::new().unwrap();
        let until = Instant::now() + Duration::from_mins(1);
        let [flood, other] = ["192.0.2.1", "192.0.2.2"].map(|ip| Claimant::network(ip.parse().ok()));
        let mut running = Vec::new();
        for _ in 0..AT_ONCE {
            running.push(passwords.queue.acquire(flood, 1, until).await.unwrap());
        }
        let mut waits: Vec<_> =
            (0..WAITING).map(|_| Box::pin(passwords.queue.acquire(flood, 1, until))).collect();
        for one in &mut waits {
            assert!(futures_util::poll!(one).is_pending());
        }
        let mut other_wait = Box::pin(passwords.queue.acquire(other, 1, until));
        assert!(futures_util::poll!(&mut other_wait).is_pending());
        running.pop();
        let served = futures_util::poll!(&mut other_wait);
        assert!(matches!(served, std::task::Poll::Ready(Ok(_))));
        assert!(futures_util::poll!(&mut waits[0]).is_pending());
    }
}
