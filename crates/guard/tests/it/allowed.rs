//! Which requests are allowed, and which caller the service gets.

use std::sync::Arc;

use keyrack_guard::GuardLayer;
use keyrack_key::{Permission, Scope, SecretState};

use super::{AFTER, Fixture};

#[tokio::test]
async fn allowed_key_reaches_service_from_every_location() {
    let mut fixture = Fixture::new();
    let key = fixture.key(&[Scope::Inference], |_| {});
    let bearer = format!("Bearer {key}");
    for (uri, headers) in [
        ("/".to_owned(), vec![("authorization", bearer.as_str())]),
        ("/".to_owned(), vec![("X-API-KEY", key.as_str())]),
        ("/".to_owned(), vec![("authorization", bearer.as_str()), ("x-api-key", &key)]),
        // A key with Inference may be public, so it is allowed in a URL.
        (format!("/?api-key={key}"), vec![]),
    ] {
        let answer = fixture.send(&uri, &headers).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["caller"], fixture.last());
    }
}

#[tokio::test]
async fn retiring_secret_is_allowed_until_it_retires() {
    let mut fixture = Fixture::new();
    let retiring = fixture.key(&[Scope::Inference], |key| key.secrets[0].1 = SecretState::Retiring(AFTER));
    assert_eq!(fixture.send("/", &[("x-api-key", &retiring)]).await.status, 200);
}

#[tokio::test]
async fn optional_guard_allows_request_without_key() {
    let mut fixture = Fixture::new();
    let key = fixture.key(&[Scope::Keys], |_| {});
    let layer = || GuardLayer::new(Arc::clone(&fixture.guard), Permission::ModelsPredict).or_without_key();
    let nobody = fixture.send_through(layer(), "/", &[]).await;
    assert_eq!((nobody.status.as_u16(), &nobody.body["caller"]), (200, &serde_json::Value::Null));
    for (sent, status) in [("nonsense", 401), (key.as_str(), 403)] {
        assert_eq!(fixture.send_through(layer(), "/", &[("x-api-key", sent)]).await.status, status);
    }
}

#[tokio::test]
async fn any_key_guard_allows_every_valid_key() {
    let mut fixture = Fixture::new();
    let key = fixture.key(&[Scope::Keys], |_| {});
    let layer = || GuardLayer::any_key(Arc::clone(&fixture.guard));
    assert_eq!(fixture.send_through(layer(), "/", &[("x-api-key", &key)]).await.status, 200);
    assert_eq!(fixture.send_through(layer(), "/", &[]).await.status, 401);
}
