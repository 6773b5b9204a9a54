//! Embeddings of many pictures, on as many threads as are given.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::train::{Settings, TrainError, Training};
use crate::{Backbone, BackboneDigest, FEWEST_EACH, Flow, Frame, Phase, Picture, Progress, Threads, TooFew};

/// Reads the bytes of the picture with that number.
pub(super) type Read<'a> = dyn Fn(usize) -> std::io::Result<Vec<u8>> + Sync + 'a;

/// What the backbone saw in the pictures of a training: most of the work, and the same for every seed.
#[derive(Clone)]
pub struct Features {
    pub(super) views: Vec<[Vec<f32>; 2]>,
    pub(super) classes: Vec<usize>,
    pub(super) labels: Vec<String>,
    pub(super) unreadable: usize,
    pub(super) backbone: BackboneDigest,
    pub(super) width: usize,
    pub(super) frame: Frame,
}

impl Features {
    /// Looks at all pictures. Labels that none carries are left out.
    pub fn extract(
        backbone: &Backbone,
        training: &Training<'_>,
        settings: &Settings,
        report: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Self, TrainError> {
        let labels = training.labels.len();
        if let Some((picture, class)) =
            training.classes.iter().copied().enumerate().find(|(_, class)| *class >= labels)
        {
            return Err(TrainError::UnknownLabel { picture, class, labels });
        }
        check(training.labels, training.classes.iter().copied())?;
        let views = extract(backbone, training.classes.len(), training.read, settings, report)?;
        let unreadable = views.iter().filter(|views| views.is_none()).count();
        let seen =
            views.into_iter().zip(training.classes).filter_map(|(views, class)| Some((views?, *class)));
        let (views, classes): (Vec<_>, Vec<_>) = seen.unzip();
        check(training.labels, classes.iter().copied())?;

        let used: Vec<usize> = (0..labels).filter(|label| classes.contains(label)).collect();
        let classes = classes.iter().filter_map(|class| used.binary_search(class).ok()).collect();
        let labels = used.iter().map(|label| training.labels[*label].clone()).collect();
        let (backbone, width) = (backbone.digest(), backbone.width());
        Ok(Self { views, classes, labels, unreadable, backbone, width, frame: settings.frame })
    }
}

/// Whether a training could begin, from how many pictures each label has.
pub fn ready(counts: &[(String, usize)]) -> Result<(), TooFew> {
    let used: Vec<_> = counts.iter().filter(|(_, has)| *has > 0).collect();
    if let Some((label, has)) = used.iter().find(|(_, has)| *has < FEWEST_EACH) {
        return Err(TooFew::Pictures { label: label.clone(), has: *has, needs: FEWEST_EACH });
    }
    if used.len() < 2 { Err(TooFew::Labels { has: used.len() }) } else { Ok(()) }
}

fn check(labels: &[String], classes: impl Iterator<Item = usize>) -> Result<(), TooFew> {
    let mut counts: Vec<(String, usize)> = labels.iter().map(|label| (label.clone(), 0)).collect();
    classes.for_each(|class| counts[class].1 += 1);
    ready(&counts)
}

/// Both views of each picture; nothing where it cannot be read or decoded.
fn extract(
    backbone: &Backbone,
    count: usize,
    read: &Read<'_>,
    settings: &Settings,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Vec<Option<[Vec<f32>; 2]>>, TrainError> {
    let next = AtomicUsize::new(0);
    let mut views = vec![None; count];
    let (send, receive) = mpsc::sync_channel(settings.threads.get() * 2);
    std::thread::scope(|scope| {
        for _ in 0..settings.threads.min(NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)).get() {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                let threads = Threads::one();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens any more: cancelled, or another picture failed.
                    if at >= count || send.send((at, one(backbone, at, read, settings, &threads))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        for (done, (at, view)) in receive.into_iter().enumerate() {
            views[at] = view?;
            let progress =
                Progress { phase: Phase::Features, done: done + 1, of: count, loss: None, validation: None };
            if report(progress) == Flow::Cancel {
                return Err(TrainError::Cancelled);
            }
        }
        Ok(views)
    })
}

fn one(
    backbone: &Backbone,
    at: usize,
    read: &Read<'_>,
    settings: &Settings,
    threads: &Threads,
) -> Result<Option<[Vec<f32>; 2]>, TrainError> {
    let Ok(bytes) = read(at) else { return Ok(None) };
    let Ok(picture) = Picture::decode(&bytes, &settings.limits) else { return Ok(None) };
    Ok(Some(backbone.embeddings(&picture, settings.frame, threads)?))
}
