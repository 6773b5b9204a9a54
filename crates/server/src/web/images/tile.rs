//! An image in the grid of a project.

use super::marks::{Badge, Overlay};

/// One image of the grid.
pub(crate) struct ImageTile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) thumbnail: String,
    /// The size of the thumbnail, in pixels.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) badges: Vec<Badge>,
    pub(crate) overlay: Overlay,
}

impl ImageTile {
    /// The text for screen readers.
    pub(crate) fn alt(&self) -> String {
        if self.badges.is_empty() {
            return format!("{}, without a label", self.name);
        }
        let labels: Vec<_> = self.badges.iter().map(|badge| badge.name.as_str()).collect();
        format!("{}: {}", self.name, labels.join(", "))
    }
}
