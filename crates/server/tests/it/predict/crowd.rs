//! Many who ask at once: each is answered or told to come again, and everybody else is served meanwhile.

use std::cell::Cell;
use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use image::ImageFormat;
use serde_json::json;

use super::paint::{encoded, noise};
use super::studio::Studio;
use crate::harness::{Answer, send};
use crate::visitor::Visitor;

/// Bytes of memory that a process holds.
pub(super) fn resident(pid: u32) -> u64 {
    memory(pid, "VmRSS:")
}

/// The most that it has ever held.
pub(crate) fn peak(pid: u32) -> u64 {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_with_large_pictures_take_no_gigabytes_and_hold_up_nobody() {
    let studio = Studio::open().await;
    let picture = encoded(&noise(1_800, 1_800), ImageFormat::Png);
    assert!((9_000_000..10_000_000).contains(&picture.len()), "{}", picture.len());
    let body = json!({ "image": BASE64_STANDARD.encode(picture) }).to_string();
    let asks = (0..64).map(|_| {
        let request =
            studio.request("classify", &studio.classifier).header("content-type", "application/json");
        send(request.body(body.clone()))
    });
    all_answered_beside_pages(&studio, asks).await;
    assert!(peak(studio.server.pid()) < 900_000_000, "{}", peak(studio.server.pid()));
    // Nothing is held any more.
    let answer = studio.classify(serde_json::from_str(&body).unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_with_small_pictures_wait_for_their_turns_and_hold_up_nobody() {
    let studio = Studio::open().await;
    let body = json!({ "image": BASE64_STANDARD.encode(super::paint::painted(0, 5)) });
    let asks = (0..64).map(|_| studio.classify(body.clone()));
    let (answered, took) = all_answered_beside_pages(&studio, asks).await;
    assert!(took < Duration::from_secs(20));
    let metrics = studio.server.ops("/metrics").await.text;
    assert!(metrics.contains(&format!("keyrack_predictions_denied_total {}", 64 - answered)), "{metrics}");
}

/// Asks for predictions all at once, and for the API Keys page again and again until they are all told: no page waits for
/// the pictures. How many were answered, and how long it took.
async fn all_answered_beside_pages(
    studio: &Studio,
    asks: impl Iterator<Item = impl Future<Output = Answer>>,
) -> (usize, Duration) {
    let owner = Visitor::sign_in(&studio.server).await;
    let (is_over, started) = (Cell::new(false), Instant::now());
    let asks = async {
        let answers = join_all(asks).await;
        is_over.set(true);
        (answers, started.elapsed())
    };
    let pages = async {
        let mut took = Vec::new();
        while !is_over.get() {
            let asked = Instant::now();
            let page = owner.page(&owner.keys("")).await;
            assert_eq!(page.status, 200, "{page:?}");
            took.push(asked.elapsed());
        }
        took
    };
    let ((answers, took), pages) = tokio::join!(asks, pages);
    let answered = answers.iter().filter(|answer| answered_or_busy(answer)).count();
    let (slowest, pages) = (*pages.iter().max().unwrap(), pages.len());
    let says = format!("{answered} of 64 answered in {took:?}; {pages} pages, {slowest:?} at worst");
    assert!(answered > 0 && slowest < took / 2, "{says}");
    (answered, took)
}

fn answered_or_busy(answer: &Answer) -> bool {
    if answer.status == 200 {
        return true;
    }
    // The share of the key is used up, or all of the queue.
    match answer.status.as_u16() {
        429 => answer.problem(429, "share_used_up"),
        _ => answer.problem(503, "busy"),
    };
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
    false
}
