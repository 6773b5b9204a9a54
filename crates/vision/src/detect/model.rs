//! A trained detector: asked, kept, read again.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::Object;
use super::features::{levels, scale};
use super::net::{BOX, INSIDE, Layer, Net};
use super::peaks::{Found, peaks};
use super::precision::Precision;
use super::train::Settings;
use crate::model::{self, ModelError, Task};
use crate::{Backbone, BackboneDigest, BackboneError, Frame, Picture, Threads};

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
    trained_on: usize,
    metrics: Precision,
}

impl Detector {
    pub(super) fn new(
        backbone: BackboneDigest,
        labels: Vec<String>,
        settings: &Settings,
        trained_on: usize,
        metrics: Precision,
        net: Net,
    ) -> Self {
        let (frame, side) = (settings.frame, settings.side);
        Self {
            header: Header {
                task: Task::ObjectDetection,
                backbone,
                frame,
                side,
                labels,
                trained_on,
                metrics,
            },
            net,
        }
    }

    /// Everything found, the surest first, in the picture's pixels and within it.
    pub fn detect(
        &self,
        backbone: &Backbone,
        picture: &Picture,
        threads: &Threads,
    ) -> Result<Vec<Found>, BackboneError> {
        let (square, placed) = picture.square(self.header.side, self.header.frame, backbone.fill());
        let maps = levels(backbone.maps(&square, false, threads)?)?;
        let cells = self.header.side as usize / 8;
        let (across, down) = scale(picture, placed);
        #[expect(clippy::cast_precision_loss, reason = "sides are below 2^24")]
        let back = |from: f32, length: f32, before: u32, scale: f32, most: u32| {
            let place = |at: f32| ((at - before as f32) / scale).clamp(0.0, most as f32);
            (place(from), place(from + length) - place(from))
        };
        let found = peaks(&self.net.forward(&maps, cells).answer, cells).into_iter().map(|found| {
            let object = found.object;
            let (left, width) = back(object.left, object.width, placed.left, across, picture.width());
            let (top, height) = back(object.top, object.height, placed.top, down, picture.height());
            Found { object: Object { left, top, width, height, ..object }, ..found }
        });
        Ok(found.filter(|found| found.object.width > 0.0 && found.object.height > 0.0).collect())
    }

    /// The names that classes stand for.
    pub fn labels(&self) -> &[String] {
        &self.header.labels
    }

    /// How right it is on pictures that it did not learn from.
    pub fn metrics(&self) -> &Precision {
        &self.header.metrics
    }

    /// Pictures that it learnt from.
    pub fn trained_on(&self) -> usize {
        self.header.trained_on
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        model::write(&self.header, &self.net.parts().concat())
    }

    /// A kept detector, for the backbone that will run it.
    pub fn from_bytes(bytes: &[u8], backbone: &Backbone) -> Result<Self, ModelError> {
        let task = Task::of(bytes)?;
        if task != Task::ObjectDetection {
            return Err(ModelError::Task(task));
        }
        let (header, weights) = model::read::<Header>(bytes)?;
        if header.backbone != backbone.digest() {
            return Err(ModelError::Backbone { trained_on: header.backbone, running: backbone.digest() });
        }
        if !header.side.is_multiple_of(32) || !(64..=1024).contains(&header.side) || header.labels.is_empty()
        {
            return Err(ModelError::Content("header"));
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
