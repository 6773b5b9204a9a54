//! The keys of a workspace that need attention, found by the advice on each key.

use keyrack_key::KeyId;
use keyrack_store::{KeyFilter, KeyStatus};

use super::Keys;
use super::advice::{Advice, advise};
use crate::{AuthorizedCaller, OpError};

/// A search ends after this many keys.
const CHECKED_MAX: u64 = 5_000;
/// A search ends after it has found this many keys.
const FOUND_MAX: usize = 500;
/// The number of keys that are read at a time.
const BATCH: u32 = 250;

/// The result of a search for keys that need attention.
#[derive(Clone, Debug, Default)]
pub struct AttentionSearch {
    /// The keys that need attention, newest first.
    pub ids: Vec<KeyId>,
    /// The number of keys that were checked, the newest of the workspace.
    pub checked: u64,
    /// Whether all keys were checked.
    pub is_complete: bool,
}

impl Advice {
    /// Whether the key needs attention now: the secret was exposed, the key is over-scoped, unused, or without a limit,
    /// its rotation is due, or it expires within a week.
    pub const fn needs_attention(self) -> bool {
        match self {
            Self::Exposed(_)
            | Self::OnlyPredicts { .. }
            | Self::Unused { .. }
            | Self::Old { .. }
            | Self::NoLimit
            | Self::Expires { within: 1 | 7, .. } => true,
            Self::Expires { .. } | Self::AnyOrigin => false,
        }
    }
}

impl Keys {
    /// Finds the keys that need attention among the active and paused keys that match the rest of `filter`, from the
    /// newest on. Judges the usage of the last `days`. Reads at most a few thousand keys.
    pub async fn needing_attention(
        &self,
        by: &AuthorizedCaller,
        filter: &KeyFilter<'_>,
        days: u32,
    ) -> Result<AttentionSearch, OpError> {
        let policy = self.store.policy(by.workspace).await?;
        let mut search = AttentionSearch::default();
        let mut after = None;
        while search.checked < CHECKED_MAX && search.ids.len() < FOUND_MAX {
            let batch = KeyFilter { status: KeyStatus::Standing, after, limit: BATCH, ..*filter };
            let keys = self.store.keys(by.workspace, &batch).await?;
            let ids: Vec<_> = keys.items.iter().map(|key| key.id).collect();
            let measured = self.recent_usage(by, &ids, days).await?;
            search.checked += ids.len() as u64;
            for key in &keys.items {
                let advice = measured.get(&key.id).map(|usage| advise(key, usage, policy, filter.now));
                if advice.unwrap_or_default().into_iter().any(Advice::needs_attention) {
                    search.ids.push(key.id);
                }
            }
            after = keys.next;
            if after.is_none() {
                search.is_complete = true;
                break;
            }
        }
        Ok(search)
    }
}
