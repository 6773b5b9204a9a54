//! Trains on a folder of class folders with several seeds, and prints how right each model is and how long it took.
//!
//! `cargo run --release -p keyrack-vision --example classification -- FOLDER [SEEDS] [THREADS] [squash|letterbox]`

use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use keyrack_vision::classify::{ClassifierTrainingSet, Features, train_head};
use keyrack_vision::{Backbone, Flow, ResizeMode, TrainingSettings};

#[expect(clippy::print_stdout, reason = "it is a report")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder of class folders")?);
    let seeds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let threads: NonZeroUsize = arguments.next().map_or(Ok(NonZeroUsize::MIN), |text| text.parse())?;
    let frame = if arguments.next().as_deref() == Some("letterbox") {
        ResizeMode::Letterbox
    } else {
        ResizeMode::Squash
    };
    let (labels, files) = pictures(&folder)?;
    let classes: Vec<usize> = files.iter().map(|(class, _)| *class).collect();
    let backbone = Backbone::embedded()?;
    let training =
        ClassifierTrainingSet { labels: &labels, truth: &classes, read: &|at| fs::read(&files[at].1) };
    println!("{} pictures, {} labels, backbone {}", files.len(), labels.len(), backbone.digest());
    let settings = TrainingSettings { threads, frame, ..TrainingSettings::default() };
    let started = Instant::now();
    let features = Features::extract(&backbone, &training, &settings, &mut |_| Flow::Continue)?;
    println!("features: {:.1?} on {threads} threads", started.elapsed());
    let mut accuracies = Vec::new();
    for seed in 0..seeds {
        let started = Instant::now();
        let model = train_head(features.clone(), seed, &mut |_| Flow::Continue)?.model;
        let metrics = model.metrics();
        println!(
            "seed {seed}: {:.3} of {} (trained on {}), at 0.7: {}/{} right, calibration error {:.3}, head {:.1?}, {} bytes",
            metrics.accuracy,
            metrics.measured_on,
            metrics.trained_on,
            metrics.at_0_7.right,
            metrics.at_0_7.answers,
            metrics.calibration_error,
            started.elapsed(),
            model.to_bytes().len(),
        );
        accuracies.push(metrics.accuracy);
    }
    println!("mean {:.3}", accuracies.iter().sum::<f32>() / f32::from(u16::try_from(accuracies.len())?));
    Ok(())
}

type Pictures = (Vec<String>, Vec<(usize, PathBuf)>);

/// Label names, and each picture below them with the number of its label.
fn pictures(folder: &Path) -> Result<Pictures, Box<dyn Error>> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    folders.sort();
    let mut files = Vec::new();
    for (class, folder) in folders.iter().enumerate() {
        let mut inside: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        inside.sort();
        files.extend(inside.into_iter().map(|file| (class, file)));
    }
    let labels = folders.iter().filter_map(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()));
    Ok((labels.collect(), files))
}
