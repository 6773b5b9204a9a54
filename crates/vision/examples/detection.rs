//! Trains on the train and validation pictures of a PASCAL VOC folder, and prints mAP@0.5 on its test pictures.
//!
//! `cargo run --release -p keyrack-vision --example detection -- FOLDER [STEPS] [THREADS] [SIDE] [squash|letterbox] [MEMORY] [SEED]`
//!
//! Features beyond MEMORY megabytes go to a file in the folder for temporary ones.

use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use keyrack_vision::detect::{DetectorSettings, DetectorTrainingSet, Object, measure_precision, train};
use keyrack_vision::{self as vision, Backbone, Flow, ImageLimits, Phase, Picture, ResizeMode, Threads};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[expect(clippy::print_stdout, reason = "it is a report")]
fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder of PASCAL VOC")?);
    let steps: usize = arguments.next().map_or(Ok(700), |text| text.parse())?;
    let threads: NonZeroUsize = arguments.next().map_or(Ok(NonZeroUsize::MIN), |text| text.parse())?;
    let side: u32 = arguments.next().map_or(Ok(320), |text| text.parse())?;
    let frame = if arguments.next().as_deref() == Some("letterbox") {
        ResizeMode::Letterbox
    } else {
        ResizeMode::Squash
    };

    let memory: usize = arguments.next().map_or(Ok(512), |text| text.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;

    let mut labels = Vec::new();
    let learning = marked(&folder, &["train", "val"], &mut labels)?;
    let testing = marked(&folder, &["test"], &mut labels)?;
    println!("{} pictures to learn from, {} to test, labels {labels:?}", learning.len(), testing.len());
    let backbone = Backbone::embedded()?;
    let objects: Vec<_> = learning.iter().map(|(_, objects)| objects.clone()).collect();
    let training =
        DetectorTrainingSet { labels: &labels, truth: &objects, read: &|at| fs::read(&learning[at].0) };
    let base = vision::TrainingSettings { threads, frame, seed, ..vision::TrainingSettings::default() };
    let spill = Some(std::env::temp_dir());
    let settings = DetectorSettings { base, steps, side, memory: memory << 20, spill };
    let started = Instant::now();
    let model = train(&backbone, &training, &settings, &mut |progress| {
        if progress.phase == Phase::Features && progress.done == progress.of {
            println!("features {:.1?}", started.elapsed());
        }
        if let Some(mean) = progress.validation {
            println!(
                "step {} loss {:.3} validation {mean:.3} after {:.1?}",
                progress.done,
                progress.loss.unwrap_or(0.0),
                started.elapsed()
            );
        }
        Flow::Continue
    })?
    .model;
    println!(
        "trained on {} in {:.1?}, {} bytes, set aside: {:?}",
        model.metrics().trained_on,
        started.elapsed(),
        model.to_bytes().len(),
        model.metrics()
    );

    let mut found = Vec::new();
    for (file, _) in &testing {
        let picture = Picture::decode(&fs::read(file)?, &ImageLimits::default())?;
        found.push(model.detect(&backbone, &picture, &Threads::single())?);
    }
    let there: Vec<_> = testing.into_iter().map(|(_, objects)| objects).collect();
    let measured = measure_precision(&found, &there, labels.len());
    println!("mAP@0.5 {:.3} on {} test pictures", measured.mean, there.len());
    for (label, measured) in labels.iter().zip(&measured.labels) {
        println!("{label}: {measured:?}");
    }
    println!("all: {:?}", measured.total());
    Ok(())
}

/// Files of some sets, with their objects.
fn marked(folder: &Path, sets: &[&str], labels: &mut Vec<String>) -> Result<Vec<(PathBuf, Vec<Object>)>> {
    let mut pictures = Vec::new();
    for set in sets {
        for name in fs::read_to_string(folder.join(format!("ImageSets/Main/{set}.txt")))?.split_whitespace() {
            let xml = fs::read_to_string(folder.join(format!("Annotations/{name}.xml")))?;
            let mut objects = Vec::new();
            for object in xml.split("<object>").skip(1) {
                let label = inside(object, "name")?;
                let class = labels.iter().position(|known| known == label).unwrap_or_else(|| {
                    labels.push(label.to_owned());
                    labels.len() - 1
                });
                let [left, top, right, bottom] = ["xmin", "ymin", "xmax", "ymax"]
                    .map(|edge| inside(object, edge)?.parse::<f32>().map_err(Box::<dyn Error>::from));
                let (left, top) = (left?, top?);
                let (width, height) = (right? - left, bottom? - top);
                // Two boxes of the set have no area.
                if width > 0.0 && height > 0.0 {
                    objects.push(Object { class, left, top, width, height });
                }
            }
            pictures.push((folder.join(format!("JPEGImages/{name}.jpg")), objects));
        }
    }
    Ok(pictures)
}

fn inside<'a>(xml: &'a str, tag: &str) -> Result<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{tag}>")).ok_or("an element is missing")?;
    Ok(rest.split_once("</").ok_or("an element has no end")?.0.trim())
}
