//! The models that were asked last, ready to be asked again.

use std::collections::HashMap;
use std::sync::Arc;

use keyrack_key::{ModelId, WorkspaceId};
use keyrack_vision::Model;
use lru::LruCache;
use parking_lot::Mutex;

/// More than these are not kept,
const MOST: usize = 256;
/// nor more than that many bytes of them.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Heads by their models. Where there is no room, the workspace that holds most loses the one that it asked longest ago.
///
/// A model that is deleted or changed is not answered whatever lies here: its row is read for each request, and a model
/// that is trained anew is another model.
#[derive(Debug)]
pub struct Heads(Mutex<Kept<Arc<Model>>>);

#[derive(Debug)]
struct Kept<T> {
    most: usize,
    most_bytes: usize,
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
        Self(Mutex::new(Kept::new(MOST, MOST_BYTES)))
    }

    /// The head of a model, if it is here.
    pub fn find(&self, model: ModelId) -> Option<Arc<Model>> {
        self.0.lock().heads.get(&model).map(|head| Arc::clone(&head.model))
    }

    /// Keeps the head of a workspace's model.
    pub fn keep(&self, workspace: WorkspaceId, model: ModelId, head: Arc<Model>) {
        let bytes = head.memory();
        self.0.lock().keep(model, Head { workspace, model: head, bytes });
    }
}

impl<T> Kept<T> {
    fn new(most: usize, most_bytes: usize) -> Self {
        Self { most, most_bytes, heads: LruCache::unbounded(), bytes: 0, bytes_of: HashMap::new() }
    }

    fn keep(&mut self, model: ModelId, head: Head<T>) {
        self.bytes += head.bytes;
        *self.bytes_of.entry(head.workspace).or_default() += head.bytes;
        if let Some((_, gone)) = self.heads.push(model, head) {
            self.forget(&gone);
        }
        while (self.heads.len() > self.most || self.bytes > self.most_bytes) && self.drop_one() {}
    }

    fn drop_one(&mut self) -> bool {
        let Some((&most, _)) = self.bytes_of.iter().max_by_key(|(_, bytes)| **bytes) else { return false };
        let oldest =
            self.heads.iter().rev().find(|(_, head)| head.workspace == most).map(|(model, _)| *model);
        let Some(gone) = oldest.and_then(|model| self.heads.pop(&model)) else { return false };
        self.forget(&gone);
        true
    }

    fn forget(&mut self, gone: &Head<T>) {
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
    fn a_workspace_with_many_models_pushes_out_its_own() {
        let (now, mut rng) = (Timestamp::from_micros(1), UnwrapErr(getrandom::SysRng));
        let [flood, other] = [(); 2].map(|()| WorkspaceId::new(now, &mut rng));
        let models: Vec<_> = (0..40).map(|_| ModelId::new(now, &mut rng)).collect();
        let head = |workspace| Head { workspace, model: (), bytes: 10 };
        let mut kept = Kept::new(8, 1_000);
        kept.keep(models[0], head(other));
        kept.keep(models[1], head(other));
        for model in &models[2..] {
            kept.keep(*model, head(flood));
        }
        let left: Vec<_> = kept.heads.iter().map(|(model, _)| *model).collect();
        assert!(left.len() == 8 && left.contains(&models[0]) && left.contains(&models[1]));
        assert!(models[34..].iter().all(|newest| left.contains(newest)));
        // By bytes as well, and one that replaces itself is counted once.
        kept.most_bytes = 30;
        kept.keep(models[0], head(other));
        assert!(kept.bytes <= 30 && kept.heads.contains(&models[0]));
        assert_eq!(kept.bytes_of.values().sum::<usize>(), kept.bytes);
    }
}
