//! A trained detector: asked, kept, read again.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::features::levels;
use super::net::{BOX, INSIDE, Layer, Net};
use super::peaks::{Found, calibrated, peaks};
use super::place::Place;
use super::precision::{LabelPrecision, Metrics};
use super::train::Settings;
use super::views::agreed;
use crate::card::{self, BACKBONE_NOTE, Card};
use crate::model::{self, ModelError, Task, memory_of};
use crate::{Backbone, BackboneDigest, BackboneError, Frame, Picture, Threads};

/// What a person should know before believing a detector.
const NOTES: [&str; 3] = [
    "The metrics are of pictures that were set aside before training and took no part in any choice. A box is right \
     where it shares half of the area of both with an object of its label that no surer box was given to.",
    "Confidences were calibrated on pictures like the training's: there, of boxes given with 0.7 about seven in ten \
     were right. On other pictures they mean less.",
    "What was not marked in the training's pictures was learnt as background. Objects below a thirtieth of the \
     picture's side, and objects that cover each other, are often missed.",
];

/// A head on a frozen backbone's maps.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    header: Header,
    net: Net,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    task: Task,
    backbone: BackboneDigest,
    frame: Frame,
    side: u32,
    labels: Vec<String>,
    calibrations: Vec<Calibration>,
    metrics: Metrics,
}

impl Detector {
    pub(super) fn new(
        backbone: BackboneDigest,
        labels: Vec<String>,
        settings: &Settings,
        calibrations: Vec<Calibration>,
        metrics: Metrics,
        net: Net,
    ) -> Self {
        let (task, frame, side) = (Task::ObjectDetection, settings.base.frame, settings.side);
        Self { header: Header { task, backbone, frame, side, labels, calibrations, metrics }, net }
    }

    /// Everything found, the surest first, in the picture's pixels and within it.
    pub fn detect(
        &self,
        backbone: &Backbone,
        picture: &Picture,
        threads: &Threads,
    ) -> Result<Vec<Found>, BackboneError> {
        let (square, placed) = picture.square(self.header.side, self.header.frame, backbone.fill());
        let cells = self.header.side as usize / 8;
        let answer = |is_mirrored| {
            let maps = levels(backbone.maps(&square, is_mirrored, threads)?)?;
            Ok::<_, BackboneError>(self.net.forward(&maps, cells).answer)
        };
        let place = Place::of(picture, placed);
        let peaks = peaks(&agreed(answer(false)?, &answer(true)?, cells), cells);
        let peaks = peaks.into_iter().filter_map(|peak| peak.placed(&place)).collect();
        Ok(calibrated(peaks, &self.header.calibrations))
    }

    /// The names that classes stand for.
    pub fn labels(&self) -> &[String] {
        &self.header.labels
    }

    /// How right it is on pictures that it did not learn from.
    pub fn metrics(&self) -> &Metrics {
        &self.header.metrics
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        let weights: usize = self.net.parts().iter().map(|part| size_of_val(*part)).sum();
        let of_labels = size_of::<Calibration>() + size_of::<LabelPrecision>();
        weights + memory_of(self.labels()) + of_labels * self.labels().len()
    }

    /// What may be said of it to whoever asks it.
    pub fn card(&self) -> Card {
        let metrics = self.metrics().clone();
        Card {
            task: self.header.task,
            labels: self.header.labels.clone(),
            backbone: self.header.backbone,
            notes: self.notes(&metrics),
            metrics: card::Metrics::ObjectDetection(metrics),
        }
    }

    fn notes(&self, metrics: &Metrics) -> Vec<String> {
        let LabelPrecision { objects, given_at_0_7: given, right_at_0_7: right, .. } =
            metrics.precision.total();
        let mut notes = vec![format!(
            "Measured on {} pictures with {objects} objects. At a confidence of 0.7 or more it gave {given} boxes, \
             of which {right} were right: it found {right} of {objects} objects.",
            metrics.measured_on
        )];
        let labels = self.labels().iter().zip(&metrics.precision.labels);
        let missing: Vec<_> =
            labels.filter(|(_, told)| told.objects == 0).map(|(label, _)| label.as_str()).collect();
        if !missing.is_empty() {
            notes.push(format!("No picture that was measured on has these labels: {}.", missing.join(", ")));
        }
        notes.extend(NOTES.map(String::from));
        notes.push(BACKBONE_NOTE.into());
        notes.extend(card::left_out_notes(metrics.unreadable, metrics.repeated));
        notes
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        model::write(&self.header, &self.net.parts().concat())
    }

    /// A kept detector, for the backbone that will run it.
    pub fn from_bytes(bytes: &[u8], backbone: &Backbone) -> Result<Self, ModelError> {
        let (header, weights) = model::read_for::<Header>(bytes, Task::ObjectDetection, backbone)?;
        if !header.side.is_multiple_of(32) || !(64..=1024).contains(&header.side) || header.labels.is_empty()
        {
            return Err(ModelError::Content("header"));
        }
        let rise = header.calibrations.iter().all(|calibration| calibration.rises());
        if header.calibrations.len() != header.labels.len() || !rise {
            return Err(ModelError::Content("calibration"));
        }
        let layer = |outputs, inputs| Layer {
            weights: Array2::zeros((outputs, inputs)),
            bias: Array1::zeros(outputs),
        };
        let mut net = Net {
            laterals: backbone.channels().map(|channels| Array2::zeros((INSIDE, channels))),
            bias: Array1::zeros(INSIDE),
            layers: [layer(INSIDE, 9 * INSIDE), layer(INSIDE, 9 * INSIDE)],
            answer: layer(header.labels.len() + BOX, INSIDE),
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
