use std::io::{Read, Write};
use std::net::TcpListener;

use keyrack_core::predict::fetch::BEAT;
use keyrack_key::{KeyId, Timestamp, WorkspaceId};
use keyrack_store::Actor;
use rand_core::UnwrapErr;
use tokio::time::Instant;

use super::*;

const BYTES: &[u8; 10] = b"no picture";

/// Returns the claimants of `workspaces` workspaces with `keys` keys each.
fn claimants(workspaces: usize, keys: usize) -> Vec<Vec<Claimant>> {
    let (now, mut rng) = (Timestamp::from_micros(1), UnwrapErr(getrandom::SysRng));
    let mut of_workspace = || {
        let workspace = WorkspaceId::new(now, &mut rng);
        let mut claimant = || Claimant::new(workspace, Actor::Key(KeyId::new(now, &mut rng)));
        (0..keys).map(|_| claimant()).collect()
    };
    (0..workspaces).map(|_| of_workspace()).collect()
}

/// Starts a server that responds once, with ten bytes.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 2_000]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").unwrap();
        stream.write_all(BYTES).unwrap();
    });
    url
}

/// A client retries if no budget was left, and does not retry if the image is unreachable. The two errors must differ.
#[tokio::test]
async fn exhausted_budget_denies_fetch_after_one_beat() {
    let fetcher = ImageFetcher::new(BYTES.len(), &["localhost".to_owned()]);
    let budget = MemoryBudget::for_pictures_of(BYTES.len());
    let claimants = claimants(2, 1);
    let (by, mut others) = (claimants[0][0], budget.collect(claimants[1][0], 1_000, None));
    others.push(&[0; 60]).unwrap();
    let mut same = budget.collect(by, 1_000, None);
    same.push(&[0; 25]).unwrap();
    let started = Instant::now();
    let denied = fetcher.fetch(by, &server(), &budget, None).await.unwrap_err();
    assert!(matches!(denied, FetchError::Exhausted(_)), "{denied:?}");
    assert!(started.elapsed() >= BEAT, "{:?}", started.elapsed());
    drop((others, same));
    assert_eq!(fetcher.fetch(by, &server(), &budget, None).await.unwrap().bytes, &BYTES[..]);
    let small = ImageFetcher::new(BYTES.len() - 1, &["localhost".to_owned()]);
    assert_eq!(small.fetch(by, &server(), &budget, None).await.unwrap_err(), FetchError::Unreachable);
    for (most, passes) in [(BYTES.len(), true), (BYTES.len() - 1, false)] {
        assert_eq!(
            fetcher.fetch(by, &server(), &budget, Some(most)).await.is_ok(),
            passes,
            "a key's own limit of {most}"
        );
    }
}

#[tokio::test]
async fn workspace_with_silent_urls_leaves_fetches_to_others() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://localhost:{}/", silent.local_addr().unwrap().port());
    let fetcher = ImageFetcher::new(BYTES.len(), &["localhost".to_owned()]);
    let (budget, claimants) = (MemoryBudget::for_pictures_of(BYTES.len()), claimants(2, 3));
    let mut flood = Vec::new();
    let denied = 'flood: loop {
        for key in &claimants[0] {
            let mut one = Box::pin(fetcher.fetch(*key, &url, &budget, None));
            match futures_util::poll!(&mut one) {
                std::task::Poll::Pending => flood.push(one),
                std::task::Poll::Ready(denied) => break 'flood denied.unwrap_err(),
            }
        }
        assert!(flood.len() < AT_ONCE, "one workspace took every fetch");
    };
    assert!(matches!(denied, FetchError::Exhausted(_)), "{denied:?}");
    assert!(fetcher.fetch(claimants[1][0], &server(), &budget, None).await.is_ok());
}
