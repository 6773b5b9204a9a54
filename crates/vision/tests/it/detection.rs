//! Training, detection, and serialization of a detector, on generated images.

use std::num::NonZeroUsize;
use std::{env, fs, io};

use image::{Rgb, RgbImage};
use keyrack_vision::detect::{
    AnnotationCounts, Detection, Detector, DetectorSettings, DetectorTrainingSet, Object, check_counts,
    measure_precision, train,
};
use keyrack_vision::{
    self as vision, Backbone, Flow, ImageLimits, Model, ModelCard, ModelError, NotEnoughImages, Phase,
    Picture, Task, Threads, TrainError,
};

const SIDE: u32 = 128;
/// The images contain only `disc` and `square`.
const LABELS: [&str; 3] = ["disc", "unused", "square"];

/// An image of two discs and a square on noise, in positions that depend on `number`.
fn painted(number: usize) -> (Vec<u8>, Vec<Object>) {
    let mut state = number as u64 * 2 + 1;
    let mut chance = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let size = |more: u64| (26 + more) as f32;
    // Each object is in a different quarter, so that none covers another.
    let mut object = |class: usize, column: u64, row: u64| {
        let wide = size(chance(14));
        let mut place = |quarter: u64| (quarter * 64 + chance(22)) as f32;
        Object { class, left: place(column), top: place(row), width: wide, height: wide }
    };
    let turn = number as u64 % 2;
    let objects = vec![object(0, turn, 0), object(2, 1 - turn, 0), object(0, turn, 1)];
    let image = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
        let shade = u8::try_from(chance(60)).unwrap();
        for object in &objects {
            let (half, dx, dy) = (object.width / 2.0, x - object.left, y - object.top);
            let within = (0.0..object.width).contains(&dx) && (0.0..object.height).contains(&dy);
            if object.class == 0 && (dx - half).hypot(dy - half) < half {
                return Rgb([200, 40, 30 + shade]);
            } else if object.class == 2 && within {
                return Rgb([30, 60, 190 + shade]);
            }
        }
        Rgb([150 + shade, 150 + shade, 140 + shade])
    });
    let mut bytes = io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    (bytes.into_inner(), objects)
}

fn labels() -> Vec<String> {
    LABELS.map(String::from).into()
}

fn settings(steps: usize) -> DetectorSettings {
    let base = vision::TrainingSettings {
        threads: NonZeroUsize::new(2).unwrap(),
        ..vision::TrainingSettings::default()
    };
    DetectorSettings { base, side: SIDE, steps, ..DetectorSettings::default() }
}

