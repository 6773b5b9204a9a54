//! The first call with a secret that was just handed out, for whoever waits for it before closing the page.
//!
//! Uses are told of once a second, secret by secret: of those that somebody waits for, it is kept how the first ended. In
//! memory alone, since nobody waits for long, and never in the way of a request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{Digest, Hint, KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{LastUse, Outcome, Used};
use parking_lot::Mutex;

use super::keys::Handed;

/// How long a call is waited for.
const PATIENCE: Duration = Duration::from_hours(1);
/// How many secrets are waited for at once; the oldest of the workspace that waits for most gives way.
const MOST: usize = 1_000;

/// What has become of the first call so far.
#[derive(Clone, Copy, Debug)]
pub enum FirstCall {
    /// Nobody has called.
    Awaited,
    /// Somebody has, and was refused for this reason ([`keyrack_key::Denial::code`]); the last that was.
    Refused { permission: Option<Permission>, reason: &'static str },
    /// It came through.
    Came(LastUse),
}

#[derive(Debug)]
struct Watched {
    key: KeyId,
    workspace: WorkspaceId,
    hint: Hint,
    since: Timestamp,
    call: FirstCall,
}

/// The secrets whose first call somebody waits for.
#[derive(Clone, Debug, Default)]
pub struct FirstCalls(Arc<Mutex<HashMap<Digest, Watched>>>);

impl FirstCalls {
    /// Waits for the first call with a secret that is being handed out. Before it is shown, so that none is missed.
    pub fn await_one(&self, handed: &Handed, now: Timestamp) {
        let (key, secret) = (&handed.key, &handed.secret);
        self.with(|watched| {
            watched.retain(|_, one| now.since(one.since) < PATIENCE);
            if watched.len() >= MOST
                && let Some(digest) = oldest_of_most(watched)
            {
                watched.remove(&digest);
            }
            let (key, workspace, hint) = (key.id, key.workspace, secret.hint());
            let one = Watched { key, workspace, hint, since: now, call: FirstCall::Awaited };
            watched.insert(secret.digest(), one);
        });
    }

    /// Learns what secrets were used for. A node tells of keys of its own workspace: what it says of others counts for nothing.
    pub fn learn(&self, used: &[Used], workspace: Option<WorkspaceId>) {
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

    /// What has become of the first call with the secret of `key` that ends so; nothing where it is not waited for.
    pub fn of(&self, key: KeyId, hint: Hint) -> Option<FirstCall> {
        self.with(|watched| {
            watched.values().find(|one| one.key == key && one.hint == hint).map(|one| one.call)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Digest, Watched>) -> T) -> T {
        work(&mut self.0.lock())
    }
}

fn oldest_of_most(watched: &HashMap<Digest, Watched>) -> Option<Digest> {
    let mut counts = HashMap::<WorkspaceId, usize>::new();
    for one in watched.values() {
        *counts.entry(one.workspace).or_default() += 1;
    }
    let (most, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    let of_most = watched.iter().filter(|(_, one)| one.workspace == most);
    of_most.min_by_key(|(_, one)| one.since).map(|(digest, _)| *digest)
}

impl FirstCall {
    fn after(self, used: &Used) -> Self {
        let refused = || {
            let of = |outcome: &Outcome| Some((outcome.permission, outcome.refused?));
            used.counts.iter().find_map(|(outcome, _)| of(outcome))
        };
        match (self, used.last) {
            (Self::Came(_), _) => self,
            (_, Some(last)) => Self::Came(last),
            _ => refused().map_or(self, |(permission, reason)| Self::Refused { permission, reason }),
        }
    }
}

#[cfg(test)]
mod tests {
    use keyrack_key::{Brands, Class, Secret};
    use rand_core::UnwrapErr;

    use super::*;

    #[test]
    fn the_workspace_that_waits_for_most_gives_way() {
        let (now, mut rng) = (Timestamp::from_micros(1), UnwrapErr(getrandom::SysRng));
        let [flood, other] = [(); 2].map(|()| WorkspaceId::new(now, &mut rng));
        let mut watched = HashMap::new();
        let mut wait = |workspace, at| {
            let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng);
            let (key, since) = (KeyId::new(now, &mut rng), Timestamp::from_micros(at));
            let one = Watched { key, workspace, hint: secret.hint(), since, call: FirstCall::Awaited };
            watched.insert(secret.digest(), one);
            secret.digest()
        };
        wait(other, 1);
        let oldest = wait(flood, 2);
        wait(flood, 3);
        assert_eq!(oldest_of_most(&watched), Some(oldest));
    }
}
