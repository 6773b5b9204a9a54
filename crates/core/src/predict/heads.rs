//! A cache of the most recently used model heads.

use std::collections::HashMap;
use std::sync::Arc;

use keyrack_key::{ModelId, WorkspaceId};
use keyrack_vision::Model;
use lru::LruCache;
use parking_lot::Mutex;

/// The maximum number of heads in memory.
const MOST: usize = 256;
/// The maximum size of all heads, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Heads by model. If the cache is full, the workspace that holds the most bytes loses its least recently used head.
///
/// The cache never serves a deleted or changed model: every request reads the model's row, and training again
/// creates another model.
#[derive(Debug)]
pub struct Heads(Mutex<HeadTable<Arc<Model>>>);

#[derive(Debug)]
struct HeadTable<T> {
    heads_max: usize,
    bytes_max: usize,
    heads: LruCache<ModelId, Head<T>>,
    bytes: usize,
    bytes_of: HashMap<WorkspaceId, usize>,
}

#[derive(Debug)]
struct Head<T> {
    workspace: WorkspaceId,
    model: T,
    bytes: usize,
}

impl Heads {
    pub fn new() -> Self {
        Self(Mutex::new(HeadTable::new(MOST, MOST_BYTES)))
    }

    /// Returns the head of a model, if it is cached.
    pub fn find(&self, model: ModelId) -> Option<Arc<Model>> {
        self.0.lock().heads.get(&model).map(|head| Arc::clone(&head.model))
    }

    /// Caches the head of a workspace's model.
    pub fn keep(&self, workspace: WorkspaceId, model: ModelId, head: Arc<Model>) {
        let bytes = head.memory();
        self.0.lock().insert(model, Head { workspace, model: head, bytes });
    }
}

impl<T> HeadTable<T> {
    fn new(most: usize, bytes_max: usize) -> Self {
        Self { heads_max: most, bytes_max, heads: LruCache::unbounded(), bytes: 0, bytes_of: HashMap::new() }
    }

    fn insert(&mut self, model: ModelId, head: Head<T>) {
        self.bytes += head.bytes;
        *self.bytes_of.entry(head.workspace).or_default() += head.bytes;
        if let Some((_, gone)) = self.heads.push(model, head) {
            self.subtract(&gone);
        }
        while (self.heads.len() > self.heads_max || self.bytes > self.bytes_max) && self.evict() {}
    }

    fn evict(&mut self) -> bool {
        let Some((&most, _)) = self.bytes_of.iter().max_by_key(|(_, bytes)| **bytes) else { return false };
        let oldest =
            self.heads.iter().rev().find(|(_, head)| head.workspace == most).map(|(model, _)| *model);
        let Some(gone) = oldest.and_then(|model| self.heads.pop(&model)) else { return false };
        self.subtract(&gone);
        true
    }

    fn subtract(&mut self, gone: &Head<T>) {
        self.bytes -= gone.bytes;
        if let Some(bytes) = self.bytes_of.get_mut(&gone.workspace) {
            *bytes -= gone.bytes;
            if *bytes == 0 {
                self.bytes_of.remove(&gone.workspace);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use keyrack_key::Timestamp;
    use rand_core::UnwrapErr;

    use super::*;

    #[test]
    fn workspace_with_many_models_evicts_its_own_heads() {
        let (now, mut rng) = (Timestamp::from_micros(1), UnwrapErr(getrandom::SysRng));
        let [flood, other] = [(); 2].map(|()| WorkspaceId::new(now, &mut rng));
        let models: Vec<_> = (0..40).map(|_| ModelId::new(now, &mut rng)).collect();
        let head = |workspace| Head { workspace, model: (), bytes: 10 };
        let mut kept = HeadTable::new(8, 1_000);
        kept.insert(models[0], head(other));
        kept.insert(models[1], head(other));
        for model in &models[2..] {
            kept.insert(*model, head(flood));
        }
        let left: Vec<_> = kept.heads.iter().map(|(model, _)| *model).collect();
        assert!(left.len() == 8 && left.contains(&models[0]) && left.contains(&models[1]));
        assert!(models[34..].iter().all(|newest| left.contains(newest)));
        // The limit on bytes applies as well, and a head that replaces itself counts once.
        kept.bytes_max = 30;
        kept.insert(models[0], head(other));
        assert!(kept.bytes <= 30 && kept.heads.contains(&models[0]));
        assert_eq!(kept.bytes_of.values().sum::<usize>(), kept.bytes);
    }
}
