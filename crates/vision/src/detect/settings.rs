//! The settings of a detector's training.

use std::path::PathBuf;

use crate::TrainingSettings;

/// The settings of a detector's training.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorSettings {
    /// The settings that trainings for both tasks share.
    pub base: TrainingSettings,
    /// The side of the square in pixels: a multiple of 32 from 64 to 1024.
    pub side: u32,
    /// The number of steps, each on a batch of eight images. It determines the duration,
    /// whatever the number of images.
    pub steps: usize,
    /// The most bytes of features in memory. An image takes about 560 kB with a side of 320.
    pub memory: usize,
    /// The folder for a temporary file with the features that don't fit in memory. `None`
    /// keeps all features in memory.
    pub spill: Option<PathBuf>,
}

impl Default for DetectorSettings {
    fn default() -> Self {
        Self { base: TrainingSettings::default(), side: 320, steps: 700, memory: 512 << 20, spill: None }
    }
}
