//! What a prediction costs over HTTP, over what the runtime itself takes for the same picture.
//!
//! `cargo bench -p keyrack --bench predict`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

#[expect(dead_code, reason = "shared with the other benchmark, which asks many at once")]
#[path = "../http/load.rs"]
mod load;
#[path = "../opened/mod.rs"]
mod opened;
mod stage;

use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_vision::classify::Classifier;
use keyrack_vision::{Backbone, ImageLimits, Picture, Threads};

use load::Client;
use stage::Stage;

const ROUNDS: usize = 100;

fn main() {
    let cores = std::thread::available_parallelism().unwrap();
    println!(
        "{cores} cores, the client is on the same machine; medians of {ROUNDS} rounds, each asking all in turn\n"
    );
    let backbone = Backbone::embedded().unwrap();
    let model = stage::model(&backbone);
    let stage = Stage::set(&model);
    println!("| picture | bare runtime, ms | as a file, ms | ratio | as JSON, ms | ratio (middle half) |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (width, height) in [(640, 480), (1280, 960), (4000, 3000)] {
        let picture = stage::photograph(width, height);
        let name = format!("JPEG, {width} × {height}, {} kB", picture.len() / 1000);
        compare(&name, &picture, &stage, &model, &backbone);
    }
}

/// Who is first changes from round to round, so that nobody always finds the machine warm.
fn compare(name: &str, picture: &[u8], stage: &Stage, model: &Classifier, backbone: &Backbone) {
    let threads = Threads::single();
    let bare = || {
        let picture = Picture::decode(picture, &ImageLimits::default()).unwrap();
        assert!(!model.predict(backbone, &picture, &threads).unwrap().is_empty());
    };
    let json = format!("{{\"image\":\"{}\",\"confidence\":0.7}}", BASE64_STANDARD.encode(picture));
    let file = stage.request("image/jpeg", picture);
    let json = stage.request("application/json", json.as_bytes());
    let mut client = Client::connect(stage.address);
    let mut times = [const { Vec::new() }; 3];
    for round in 0..ROUNDS + 5 {
        for turn in 0..3 {
            let which = (round + turn) % 3;
            let started = Instant::now();
            match which {
                0 => bare(),
                1 => drop(client.ask(&file, "HTTP/1.1 200")),
                _ => drop(client.ask(&json, "HTTP/1.1 200")),
            }
            let took = started.elapsed().as_secs_f64() * 1e3;
            // The first rounds load what is loaded once.
            if round >= 5 {
                times[which].push(took);
            }
        }
    }
    let ratios = |of: &[f64]| sorted(of.iter().zip(&times[0]).map(|(one, bare)| one / bare).collect());
    let (by_file, by_json) = (ratios(&times[1]), ratios(&times[2]));
    let [bare, file, json] = times.map(|times| quantile(&sorted(times), 0.5));
    println!(
        "| {name} | {bare:.1} | {file:.1} | {:.3} | {json:.1} | {:.3} ({:.3} to {:.3}) |",
        quantile(&by_file, 0.5),
        quantile(&by_json, 0.5),
        quantile(&by_json, 0.25),
        quantile(&by_json, 0.75)
    );
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which this share of the sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let place = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[place]
}
