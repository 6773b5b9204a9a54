//! Clients must not be able to create metric series, which would fill the memory.

use reqwest::Method;

use crate::fixtures::{AccessFixture, unknown_secret};
use crate::harness::send;

#[tokio::test]
async fn metric_series_do_not_grow_with_client_input() {
    let fixture = AccessFixture::start().await;
    // Send each kind of request twice, and then many more times with other names.
    send_unusual_requests(&fixture, 0..2).await;
    let before = series(&fixture).await;
    send_unusual_requests(&fixture, 2..100).await;
    let after = series(&fixture).await;
    assert_eq!(before, after);
    assert!(after.iter().any(|line| line.contains("method=\"other\"")), "{after:#?}");
    assert!(!after.iter().any(|line| line.contains("secretly") || line.contains("PURGE")), "{after:#?}");
}

async fn send_unusual_requests(fixture: &AccessFixture, numbers: std::ops::Range<u32>) {
    for n in numbers {
        let method = |word: &str| Method::from_bytes(format!("{word}{n}").as_bytes()).unwrap();
        let ask = async |method: Method, path: &str| {
            let request = fixture.server.request(method, path).header("sec-fetch-site", "same-origin");
            send(request.header("x-api-key", unknown_secret())).await
        };
        ask(method("PURGE"), "/api/v1/keys").await;
        ask(method("PURGE"), &format!("/secretly/{n}")).await;
        ask(Method::GET, &format!("/api/v1/secretly/{n}")).await;
        ask(Method::GET, &format!("/api/v1/keys/secretly{n}")).await;
        ask(Method::GET, &format!("/secretly{n}/{n}/{n}")).await;
        ask(Method::GET, &format!("/w/secretly{n}/projects?secretly={n}")).await;
        ask(Method::GET, &format!("/assets/secretly{n}")).await;
        let host =
            fixture.server.request(Method::GET, "/sign-in").header("host", format!("secretly{n}.example"));
        send(host).await;
    }
}

/// The names of the series, without their values.
async fn series(fixture: &AccessFixture) -> Vec<String> {
    let text = fixture.server.ops("/metrics").await.text;
    let mut series: Vec<_> =
        text.lines().filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect();
    series.sort();
    series
}
