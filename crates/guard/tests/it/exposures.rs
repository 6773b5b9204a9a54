//! Exposures of secrets are recorded, whether the request is allowed or denied.

use keyrack_key::{Class, Exposure, Scope};
use keyrack_rack::SecretExposure;

use super::Fixture;

fn seen(fixture: &Fixture) -> Vec<(Exposure, String)> {
    let used = fixture.rack.drain_usage();
    let all = used.iter().flat_map(|used| &used.exposures);
    all.map(|SecretExposure { exposure, origin, .. }| (*exposure, origin.as_str().to_owned())).collect()
}

#[tokio::test]
async fn secret_from_page_or_url_is_recorded_as_exposed() {
    let mut fixture = Fixture::new();
    let secret = fixture.key(&[Scope::Project], |_| {});
    let page = [
        ("x-api-key", secret.as_str()),
        ("origin", "https://shop.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(fixture.send("/", &page).await.body["code"], "key_in_browser");
    assert_eq!(fixture.send(&format!("/?api-key={secret}"), &[]).await.body["code"], "key_in_query");
    let expected = [(Exposure::Url, String::new()), (Exposure::Browser, "https://shop.example".to_owned())];
    assert_eq!(seen(&fixture), expected);
    assert_eq!(fixture.send("/", &[("x-api-key", &secret)]).await.status, 200);
    assert!(seen(&fixture).is_empty(), "a program on a server is not seen");
}

#[tokio::test]
async fn publishable_key_is_not_recorded_as_exposed() {
    let mut fixture = Fixture::new();
    let secret = fixture.key(&[Scope::Inference], |key| key.class = Class::Publishable);
    fixture.send("/", &[("x-api-key", &secret), ("origin", "https://shop.example")]).await;
    assert!(seen(&fixture).is_empty());
}
