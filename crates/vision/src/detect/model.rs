//! A trained detector: detection, serialization, and model card.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::features::to_levels;
use super::net::{BOX, HIDDEN, Layer, Network};
use super::peaks::{Detection, find_peaks, to_detections};
use super::precision::{DetectorMetrics, LabelPrecision};
use super::projection::Projection;
use super::settings::DetectorSettings;
use super::views::average_views;
use crate::card::{self, BACKBONE_NOTE, ModelCard};
use crate::model_file::{self, labels_memory};
use crate::{Backbone, BackboneDigest, BackboneError, ModelError, Picture, ResizeMode, Task, Threads};

/// What to know before trusting a detector.
const NOTES: [&str; 3] = [
    "Measured on test images that weren't used for training or tuning. A box is correct if it overlaps an \
     object with the same label by at least half (intersection over union), and no box with a higher \
     confidence matches that object.",
    "Confidence scores are calibrated on your training images: about 7 of 10 boxes with a confidence of 0.7 \
     are correct. They are less reliable on different images.",
    "Objects without a box in the training images count as background. Objects smaller than a thirtieth of \
     the image's side and objects that overlap are often missed.",
];

/// A trained head for the feature maps of a frozen backbone.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    header: DetectorHeader,
    net: Network,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DetectorHeader {
    task: Task,
    backbone: BackboneDigest,
    frame: ResizeMode,
    side: u32,
    labels: Vec<String>,
    calibrations: Vec<Calibration>,
    metrics: DetectorMetrics,
}

impl Detector {
    pub(super) fn new(
        backbone: BackboneDigest,
        labels: Vec<String>,
        settings: &DetectorSettings,
        calibrations: Vec<Calibration>,
        metrics: DetectorMetrics,
        net: Network,
    ) -> Self {
        let (task, frame, side) = (Task::ObjectDetection, settings.base.frame, settings.side);
        Self { header: DetectorHeader { task, backbone, frame, side, labels, calibrations, metrics }, net }
    }

    /// Detects objects, the most confident first. Their boxes are in the image's pixels and within the image.
    pub fn detect(
        &self,
        backbone: &Backbone,
        picture: &Picture,
        threads: &Threads,
    ) -> Result<Vec<Detection>, BackboneError> {
        let (square, placed) = picture.square(self.header.side, self.header.frame, backbone.fill());
        let cells = self.header.side as usize / 8;
        let answer = |is_mirrored| {
            let maps = to_levels(backbone.maps(&square, is_mirrored, threads)?)?;
            Ok::<_, BackboneError>(self.net.forward(&maps, cells).answer)
        };
        let place = Projection::of(picture, placed);
        let peaks = find_peaks(&average_views(answer(false)?, &answer(true)?, cells), cells);
        let peaks = peaks.into_iter().filter_map(|peak| peak.projected(&place)).collect();
        Ok(to_detections(peaks, &self.header.calibrations))
    }

    /// The names of the classes.
    pub fn labels(&self) -> &[String] {
        &self.header.labels
    }

    /// The metrics on images that the detector wasn't trained on.
    pub fn metrics(&self) -> &DetectorMetrics {
        &self.header.metrics
    }

    /// The approximate number of bytes in memory.
    pub fn memory(&self) -> usize {
        let weights: usize = self.net.parts().iter().map(|part| size_of_val(*part)).sum();
        let of_labels = size_of::<Calibration>() + size_of::<LabelPrecision>();
        weights + labels_memory(self.labels()) + of_labels * self.labels().len()
    }

    /// The model card. It contains no training data.
    pub fn card(&self) -> ModelCard {
        let metrics = self.metrics().clone();
        ModelCard {
            task: self.header.task,
            labels: self.header.labels.clone(),
            backbone: self.header.backbone,
            notes: self.notes(&metrics),
            metrics: card::ModelMetrics::ObjectDetection(metrics),
        }
    }

    fn notes(&self, metrics: &DetectorMetrics) -> Vec<String> {
        let LabelPrecision { objects, given_at_0_7: given, right_at_0_7: right, .. } =
            metrics.precision.total();
        let mut notes = vec![format!(
            "Measured on {} images with {objects} objects. At a confidence of 0.7 or more, {right} of \
             {given} boxes were correct, and {right} of {objects} objects were found.",
            metrics.measured_on
        )];
        let labels = self.labels().iter().zip(&metrics.precision.labels);
        let missing: Vec<_> =
            labels.filter(|(_, measured)| measured.objects == 0).map(|(label, _)| label.as_str()).collect();
        if !missing.is_empty() {
            notes.push(format!("No test image has these labels: {}.", missing.join(", ")));
        }
        notes.extend(NOTES.map(String::from));
        notes.push(BACKBONE_NOTE.into());
        notes.extend(card::left_out_notes(metrics.unreadable, metrics.repeated));
        notes
    }

    /// Serializes the detector.
    pub fn to_bytes(&self) -> Vec<u8> {
        model_file::write(&self.header, &self.net.parts().concat())
    }

    /// Deserializes a detector. Returns an error if it was trained on a different backbone.
    pub fn from_bytes(bytes: &[u8], backbone: &Backbone) -> Result<Self, ModelError> {
        let (header, weights) =
            model_file::read_for_task::<DetectorHeader>(bytes, Task::ObjectDetection, backbone)?;
        if !header.side.is_multiple_of(32) || !(64..=1024).contains(&header.side) || header.labels.is_empty()
        {
            return Err(ModelError::Content("header"));
        }
        let rise = header.calibrations.iter().all(|calibration| calibration.is_increasing());
        if header.calibrations.len() != header.labels.len() || !rise {
            return Err(ModelError::Content("calibration"));
        }
        let layer = |outputs, inputs| Layer {
            weights: Array2::zeros((outputs, inputs)),
            bias: Array1::zeros(outputs),
        };
        let mut net = Network {
            laterals: backbone.channels().map(|channels| Array2::zeros((HIDDEN, channels))),
            bias: Array1::zeros(HIDDEN),
            layers: [layer(HIDDEN, 9 * HIDDEN), layer(HIDDEN, 9 * HIDDEN)],
            answer: layer(header.labels.len() + BOX, HIDDEN),
        };
        let mut rest = &weights[..];
        for part in net.parts_mut() {
            let (own, after) = rest.split_at_checked(part.len()).ok_or(ModelError::Content("size"))?;
            part.copy_from_slice(own);
            rest = after;
        }
        if rest.is_empty() { Ok(Self { header, net }) } else { Err(ModelError::Content("size")) }
    }
}
