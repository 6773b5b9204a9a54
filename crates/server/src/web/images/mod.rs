//! The pages of images: viewing, uploading, labeling, and deleting them.

mod marks;
mod tile;

pub(super) mod change;
pub(super) mod delete;
pub(super) mod file;
pub(super) mod import;
pub(super) mod show;
pub(super) mod upload;

mod requested;

use keyrack_core::datasets::AnnotatedImage;
use keyrack_key::LabelId;
use keyrack_store::{Annotation, AnnotationRegion, Label, Record};
use std::collections::BTreeMap;

pub(in crate::web) use marks::{Badge, BoxMark, Overlay, TONES};
pub(in crate::web) use tile::ImageTile;

/// The longer side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 320;

/// A limit on labels and batches that is higher than any page needs.
pub(super) const ALL: u32 = 10_000;

/// The color of each label in a project, assigned in the order of creation.
pub(super) struct LabelColors(BTreeMap<LabelId, usize>);

impl LabelColors {
    pub(super) fn of(labels: &[Label]) -> Self {
        let mut ids: Vec<_> = labels.iter().map(|label| label.id).collect();
        ids.sort();
        Self(ids.into_iter().enumerate().map(|(at, id)| (id, at % TONES)).collect())
    }

    pub(super) fn of_label(&self, id: LabelId) -> usize {
        self.0.get(&id).copied().unwrap_or_default()
    }

    fn badge(&self, annotation: &Annotation) -> Badge {
        Badge { name: annotation.label_name.clone(), tone: self.of_label(annotation.label) }
    }
}

/// An image in the grid. `url` is the URL of the project.
pub(super) fn tile(url: &str, one: &AnnotatedImage, tones: &LabelColors) -> ImageTile {
    let AnnotatedImage { record, annotations } = one;
    let mut badges: Vec<Badge> = Vec::new();
    for annotation in annotations {
        if !badges.iter().any(|badge| badge.name == annotation.label_name) {
            badges.push(tones.badge(annotation));
        }
    }
    let (width, height) = shrunk(record);
    ImageTile {
        id: record.id.to_string(),
        name: record.name.clone(),
        url: format!("{url}/images/{}", record.id),
        thumbnail: format!("{url}/images/{}/file?size=thumbnail", record.id),
        width,
        height,
        badges,
        overlay: overlay(record, annotations, tones),
    }
}

/// The width and height of the thumbnail, in pixels.
fn shrunk(record: &Record) -> (u32, u32) {
    let longer = record.width.max(record.height).max(1);
    let side = |side: u32| {
        let shrunk = u64::from(side) * u64::from(THUMBNAIL.min(longer)) / u64::from(longer);
        u32::try_from(shrunk).unwrap_or(THUMBNAIL).max(1)
    };
    (side(record.width), side(record.height))
}

/// The boxes of an image.
fn overlay(record: &Record, annotations: &[Annotation], tones: &LabelColors) -> Overlay {
    let boxes = annotations.iter().filter_map(|annotation| match annotation.mark {
        AnnotationRegion::Category => None,
        AnnotationRegion::Box { left, top, width, height } => Some((annotation, [left, top, width, height])),
    });
    let boxes = boxes.enumerate().map(|(at, (annotation, [left, top, width, height]))| BoxMark {
        number: at + 1,
        name: annotation.label_name.clone(),
        tone: tones.of_label(annotation.label),
        left,
        top,
        width,
        height,
        confidence: None,
    });
    Overlay { width: record.width, height: record.height, boxes: boxes.collect() }
}
