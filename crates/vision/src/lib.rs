//! Images in; annotations, training, models and predictions out.
//!
//! A [`Picture`] is made from bytes that nobody vouches for. A frozen [`Backbone`] turns it into features,
//! and a small head on top of them is what [`classify::train`] makes out of a few hundred labelled
//! pictures, on a CPU. No HTTP, no SQL, no clock: the server brings bytes and takes answers.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod backbone;
mod boxes;
mod card;
pub mod classify;
mod crew;
pub mod detect;
mod draw;
mod format;
pub mod import;
mod jpeg;
mod model;
mod picture;
mod progress;
mod resize;
mod split;
mod training;

pub use backbone::{Backbone, BackboneDigest, BackboneError, Maps, Threads};
pub use boxes::{Rect, RectError, clip};
pub use card::{Card, Metrics};
pub use draw::{Drawn, Style, draw};
pub use format::Format;
pub use model::{Model, ModelError, Task};
pub use picture::{Limits, Picture, PictureError, Probe};
pub use progress::{Flow, Phase, Progress};
pub use resize::Frame;
pub use split::{FEWEST_EACH, FEWEST_MARKED, TooFew};
pub use training::{EXAMPLES, Read, Settings, TrainError, Trained, Training};
