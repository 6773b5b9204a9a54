//! Predictions: one backbone that all models share, the heads that were asked last, a queue with one permit a core,
//! a bound on the pictures that are in memory, and the trait through which pictures are fetched by URL. Pictures that
//! are kept have a queue and a bound of the same kind.

pub mod engine;
pub mod fetch;
pub mod queue;
pub mod room;

pub(crate) mod image;

mod heads;

pub use engine::{Engine, EngineError};
pub use fetch::FetchImage;
pub use image::Image;
pub use room::{Held, Room};
