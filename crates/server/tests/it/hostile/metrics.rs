//! Counters whose names a client could choose would fill the memory.

use reqwest::Method;

use crate::cast::{Cast, unknown};
use crate::harness::send;

#[tokio::test]
async fn no_client_can_add_to_what_is_counted() {
    let cast = Cast::assemble().await;
    // Everything that a client can cause, once and then a hundred times more under other names.
    storm(&cast, 0..2).await;
    let before = series(&cast).await;
    storm(&cast, 2..100).await;
    let after = series(&cast).await;
    assert_eq!(before, after);
    assert!(after.iter().any(|line| line.contains("method=\"other\"")), "{after:#?}");
    assert!(!after.iter().any(|line| line.contains("secretly") || line.contains("PURGE")), "{after:#?}");
}

async fn storm(cast: &Cast, numbers: std::ops::Range<u32>) {
    for n in numbers {
        let method = |word: &str| Method::from_bytes(format!("{word}{n}").as_bytes()).unwrap();
        let ask = async |method: Method, path: &str| {
            let request = cast.server.request(method, path).header("sec-fetch-site", "same-origin");
            send(request.header("x-api-key", unknown())).await
        };
        ask(method("PURGE"), "/api/v1/keys").await;
        ask(method("PURGE"), &format!("/secretly/{n}")).await;
        ask(Method::GET, &format!("/api/v1/secretly/{n}")).await;
        ask(Method::GET, &format!("/api/v1/keys/secretly{n}")).await;
        ask(Method::GET, &format!("/secretly{n}/{n}/{n}")).await;
        ask(Method::GET, &format!("/w/secretly{n}/projects?secretly={n}")).await;
        ask(Method::GET, &format!("/assets/secretly{n}")).await;
        let host =
            cast.server.request(Method::GET, "/sign-in").header("host", format!("secretly{n}.example"));
        send(host).await;
    }
}

/// What is counted, without the counts.
async fn series(cast: &Cast) -> Vec<String> {
    let text = cast.server.ops("/metrics").await.text;
    let mut series: Vec<_> =
        text.lines().filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect();
    series.sort();
    series
}
