//! The first request with a new secret, for a page that waits for the request.
//!
//! The rack and the nodes report usage once a second for each secret. For secrets that a page waits for, this module
//! keeps the outcome of the first request. The outcome is in memory only, because pages do not wait for long, and
//! recording the outcome does not delay requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{Digest, Hint, KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{LastUse, Outcome, SecretUsage};
use parking_lot::Mutex;

use super::keys::IssuedKey;

/// How long a page can wait for the first request.
const PATIENCE: Duration = Duration::from_hours(1);
/// The maximum number of awaited secrets. Above it, the oldest secret of the workspace with the most secrets is dropped.
const MOST: usize = 1_000;

/// The current state of the first request.
#[derive(Clone, Copy, Debug)]
pub enum FirstCall {
    /// No request has arrived.
    Awaited,
    /// All requests were denied. Holds the latest denial; `reason` is a [`keyrack_key::Denial::code`].
    Denied { permission: Option<Permission>, reason: &'static str },
    /// A request was allowed.
    Allowed(LastUse),
}

#[derive(Debug)]
struct AwaitedSecret {
    key: KeyId,
    workspace: WorkspaceId,
    hint: Hint,
    since: Timestamp,
    call: FirstCall,
}

/// The secrets whose first request a page waits for.
#[derive(Clone, Debug, Default)]
pub struct FirstCalls(Arc<Mutex<HashMap<Digest, AwaitedSecret>>>);

impl FirstCalls {
    /// Waits for the first request with a new secret. Call this before the secret is shown, so that no request is missed.
    pub fn watch(&self, handed: &IssuedKey, now: Timestamp) {
        let (key, secret) = (&handed.key, &handed.secret);
        self.with(|watched| {
            watched.retain(|_, one| now.since(one.since) < PATIENCE);
            if watched.len() >= MOST
                && let Some(digest) = oldest_of_most(watched)
            {
                watched.remove(&digest);
            }
            let (key, workspace, hint) = (key.id, key.workspace, secret.hint());
            let one = AwaitedSecret { key, workspace, hint, since: now, call: FirstCall::Awaited };
            watched.insert(secret.digest(), one);
        });
    }

    /// Records the usage of secrets. With `workspace`, ignores keys of other workspaces, because a node may report only
    /// keys of its own workspace.
    pub fn record_usage(&self, used: &[SecretUsage], workspace: Option<WorkspaceId>) {
        self.with(|watched| {
            if watched.is_empty() {
                return;
            }
            for one in used {
                let Some(waiting) = one.secret.and_then(|secret| watched.get_mut(&secret)) else { continue };
                if waiting.key == one.key && workspace.is_none_or(|own| own == waiting.workspace) {
                    waiting.call = waiting.call.after(one);
                }
            }
        });
    }

    /// Returns the state of the first request with the secret of `key` that ends in `hint`. Returns `None` if no page
    /// waits for the secret.
    pub fn state_of(&self, key: KeyId, hint: Hint) -> Option<FirstCall> {
        self.with(|watched| {
            watched.values().find(|one| one.key == key && one.hint == hint).map(|one| one.call)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Digest, AwaitedSecret>) -> T) -> T {
        work(&mut self.0.lock())
    }
}

fn oldest_of_most(watched: &HashMap<Digest, AwaitedSecret>) -> Option<Digest> {
    let mut counts = HashMap::<WorkspaceId, usize>::new();
    for one in watched.values() {
        *counts.entry(one.workspace).or_default() += 1;
    }
    let (most, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    let of_most = watched.iter().filter(|(_, one)| one.workspace == most);
    of_most.min_by_key(|(_, one)| one.since).map(|(digest, _)| *digest)
}

impl FirstCall {
    fn after(self, used: &SecretUsage) -> Self {
        let refused = || {
            let of = |outcome: &Outcome| Some((outcome.permission, outcome.denied?));
            used.counts.iter().find_map(|(outcome, _)| of(outcome))
        };
        match (self, used.last) {
            (Self::Allowed(_), _) => self,
            (_, Some(last)) => Self::Allowed(last),
            _ => refused().map_or(self, |(permission, reason)| Self::Denied { permission, reason }),
        }
    }
}

#[cfg(test)]
mod tests {
    use keyrack_key::{Brands, Class, Secret};
    use rand_core::UnwrapErr;

    use super::*;

    #[test]
    fn workspace_with_most_awaited_secrets_loses_its_oldest() {
        let (now, mut rng) = (Timestamp::from_micros(1), UnwrapErr(getrandom::SysRng));
        let [flood, other] = [(); 2].map(|()| WorkspaceId::new(now, &mut rng));
        let mut watched = HashMap::new();
        let mut wait = |workspace, at| {
            let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng);
            let (key, since) = (KeyId::new(now, &mut rng), Timestamp::from_micros(at));
            let awaited =
                AwaitedSecret { key, workspace, hint: secret.hint(), since, call: FirstCall::Awaited };
            watched.insert(secret.digest(), awaited);
            secret.digest()
        };
        wait(other, 1);
        let oldest = wait(flood, 2);
        wait(flood, 3);
        assert_eq!(oldest_of_most(&watched), Some(oldest));
    }
}
