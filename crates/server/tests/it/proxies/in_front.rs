//! nginx, Caddy and HAProxy, each asked the same.

use reqwest::Method;
use serde_json::{Value, json};

use super::front::{Front, Program};
use crate::harness::{Answer, SLUG, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_lets_through_who_may_and_nobody_else() {
    asks(Program::Nginx).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caddy_lets_through_who_may_and_nobody_else() {
    asks(Program::Caddy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_lets_through_who_may_and_nobody_else() {
    asks(Program::HaProxy).await;
}

async fn asks(program: Program) {
    assert_eq!(SLUG, "northfield-vision", "the examples name it");
    let front = Front::of(program).await;
    passes(&front).await;
    is_refused(&front).await;
    is_decided_by_address(&front).await;
    is_metered(&front, program).await;
    assert!(!front.log().contains("kr_sk_"), "{}", front.log());
}

/// What the service was sent under this name.
fn sent(answer: &Answer, name: &str) -> Vec<String> {
    let said = answer.json();
    let headers = said["headers"].as_array().unwrap().iter().filter(|header| header[0] == name);
    headers.map(|header| header[1].as_str().unwrap().to_owned()).collect()
}

async fn passes(front: &Front) {
    let key = front.desk.key(&["inference"]).await;
    let forged = |request: reqwest::RequestBuilder| {
        // CGI makes the same variable of `-` and `_`.
        let spelled = |name| {
            ["X-Keyrack-", "X_Keyrack_", "x-keyrack_", "x_keyrack-"].map(|begin| format!("{begin}{name}"))
        };
        ["key", "workspace", "scopes", "for-workspace", "permission", "proxy", "status"]
            .into_iter()
            .flat_map(spelled)
            .fold(request, |request, name| request.header(name, "forged"))
            .header("x-original-uri", "/?api-key=forged")
            .header("x-forwarded-uri", "/?api-key=forged")
    };
    let post = front.request(Method::POST, "/predict/7?lang=en").body(vec![b'a'; 2 << 20]);
    for request in [forged(post).header("x-api-key", &key.secret), {
        let get = front.request(Method::GET, "/predict/7?lang=en");
        forged(get).bearer_auth(&key.secret)
    }] {
        let answer = send(request).await;
        assert_eq!(answer.status, 200, "{answer:?} {}", front.log());
        assert_eq!(answer.json()["uri"], "/predict/7?lang=en");
        assert_eq!(sent(&answer, "x-keyrack-key"), [key.id.as_str()]);
        assert_eq!(sent(&answer, "x-keyrack-scopes"), ["inference"]);
        assert!(sent(&answer, "x-keyrack-workspace")[0].starts_with("wsp_"));
        assert!(!answer.text.contains(&key.secret), "the key stays with the proxy: {answer:?}");
        assert!(!answer.text.contains("\"forged\""), "nor does anything pass for what we say: {answer:?}");
    }
    let in_url = send(front.request(Method::GET, &format!("/predict/7?api-key={}", key.secret))).await;
    assert_eq!(in_url.status, 200, "{in_url:?} {}", front.log());
    assert!(!in_url.text.contains(&key.secret), "the key stays with the proxy: {in_url:?}");
    // What the proxy would not find and take out does not pass.
    let escaped = key.secret.replace('_', "%5F");
    for query in [
        format!("api-key={escaped}"),
        format!("api%2Dkey={}", key.secret),
        format!("api-key={0}&api-key={0}", key.secret),
        format!("api-key={0}&%61pi-key={0}", key.secret),
    ] {
        let answer = send(front.request(Method::GET, &format!("/7?a=1&{query}"))).await;
        assert_eq!((answer.status.as_u16(), code(&answer)), (400, json!("unclear_question")), "{query}");
    }
    let among = send(front.request(Method::GET, &format!("/7?a=1&api-key={}&b=2", key.secret))).await;
    assert!(["/7?a=1&b=2", "/7?a=1&&b=2"].contains(&among.json()["uri"].as_str().unwrap()), "{among:?}");
}

async fn is_refused(front: &Front) {
    let anonymous = send(front.request(Method::GET, "/")).await;
    assert_eq!((anonymous.status.as_u16(), code(&anonymous)), (401, json!("missing_key")));
    assert!(anonymous.header("www-authenticate").contains("Bearer"), "{anonymous:?}");
    assert_eq!(anonymous.headers.get_all("www-authenticate").iter().count(), 1, "{anonymous:?}");
    let narrow = front.desk.key(&["keys"]).await;
    let lacks = front.get("/", &narrow.secret).await;
    assert_eq!((lacks.status.as_u16(), code(&lacks)), (403, json!("insufficient_scope")));
    assert!(lacks.header("www-authenticate").contains("insufficient_scope"), "{lacks:?}");
    let told =
        front.desk.get(&format!("/api/v1/requests/{}", lacks.header("x-request-id"))).await.ok().json();
    assert_eq!(
        (&told["code"], &told["permission"]),
        (&json!("insufficient_scope"), &json!("models:predict"))
    );
    let two = front.request(Method::GET, "/").bearer_auth(&narrow.secret).header("x-api-key", "another");
    let two = send(two).await;
    assert_eq!((two.status.as_u16(), code(&two)), (400, json!("ambiguous_key")));
    let key = front.desk.key(&["inference"]).await;
    assert_eq!(front.get("/", &key.secret).await.status, 200);
    front.desk.delete(&key.path()).await.ok();
    let deleted = front.get("/", &key.secret).await;
    assert_eq!((deleted.status.as_u16(), code(&deleted)), (401, json!("deleted_key")));
}

fn code(answer: &Answer) -> Value {
    let problem = answer.json();
    assert_eq!(
        problem["request_id"],
        answer.header("x-request-id"),
        "whoever asks us why needs it: {answer:?}"
    );
    problem["code"].clone()
}

/// The client is on this machine, whatever it says.
async fn is_decided_by_address(front: &Front) {
    for (network, status) in [("127.0.0.0/8", 200), ("198.51.100.0/24", 403)] {
        let restrictions = json!({ "networks": [network] });
        let key = json!({ "name": "near", "scopes": ["inference"], "restrictions": restrictions });
        let key = front.desk.make(key).await;
        let request = front.request(Method::GET, "/").header("x-api-key", &key.secret);
        let answer = send(request.header("x-forwarded-for", "198.51.100.7")).await;
        assert_eq!(answer.status, status, "{network}: {answer:?}");
    }
}

async fn is_metered(front: &Front, program: Program) {
    let restrictions = json!({ "rate": { "requests": 3, "seconds": 3600 } });
    let key = json!({ "name": "seldom", "scopes": ["inference"], "restrictions": restrictions });
    let key = front.desk.make(key).await;
    let asked = front.desk.server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
    let passed = send(asked.header("x-keyrack-for-workspace", SLUG)).await;
    assert_eq!((passed.status.as_u16(), passed.header("ratelimit-policy")), (204, "\"key\";q=3;w=3600"));
    assert!(passed.header("ratelimit").starts_with("\"key\";r=2;t="), "{passed:?}");
    for left in [1, 0] {
        let passed = front.get("/", &key.secret).await;
        assert_eq!(passed.status, 200);
        // The other examples do not hand it on.
        if matches!(program, Program::Nginx) {
            assert!(passed.header("ratelimit").starts_with(&format!("\"key\";r={left};t=")), "{passed:?}");
        }
    }
    let answer = front.get("/", &key.secret).await;
    assert_eq!((answer.status.as_u16(), code(&answer)), (429, json!("rate_limited")));
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0, "{answer:?}");
}