fn objects(count: usize) -> Vec<Vec<Object>> {
    (0..count).map(|number| painted(number).1).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that a training asks for")]
fn read(number: usize) -> io::Result<Vec<u8>> {
    Ok(painted(number).0)
}

#[test]
fn trained_detector_finds_new_objects_and_serializes() {
    let backbone = Backbone::embedded().unwrap();
    let truth = objects(41);
    let training = DetectorTrainingSet {
        labels: &labels(),
        truth: &truth,
        read: &|at| if at == 40 { Err(io::ErrorKind::NotFound.into()) } else { read(at) },
    };
    let mut losses = Vec::new();
    let trained = train(&backbone, &training, &settings(100), &mut |progress| {
        losses.extend(progress.loss);
        Flow::Continue
    })
    .unwrap();
    let model = trained.model;
    assert!(losses.last().unwrap() < &(losses[0] / 3.0), "{losses:?}");
    assert_eq!(model.labels(), ["disc", "square"]);
    let metrics = model.metrics();
    assert_eq!(metrics.trained_on + metrics.chosen_on + metrics.measured_on, 40);
    assert_eq!((metrics.measured_on, metrics.unreadable), (4, 1));
    assert_eq!(trained.examples.len(), 4);
    // Class indices are the model's: label 2 of the training is label 1 of the model.
    let there = &truth[trained.examples[0].picture];
    assert_eq!(
        trained.examples[0].there.iter().map(|o| o.left).collect::<Vec<_>>(),
        there.iter().map(|o| o.left).collect::<Vec<_>>()
    );
    assert_eq!(trained.examples[0].there[1].class, 1);

    held_out(&backbone, &model);
    kept(&backbone, &model);
}

/// Detects objects in twelve images that weren't part of the training.
fn held_out(backbone: &Backbone, model: &Detector) {
    let (mut found, mut there) = (Vec::new(), Vec::new());
    for number in 1000..1012 {
        let (bytes, mut objects) = painted(number);
        objects[1].class = 1;
        let picture = Picture::decode(&bytes, &ImageLimits::default()).unwrap();
        found.push(model.detect(backbone, &picture, &Threads::single()).unwrap());
        there.push(objects);
    }
    let all: Vec<&Detection> = found.iter().flatten().collect();
    assert!(all.iter().all(|found| (0.0..=1.0).contains(&found.confidence)));
    assert!(found.iter().all(|found| found.is_sorted_by(|a, b| a.confidence >= b.confidence)));
    let measured = measure_precision(&found, &there, 2);
    assert!(measured.mean > 0.8, "{measured:?}");
    let total = measured.total();
    assert_eq!(total.objects, 36);
    assert!(total.right_at_0_7 >= 18, "too few confident boxes: {measured:?}");
    assert!(
        10 * total.right_at_0_7 >= 7 * total.given_at_0_7,
        "too many wrong confident boxes: {measured:?}"
    );
}

fn kept(backbone: &Backbone, model: &Detector) {
    let bytes = model.to_bytes();
    assert_eq!(Task::of(&bytes).unwrap(), Task::ObjectDetection);
    let again = Model::from_bytes(&bytes, backbone).unwrap();
    assert_eq!(again, Model::from(model.clone()));
    assert!(again.memory() > 400_000);
    let card = again.card();
    assert_eq!((card.task, &card.labels[..]), (Task::ObjectDetection, model.labels()));
    assert!(card.notes[0].contains("4 images with 12 objects"), "{:?}", card.notes);
    assert!(card.notes.iter().any(|note| note.ends_with("couldn't be decoded: 1.")), "{:?}", card.notes);
    let json = serde_json::to_string(&card).unwrap();
    assert_eq!(serde_json::from_str::<ModelCard>(&json).unwrap(), card);

    assert!(matches!(
        vision::classify::Classifier::from_bytes(&bytes, backbone),
        Err(ModelError::Task(Task::ObjectDetection))
    ));
    // A file of the same network with two more bytes is a different backbone.
    let mut file =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/backbone/efficientnet-lite0.onnx")).unwrap();
    // Field 6 of an ONNX model: an empty doc_string.
    file.extend([0x32, 0x00]);
    let other = Backbone::load(file).unwrap();
    assert!(matches!(Model::from_bytes(&bytes, &other), Err(ModelError::Backbone { .. })));
}

#[test]
fn spilling_and_thread_count_do_not_change_the_model() {
    let backbone = Backbone::embedded().unwrap();
    let truth = objects(20);
    let training = DetectorTrainingSet { labels: &labels(), truth: &truth, read: &read };
    let folder = env::temp_dir().join(format!("keyrack-detection-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let plain = train(&backbone, &training, &settings(4), &mut |_| Flow::Continue).unwrap();
    let base = vision::TrainingSettings { threads: NonZeroUsize::MIN, ..settings(4).base };
    let spilling = DetectorSettings { base, memory: 500_000, spill: Some(folder.clone()), ..settings(4) };
    let spilled = train(&backbone, &training, &spilling, &mut |_| Flow::Continue).unwrap();
    assert_eq!(spilled, plain);
    let missing = DetectorSettings { spill: Some(folder.join("missing")), ..spilling };
    let error = train(&backbone, &training, &missing, &mut |_| Flow::Continue);
    assert!(matches!(error, Err(TrainError::Spill(_))), "a missing folder is an error");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir(&folder).unwrap();
}

#[test]
fn repeated_image_is_left_out() {
    let backbone = Backbone::embedded().unwrap();
    let trained = |count: usize| {
        // From index 20 on, the images repeat.
        let truth: Vec<_> = (0..count).map(|at| painted(at % 20).1).collect();
        let training = DetectorTrainingSet { labels: &labels(), truth: &truth, read: &|at| read(at % 20) };
        train(&backbone, &training, &settings(4), &mut |_| Flow::Continue).unwrap()
    };
    let (with, without) = (trained(30), trained(20));
    let (more, less) = (with.model.metrics(), without.model.metrics());
    assert_eq!((more.repeated, less.repeated), (10, 0));
    assert_eq!(more.trained_on + more.chosen_on + more.measured_on, 20);
    assert_eq!((&more.precision, with.examples), (&less.precision, without.examples));
    assert!(with.model.card().notes.iter().any(|note| note.starts_with("Exact copies left out: 10.")));
}

#[test]
fn training_stops_at_cancellation() {
    let backbone = Backbone::embedded().unwrap();
    let truth = objects(20);
    for stop in [Phase::Features, Phase::Training] {
        let training = DetectorTrainingSet { labels: &labels(), truth: &truth, read: &read };
        let mut cancelled = false;
        let stopped = train(&backbone, &training, &settings(1000), &mut |progress| {
            assert!(!cancelled, "{stop:?}: a report after the cancellation");
            if progress.phase == stop {
                cancelled = true;
                return Flow::Cancel;
            }
            Flow::Continue
        });
        assert!(matches!(stopped, Err(TrainError::Cancelled)), "{stop:?}");
        assert!(cancelled, "{stop:?}");
    }
}

#[test]
fn insufficient_or_invalid_data_returns_the_cause() {
    let counts = |marked, labels: &[(&str, usize)]| {
        let labels = labels.iter().map(|(label, has)| ((*label).into(), *has)).collect();
        check_counts(&AnnotationCounts { marked, labels })
    };
    assert_eq!(counts(20, &[("a", 20), ("unused", 0)]), Ok(()));
    assert_eq!(counts(19, &[("a", 19)]), Err(NotEnoughImages::Marked { has: 19, needs: 20 }));
    let rare = NotEnoughImages::Pictures { label: "b".into(), has: 4, needs: 5 };
    assert_eq!(counts(30, &[("a", 30), ("b", 4)]), Err(rare));

    let backbone = Backbone::embedded().unwrap();
    let train_error = |truth: &[Vec<Object>]| {
        let training =
            DetectorTrainingSet { labels: &labels(), truth, read: &|_| unreachable!("nothing is read") };
        train(&backbone, &training, &settings(1), &mut |_| Flow::Continue).unwrap_err()
    };
    assert!(matches!(train_error(&objects(19)), TrainError::TooFew(NotEnoughImages::Marked { has: 19, .. })));
    let mut wrong = objects(20);
    wrong[7][0].class = 3;
    assert!(matches!(train_error(&wrong), TrainError::UnknownLabel { picture: 7, class: 3, labels: 3 }));
    wrong[7][0] = Object { class: 0, width: f32::NAN, ..wrong[7][0] };
    assert!(matches!(train_error(&wrong), TrainError::Box { picture: 7 }));
}
