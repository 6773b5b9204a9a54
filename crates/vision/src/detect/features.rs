//! The maps of all pictures, plain and mirrored, with their objects in the square's pixels.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use ndarray::Array2;

use super::Object;
use super::net::Levels;
use super::target::Target;
use super::train::{Settings, TrainError, Training};
use crate::resize::Placed;
use crate::{Backbone, BackboneError, Flow, Maps, Phase, Picture, Progress, Threads};

/// One picture as the network sees it.
pub(super) struct Seen {
    /// Plain, mirrored.
    pub views: [Levels; 2],
    pub targets: Vec<Target>,
}

impl Seen {
    /// The targets in the mirror.
    pub(super) fn mirrored(&self, side: f32) -> Vec<Target> {
        self.targets
            .iter()
            .map(|target| Target { left: side - target.left - target.width, ..*target })
            .collect()
    }
}

/// Looks at all pictures; nothing where one cannot be read or decoded.
pub(super) fn extract(
    backbone: &Backbone,
    training: &Training<'_>,
    settings: &Settings,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Vec<Option<Seen>>, TrainError> {
    let (next, count) = (AtomicUsize::new(0), training.objects.len());
    let mut all: Vec<Option<Seen>> = (0..count).map(|_| None).collect();
    let (send, receive) = mpsc::sync_channel(settings.threads.get() * 2);
    std::thread::scope(|scope| {
        for _ in 0..settings.threads.get() {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                let threads = Threads::one();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count
                        || send.send((at, one(backbone, at, training, settings, &threads))).is_err()
                    {
                        return;
                    }
                }
            });
        }
        drop(send);
        for (done, (at, seen)) in receive.into_iter().enumerate() {
            all[at] = seen?;
            let progress =
                Progress { phase: Phase::Features, done: done + 1, of: count, loss: None, validation: None };
            if report(progress) == Flow::Cancel {
                return Err(TrainError::Cancelled);
            }
        }
        Ok(all)
    })
}

fn one(
    backbone: &Backbone,
    at: usize,
    training: &Training<'_>,
    settings: &Settings,
    threads: &Threads,
) -> Result<Option<Seen>, TrainError> {
    let Ok(bytes) = (training.read)(at) else { return Ok(None) };
    let Ok(picture) = Picture::decode(&bytes, &settings.limits) else { return Ok(None) };
    let (square, placed) = picture.square(settings.side, settings.frame, backbone.fill());
    let maps = |mirror| backbone.maps(&square, mirror, threads).and_then(levels);
    let views = [maps(false)?, maps(true)?];
    let objects = training.objects[at].iter();
    let targets = objects.filter_map(|object| into_square(object, &picture, placed)).collect();
    Ok(Some(Seen { views, targets }))
}

/// Maps as matrices of channels × cells.
pub(super) fn levels(maps: Maps) -> Result<Levels, BackboneError> {
    let matrices = maps.levels.map(|level| {
        let [channels, rows, columns] = rten_tensor::Layout::shape(&level);
        Array2::from_shape_vec((channels, rows * columns), level.into_data())
    });
    let [Ok(c3), Ok(c4), Ok(c5)] = matrices else { return Err(BackboneError::Lacks("maps in one piece")) };
    Ok([c3, c4, c5])
}

/// Pixels of the square to a pixel of the picture, across and down.
#[expect(clippy::cast_precision_loss, reason = "sides are below 2^24")]
pub(super) fn scale(picture: &Picture, placed: Placed) -> (f32, f32) {
    (placed.width as f32 / picture.width() as f32, placed.height as f32 / picture.height() as f32)
}

/// Clipped to the picture; nothing where no area is left.
#[expect(clippy::cast_precision_loss, reason = "sides are below 2^24")]
fn into_square(object: &Object, picture: &Picture, placed: Placed) -> Option<Target> {
    let (across, down) = scale(picture, placed);
    let clip = |from: f32, length: f32, most: u32| {
        (from.clamp(0.0, most as f32), (from + length).clamp(0.0, most as f32))
    };
    let (left, right) = clip(object.left, object.width, picture.width());
    let (top, bottom) = clip(object.top, object.height, picture.height());
    (right > left && bottom > top).then_some(Target {
        class: object.class,
        left: left * across + placed.left as f32,
        top: top * down + placed.top as f32,
        width: (right - left) * across,
        height: (bottom - top) * down,
    })
}
