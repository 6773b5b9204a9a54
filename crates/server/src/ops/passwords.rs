//! Passwords: argon2id (RFC 9106), 19 MiB and two passes, at most two at a time.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::time::{Duration, timeout};
use zeroize::Zeroizing;

use super::OpError;

/// Hashing one takes 19 MiB and 30 ms of a core: more of them at once would take the server from everybody else.
const AT_ONCE: usize = 2;

/// How long somebody waits for a turn before they are told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes and checks passwords, away from the threads that answer requests.
#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// Checked where there is no account, so that the answer takes as long as where there is one.
    nobody: String,
}

impl Passwords {
    /// Prepares the hash that nobody's password matches.
    pub fn new() -> Result<Self, OpError> {
        let nobody = hash("nobody's password").map_err(OpError::internal)?;
        Ok(Self { turns: Arc::new(Semaphore::new(AT_ONCE)), nobody })
    }

    /// The hash to store (PHC string).
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, OpError> {
        self.take_turn(move || hash(&password)).await?.map_err(OpError::internal)
    }

    /// Whether `password` is the one that `stored` was made of; takes the same time where there is none.
    pub async fn verify(&self, password: Zeroizing<String>, stored: Option<String>) -> Result<bool, OpError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let matches = self.take_turn(move || {
            PasswordHash::new(&stored)
                .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
        });
        Ok(matches.await? && known)
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, OpError> {
        let turn =
            timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await.map_err(|_| OpError::Busy)?;
        let turn = turn.map_err(OpError::internal)?;
        let work = move || {
            // With the work and not with the request: a client that hangs up frees no memory.
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(OpError::internal)
    }
}

fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}
