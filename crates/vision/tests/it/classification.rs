//! Training, prediction, and serialization of a classifier, on generated images.

use std::io;
use std::num::NonZeroUsize;

use image::{Rgb, RgbImage};
use keyrack_vision::classify::{Classifier, ClassifierTrainingSet, check_counts, train};
use keyrack_vision::{
    Backbone, Flow, ImageLimits, Model, ModelError, NotEnoughImages, Phase, Picture, Progress, Task, Threads,
    TrainError, TrainingSettings,
};

/// An image of stripes, checks, or a disc. Images with different numbers differ.
fn painted(class: usize, number: usize) -> Vec<u8> {
    let (shift, step) = (number as u32 * 5, 6 + number as u32 % 4);
    let image = RgbImage::from_fn(64, 64, |x, y| {
        let dark = match class {
            0 => (x + shift) / step % 2 == 0,
            1 => ((x + shift) / step + y / step) % 2 == 0,
            _ => x.abs_diff(32).pow(2) + y.abs_diff(28 + shift % 8).pow(2) < 300,
        };
        // No two images are equal.
        if (x, y) == (0, 0) {
            return Rgb([number as u8; 3]);
        }
        if dark { Rgb([20, 30, 60]) } else { Rgb([230, 220, 200]) }
    });
    let mut bytes = io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn labels() -> Vec<String> {
    ["striped", "unused", "checked", "disc"].map(String::from).into()
}

const CLASSES: [usize; 18] = [0, 2, 3, 0, 2, 3, 0, 2, 3, 0, 2, 3, 0, 2, 3, 0, 2, 3];

#[expect(clippy::unnecessary_wraps, reason = "the shape that a training asks for")]
fn read(at: usize) -> io::Result<Vec<u8>> {
    Ok(painted(at % 3, at))
}

fn settings() -> TrainingSettings {
    TrainingSettings { threads: NonZeroUsize::new(2).unwrap(), ..TrainingSettings::default() }
}

#[test]
fn trained_classifier_predicts_the_same_after_serialization() {
    let backbone = Backbone::embedded().unwrap();
    let training = ClassifierTrainingSet {
        labels: &labels(),
        truth: &CLASSES,
        read: &|at| if at == 17 { Err(io::ErrorKind::NotFound.into()) } else { read(at) },
    };
    let mut reports: Vec<Progress> = Vec::new();
    let trained = train(&backbone, &training, &settings(), &mut |progress| {
        if reports.last() != Some(&progress) {
            reports.push(progress);
        }
        Flow::Continue
    })
    .unwrap();
    let model = trained.model;
    // The first report only has the number of images.
    reports.retain(|progress| progress.done > 0 || progress.phase != Phase::Features);
    assert_eq!(reports.iter().filter(|progress| progress.phase == Phase::Features).count(), 18);
    assert!(
        reports.iter().any(|progress| progress.phase == Phase::Training && progress.validation.is_some())
    );
    assert!(reports.iter().all(|progress| progress.phase != Phase::Training || progress.loss.is_some()));

    let metrics = model.metrics();
    assert_eq!((metrics.trained_on + metrics.measured_on, metrics.unreadable), (17, 1));
    assert!(metrics.accuracy > 0.99, "{metrics:?}");
    assert_eq!(trained.examples.len(), metrics.measured_on.min(8));
    assert!(trained.examples.iter().all(|example| CLASSES[example.picture] == [0, 2, 3][example.actual]));
    assert_eq!(model.labels(), ["striped", "checked", "disc"]);

    let kept = model.to_bytes();
    assert_eq!(Task::of(&kept).unwrap(), Task::Classification);
    let again = Classifier::from_bytes(&kept, &backbone).unwrap();
    let unseen = Picture::decode(&painted(2, 40), &ImageLimits::default()).unwrap();
    let guesses = again.predict(&backbone, &unseen, &Threads::single()).unwrap();
    assert_eq!(guesses, model.predict(&backbone, &unseen, &Threads::single()).unwrap());
    assert_eq!((guesses[0].label, guesses.len()), ("disc", 3));
    assert!(guesses.is_sorted_by(|a, b| a.confidence >= b.confidence));
    assert!((guesses.iter().map(|guess| guess.confidence).sum::<f32>() - 1.0).abs() < 1e-4);
    let either = Model::from_bytes(&kept, &backbone).unwrap();
    assert_eq!((either.task(), either.card()), (Task::Classification, model.card()));
    assert!(again.card().notes[0].contains("test images"));
    let other = String::from_utf8_lossy(&kept).contains(&backbone.digest().to_string());
    assert!(other, "the model file contains the digest of its backbone");
}

#[test]
fn repeated_image_is_left_out() {
    let backbone = Backbone::embedded().unwrap();
    // The last images repeat the first one of each class, one of them with a different label.
    let (mut classes, once) = (CLASSES.to_vec(), CLASSES.len());
    classes.extend([0, 2, 2]);
    let again = |at: usize| read(at % once);
    let trained = |truth: &[usize]| {
        let training = ClassifierTrainingSet { labels: &labels(), truth, read: &again };
        train(&backbone, &training, &settings(), &mut |_| Flow::Continue).unwrap()
    };
    let (with, without) = (trained(&classes), trained(&CLASSES));
    let (more, less) = (with.model.metrics(), without.model.metrics());
    assert_eq!((more.repeated, less.repeated), (3, 0));
    assert_eq!(more.trained_on + more.measured_on, once);
    let picture = Picture::decode(&painted(1, 40), &ImageLimits::default()).unwrap();
    let guesses = |model: &Classifier| {
        let guesses = model.predict(&backbone, &picture, &Threads::single()).unwrap();
        guesses.iter().map(|guess| (guess.label.to_owned(), guess.confidence)).collect::<Vec<_>>()
    };
    assert_eq!((guesses(&with.model), with.examples), (guesses(&without.model), without.examples));
    let says = |model: &Classifier| {
        model.card().notes.iter().any(|note| note.starts_with("Exact copies left out: 3."))
    };
    assert!(says(&with.model) && !says(&without.model));
}

#[test]
fn same_seed_gives_the_same_model() {
    let backbone = Backbone::embedded().unwrap();
    let training = ClassifierTrainingSet { labels: &labels(), truth: &CLASSES, read: &read };
    let one = train(&backbone, &training, &settings(), &mut |_| Flow::Continue).unwrap();
    let two = train(&backbone, &training, &settings(), &mut |_| Flow::Continue).unwrap();
    assert_eq!(one.model.to_bytes(), two.model.to_bytes());
}

#[test]
fn training_stops_at_the_first_cancellation() {
    let backbone = Backbone::embedded().unwrap();
    let training = ClassifierTrainingSet { labels: &labels(), truth: &CLASSES, read: &read };
    for stop in [Phase::Features, Phase::Choosing, Phase::Training] {
        let mut after = 0;
        let stopped = train(&backbone, &training, &settings(), &mut |progress| {
            after += usize::from(progress.phase == stop);
            if progress.phase == stop { Flow::Cancel } else { Flow::Continue }
        });
        assert!(matches!(stopped, Err(TrainError::Cancelled)), "{stop:?}");
        assert_eq!(after, 1, "{stop:?}");
    }
}

#[test]
fn too_few_images_error_has_the_needed_number() {
    let counts = |counts: &[(&str, usize)]| {
        check_counts(&counts.iter().map(|(label, n)| ((*label).into(), *n)).collect::<Vec<_>>())
    };
    assert_eq!(counts(&[("a", 5), ("b", 0), ("c", 5)]), Ok(()));
    assert_eq!(counts(&[("a", 50), ("b", 0)]), Err(NotEnoughImages::Labels { has: 1 }));
    assert_eq!(
        counts(&[("a", 50), ("b", 4)]),
        Err(NotEnoughImages::Pictures { label: "b".into(), has: 4, needs: 5 })
    );
}

#[test]
fn damaged_model_and_backbone_are_rejected() {
    let backbone = Backbone::embedded().unwrap();
    assert!(matches!(Classifier::from_bytes(b"KRVM", &backbone), Err(ModelError::Damaged)));
    assert!(Backbone::load(b"not an onnx file".to_vec()).is_err());
}
