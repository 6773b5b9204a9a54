//! Where a secret was seen is remembered with its uses, however the request ended.

use keyrack_key::{Class, Exposure, Scope};
use keyrack_rack::Seen;

use super::World;

fn seen(world: &World) -> Vec<(Exposure, String)> {
    let used = world.rack.drain_uses();
    let all = used.iter().flat_map(|used| &used.seen);
    all.map(|Seen { exposure, origin, .. }| (*exposure, origin.as_str().to_owned())).collect()
}

#[tokio::test]
async fn secret_from_page_or_url_is_recorded_as_exposed() {
    let mut world = World::new();
    let secret = world.key(&[Scope::Project], |_| {});
    let page = [
        ("x-api-key", secret.as_str()),
        ("origin", "https://shop.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(world.ask("/", &page).await.body["code"], "key_in_browser");
    assert_eq!(world.ask(&format!("/?api-key={secret}"), &[]).await.body["code"], "key_in_query");
    let expected = [(Exposure::Url, String::new()), (Exposure::Browser, "https://shop.example".to_owned())];
    assert_eq!(seen(&world), expected);
    assert_eq!(world.ask("/", &[("x-api-key", &secret)]).await.status, 200);
    assert!(seen(&world).is_empty(), "a program on a server is not seen");
}

#[tokio::test]
async fn publishable_key_is_not_recorded_as_exposed() {
    let mut world = World::new();
    let secret = world.key(&[Scope::Inference], |key| key.class = Class::Publishable);
    world.ask("/", &[("x-api-key", &secret), ("origin", "https://shop.example")]).await;
    assert!(seen(&world).is_empty());
}
