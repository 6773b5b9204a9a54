//! A key in the query doesn't reach the service.

use reqwest::Method;
use serde_json::json;

use super::deployment::{Deployment, code};
use crate::harness::send;

with_each_proxy!(query_key_is_removed_before_service);

async fn query_key_is_removed_before_service(proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    for query in [format!("api-key={}", key.secret), format!("a=1%20%0d&api-key={}&b=2", key.secret)] {
        let answer = send(proxy.request(Method::GET, &format!("/7?{query}"))).await;
        if !proxy.program.removes_key_from_query() {
            assert_eq!((answer.status.as_u16(), code(&answer)), (400, json!("ambiguous_request")), "{query}");
            continue;
        }
        assert_eq!(answer.status, 200, "{answer:?} {}", proxy.log());
        let echoed = answer.json();
        let uri = echoed["uri"].as_str().unwrap().replace("&&", "&");
        assert!(!answer.text.contains(&key.secret), "{answer:?}");
        assert!(["/7?", "/7", "/7?a=1%20%0d&b=2"].contains(&uri.as_str()), "{answer:?}");
    }
    // A proxy wouldn't find these keys, or not all of them.
    let escaped = key.secret.replace('_', "%5F");
    for query in [
        format!("api-key={escaped}"),
        format!("api%2Dkey={}", key.secret),
        format!("api-key={0}&api-key={0}", key.secret),
        format!("api-key={0}&%61pi-key={0}", key.secret),
    ] {
        let request = || proxy.request(Method::GET, &format!("/7?a=1&{query}"));
        for request in [request(), request().header("x-api-key", &key.secret)] {
            let answer = send(request).await;
            assert_eq!((answer.status.as_u16(), code(&answer)), (400, json!("ambiguous_request")), "{query}");
        }
    }
    let both = proxy.get(&format!("/7?api-key={}", key.secret), &key.secret).await;
    assert!(!both.text.contains(&key.secret), "{both:?}");
}
