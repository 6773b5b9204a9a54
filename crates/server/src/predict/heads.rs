//! The models that were asked last, ready to be asked again.

use std::num::NonZeroUsize;
use std::sync::Arc;

use keyrack_key::ModelId;
use keyrack_vision::classify::Classifier;
use keyrack_vision::detect::Detector;
use keyrack_vision::{Backbone, ModelError, Task};
use lru::LruCache;
use parking_lot::Mutex;

/// More than these are not kept,
const MOST: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// nor more than that many bytes of them.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A model of either task.
#[derive(Clone, Debug)]
pub enum Head {
    Classifier(Classifier),
    Detector(Box<Detector>),
}

impl Head {
    /// Out of the bytes that it is kept in.
    pub fn from_bytes(bytes: &[u8], backbone: &Backbone) -> Result<Self, ModelError> {
        match Task::of(bytes)? {
            Task::Classification => Classifier::from_bytes(bytes, backbone).map(Self::Classifier),
            Task::ObjectDetection => {
                Detector::from_bytes(bytes, backbone).map(|one| Self::Detector(Box::new(one)))
            }
        }
    }
}

/// Heads by their models, the one that was asked longest ago dropped first.
///
/// A model that is deleted or changed is not answered whatever lies here: its row is read for each request, and a model
/// that is trained anew is another model.
#[derive(Debug)]
pub struct Heads(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    heads: LruCache<ModelId, (Arc<Head>, usize)>,
    bytes: usize,
}

impl Heads {
    pub fn new() -> Self {
        Self(Mutex::new(Kept { heads: LruCache::new(MOST), bytes: 0 }))
    }

    /// The head of a model, if it is here.
    pub fn find(&self, model: ModelId) -> Option<Arc<Head>> {
        self.0.lock().heads.get(&model).map(|(head, _)| Arc::clone(head))
    }

    /// Keeps the head of a model; `bytes` is what its file takes, and about what it takes here.
    pub fn keep(&self, model: ModelId, head: Arc<Head>, bytes: usize) {
        let mut kept = self.0.lock();
        kept.bytes += bytes;
        if let Some((_, (_, gone))) = kept.heads.push(model, (head, bytes)) {
            kept.bytes -= gone;
        }
        while kept.bytes > MOST_BYTES {
            let Some((_, (_, gone))) = kept.heads.pop_lru() else { break };
            kept.bytes -= gone;
        }
    }
}
