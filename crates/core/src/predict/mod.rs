//! Predictions: one backbone that all models share, a cache of heads, a queue with one turn per core, a budget for
//! images in memory, and the trait that fetches images by URL. Images of datasets have a separate queue and budget
//! of the same kind.

pub mod engine;
pub mod fetch;
pub mod memory;
pub mod queue;

pub(crate) mod image;

mod heads;

pub use engine::{Engine, EngineError};
pub use fetch::FetchImage;
pub use image::Image;
pub use memory::{MemoryBudget, MemoryPermit};
