//! What 10,000 pictures in one project cost, and how the pages are while a model trains, over the wire of the real server.
//!
//! `cargo bench -p keyrack --bench dataset`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod painted;
mod server;
mod times;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use server::Server;
use times::Times;

const PICTURES: usize = 10_000;
/// As many as the public client sends at once.
const CLIENTS: usize = 4;
const LEARNT_FROM: usize = 200;
const CLASSES: usize = 4;

#[tokio::main]
async fn main() {
    let cores = std::thread::available_parallelism().unwrap();
    println!("{cores} cores, the load comes from the same machine\n");
    let server = Arc::new(Server::start().await);
    many(&server).await;
    training(&server).await;
}

/// Uploads, lists and deletes.
async fn many(server: &Arc<Server>) {
    let project = server.project("many", "classification").await;
    let started = Instant::now();
    let mut thousands = Vec::new();
    for thousand in 0..PICTURES / 1_000 {
        let begun = Instant::now();
        upload(server, &project, thousand * 1_000..(thousand + 1) * 1_000, None).await;
        thousands.push(1_000.0 / begun.elapsed().as_secs_f64());
    }
    println!("| {PICTURES} pictures of 640 × 480 in one project, {CLIENTS} clients | |\n| --- | ---: |");
    println!("| uploaded, a second | {:.0} |", 10_000.0 / started.elapsed().as_secs_f64());
    println!(
        "| the last thousand over the first | {:.2} |",
        thousands.last().unwrap() / thousands.first().unwrap()
    );
    let list = format!("/api/v1/projects/{project}/datasets/records?limit=200");
    println!("| 200 records, ms | {} |", server.times(&list, 200).await);
    println!(
        "| the project's page, ms | {} |",
        server.times(&format!("/w/bench/projects/{project}"), 200).await
    );
    let begun = Instant::now();
    server.call(reqwest::Method::DELETE, &format!("/projects/{project}"), None).await;
    println!("| deleted, answered after s | {:.2} |", begun.elapsed().as_secs_f64());
    while server.objects() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("| deleted, no object left after s | {:.2} |\n", begun.elapsed().as_secs_f64());
}

/// A training of 200 pictures, and the API Keys page meanwhile.
async fn training(server: &Arc<Server>) {
    const PAGE: &str = "/w/bench/settings/api-keys";
    let project = server.project("training", "classification").await;
    let names: Vec<_> = (0..CLASSES).map(|class| json!({ "name": format!("class {class}") })).collect();
    let labels =
        server.post(&format!("/projects/{project}/annotations/labels"), Value::Array(names)).await.unwrap();
    let labels: Vec<_> =
        labels.as_array().unwrap().iter().map(|label| label["id"].as_str().unwrap().to_owned()).collect();
    upload(server, &project, 0..LEARNT_FROM, Some(&labels)).await;
    let idle = server.times(PAGE, 200).await;
    let begun = Instant::now();
    let model = server.post(&format!("/projects/{project}/models"), json!({})).await.unwrap();
    let path = format!("/models/{}", model["id"].as_str().unwrap());
    let ended = Arc::new(AtomicBool::new(false));
    let pages = tokio::spawn({
        let (server, ended) = (Arc::clone(server), Arc::clone(&ended));
        async move {
            let mut times = Times::default();
            while !ended.load(Ordering::Relaxed) {
                times.add(server.time(PAGE).await);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            times
        }
    });
    let status = loop {
        let model = server.call(reqwest::Method::GET, &path, None).await.unwrap();
        match model["status"].as_str().unwrap() {
            "queued" | "running" => tokio::time::sleep(Duration::from_millis(100)).await,
            ended => break ended.to_owned(),
        }
    };
    let took = begun.elapsed();
    ended.store(true, Ordering::Relaxed);
    println!("| classification of {LEARNT_FROM} pictures, {CLASSES} classes | |\n| --- | ---: |");
    println!("| asked for until {status}, s | {:.1} |", took.as_secs_f64());
    println!("| the API Keys page before, ms | {idle} |");
    println!("| the API Keys page meanwhile, ms | {} |", pages.await.unwrap());
}

/// As the public client does for each: its batch, its label, a place, the picture, its record, its class.
async fn upload(
    server: &Arc<Server>,
    project: &str,
    numbers: std::ops::Range<usize>,
    labels: Option<&[String]>,
) {
    let step = numbers.len().div_ceil(CLIENTS);
    let tasks = (0..CLIENTS).map(|client| {
        let own = numbers.start + client * step..(numbers.start + (client + 1) * step).min(numbers.end);
        let (server, project, labels) =
            (Arc::clone(server), project.to_owned(), labels.map(<[String]>::to_vec));
        tokio::spawn(async move {
            for number in own {
                let label = labels.as_ref().map(|labels| labels[number % labels.len()].as_str());
                server.upload(&project, number, label).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}
