//! What each stage of a prediction costs on one thread, as the median of many runs.
//!
//! `cargo run --release -p keyrack-vision --example stages -- [PICTURE]`

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use keyrack_vision::{Backbone, ImageLimits, Picture, ResizeMode, Threads};

const RUNS: usize = 31;

#[expect(clippy::print_stdout, reason = "it is a report")]
fn main() -> Result<(), Box<dyn Error>> {
    let bytes = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => painted()?,
    };
    let started = Instant::now();
    let backbone = Backbone::embedded()?;
    println!("load backbone   {:>9.2?}", started.elapsed());
    let picture = Picture::decode(&bytes, &ImageLimits::default())?;
    let threads = Threads::single();
    println!("{} bytes, {} × {}", bytes.len(), picture.width(), picture.height());
    println!(
        "probe           {:>9.2?}",
        median(|| drop(black_box(Picture::probe(&bytes, &ImageLimits::default()))))
    );
    println!(
        "decode          {:>9.2?}",
        median(|| drop(black_box(Picture::decode(&bytes, &ImageLimits::default()))))
    );
    println!("resize to 224   {:>9.2?}", median(|| drop(black_box(picture.thumbnail(224)))));
    let one = median(|| drop(black_box(backbone.embedding(&picture, ResizeMode::Squash, &threads))));
    println!("resize and run  {one:>9.2?}");
    let two = median(|| drop(black_box(backbone.embeddings(&picture, ResizeMode::Squash, &threads))));
    println!("… of two views  {two:>9.2?}");
    println!("thumbnail 256   {:>9.2?}", median(|| drop(black_box(picture.thumbnail(256).to_jpeg(80)))));
    Ok(())
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

/// A JPEG of 1024 × 768, which is what the Python client sends.
fn painted() -> Result<Vec<u8>, Box<dyn Error>> {
    let image = RgbImage::from_fn(1024, 768, |x, y| {
        let wave = |n: u32| u8::try_from(n % 256).unwrap_or(0);
        Rgb([wave(x * y / 64), wave(x / 3 + y), wave((x ^ y) / 2)])
    });
    let mut bytes = Vec::new();
    image.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90))?;
    Ok(bytes)
}
