//! Many who ask at once: each is answered or told to come again, and everybody else is served meanwhile.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use image::ImageFormat;
use serde_json::json;

use super::paint::{encoded, noise};
use super::studio::Studio;
use crate::harness::{Answer, send};

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
    let studio = Arc::new(Studio::open().await);
    let picture = encoded(&noise(1_800, 1_800), ImageFormat::Png);
    assert!((9_000_000..10_000_000).contains(&picture.len()), "{}", picture.len());
    let body = json!({ "image": BASE64_STANDARD.encode(picture) }).to_string();
    let asks = (0..64).map(|_| {
        let request =
            studio.request("classify", &studio.classifier).header("content-type", "application/json");
        send(request.body(body.clone()))
    });
    let slowest = {
        let studio = Arc::clone(&studio);
        tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            for _ in 0..20 {
                let started = Instant::now();
                studio.server.get("/api/v1/projects", &studio.key).await.refused(403, "insufficient_scope");
                slowest = slowest.max(started.elapsed());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            slowest
        })
    };
    let answers = join_all(asks).await;
    let answered = answers.iter().filter(|answer| answered_or_busy(answer)).count();
    let slowest = slowest.await.unwrap();
    println!(
        "{answered} of 64 answered; peak {} MB; a key was checked in {slowest:?} at worst",
        peak(studio.server.pid()) / 1_000_000
    );
    assert!(answered > 0);
    assert!(peak(studio.server.pid()) < 900_000_000, "{}", peak(studio.server.pid()));
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    // Nothing is held any more.
    let answer = studio.classify(serde_json::from_str(&body).unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_with_small_pictures_wait_for_their_turns() {
    let studio = Studio::open().await;
    let body = json!({ "image": BASE64_STANDARD.encode(super::paint::painted(0, 5)) });
    let started = Instant::now();
    let answers = join_all((0..64).map(|_| studio.classify(body.clone()))).await;
    let answered = answers.iter().filter(|answer| answered_or_busy(answer)).count();
    println!("{answered} of 64 answered in {:?}", started.elapsed());
    assert!(answered > 0);
    assert!(started.elapsed() < Duration::from_secs(20));
    let metrics = studio.server.ops("/metrics").await.text;
    assert!(metrics.contains(&format!("keyrack_predictions_busy_total {}", 64 - answered)), "{metrics}");
}

fn answered_or_busy(answer: &Answer) -> bool {
    if answer.status == 200 {
        return true;
    }
    answer.problem(503, "busy");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
    false
}
