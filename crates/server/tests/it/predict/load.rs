//! Many concurrent predictions: each is answered or denied with `Retry-After`, and other requests are still served.

use std::cell::Cell;
use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use image::ImageFormat;
use serde_json::json;

use super::fixture::PredictionFixture;
use super::samples::{encode, noise_image};
use crate::harness::{Answer, send};
use crate::web_client::WebClient;

/// The resident memory of a process, in bytes.
pub(super) fn resident(pid: u32) -> u64 {
    memory(pid, "VmRSS:")
}

/// The peak resident memory of a process, in bytes.
pub(crate) fn peak(pid: u32) -> u64 {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_large_images_stay_within_memory() {
    let predictions = PredictionFixture::start().await;
    let picture = encode(&noise_image(1_800, 1_800), ImageFormat::Png);
    assert!((9_000_000..10_000_000).contains(&picture.len()), "{}", picture.len());
    let body = json!({ "image": BASE64_STANDARD.encode(picture) }).to_string();
    let requests = (0..64).map(|_| {
        let request = predictions
            .request("classify", &predictions.classifier)
            .header("content-type", "application/json");
        send(request.body(body.clone()))
    });
    send_all_and_load_pages(&predictions, requests).await;
    assert!(peak(predictions.server.pid()) < 900_000_000, "{}", peak(predictions.server.pid()));
    // All memory budgets are free again.
    let answer = predictions.classify(serde_json::from_str(&body).unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_small_images_do_not_delay_pages() {
    let predictions = PredictionFixture::start().await;
    let body = json!({ "image": BASE64_STANDARD.encode(super::samples::pattern_image(0, 5)) });
    let requests = (0..64).map(|_| predictions.classify(body.clone()));
    let (answered, took) = send_all_and_load_pages(&predictions, requests).await;
    assert!(took < Duration::from_secs(20));
    let metrics = predictions.server.ops("/metrics").await.text;
    assert!(metrics.contains(&format!("keyrack_predictions_denied_total {}", 64 - answered)), "{metrics}");
}

/// Sends all predictions at once and loads the API Keys page in a loop until all are answered. Panics if a page waits for
/// the predictions. Returns the number of successful predictions and the total duration.
async fn send_all_and_load_pages(
    predictions: &PredictionFixture,
    requests: impl Iterator<Item = impl Future<Output = Answer>>,
) -> (usize, Duration) {
    let owner = WebClient::sign_in(&predictions.server).await;
    let (is_over, started) = (Cell::new(false), Instant::now());
    let requests = async {
        let answers = join_all(requests).await;
        is_over.set(true);
        (answers, started.elapsed())
    };
    let pages = async {
        let mut took = Vec::new();
        while !is_over.get() {
            let started_at = Instant::now();
            let page = owner.page(&owner.keys("")).await;
            assert_eq!(page.status, 200, "{page:?}");
            took.push(started_at.elapsed());
        }
        took
    };
    let ((answers, took), pages) = tokio::join!(requests, pages);
    let answered = answers.iter().filter(|answer| is_answered(answer)).count();
    let (slowest, pages) = (*pages.iter().max().unwrap(), pages.len());
    let expected = format!("{answered} of 64 answered in {took:?}; {pages} pages, {slowest:?} at worst");
    assert!(answered > 0 && slowest < took / 2, "{expected}");
    (answered, took)
}

fn is_answered(answer: &Answer) -> bool {
    if answer.status == 200 {
        return true;
    }
    // Either the share of the key or the whole queue is used up.
    match answer.status.as_u16() {
        429 => answer.problem(429, "share_used_up"),
        _ => answer.problem(503, "busy"),
    };
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
    false
}
