//! Denied requests are found by ID in their workspace, and limited in number.

use keyrack_key::{KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_store::{DENIALS_PER_HOUR_MAX, DeniedRequest};

use crate::{NOW, later, rng, world};

fn denied_request(key: KeyId, number: usize, at: Timestamp) -> DeniedRequest {
    DeniedRequest {
        request: format!("req_{number:024x}"),
        key,
        at,
        code: "network_not_allowed".to_owned(),
        permission: Some(Permission::ModelsPredict),
        address: Some([203, 0, 113, 9].into()),
        origin: None,
        agent: "curl/8".to_owned(),
        method: "POST".to_owned(),
        route: "/api/v1/predict/classify/{model_id}".to_owned(),
    }
}

#[tokio::test]
async fn denied_request_is_found_by_id_in_its_workspace_only() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let one = denied_request(key, 1, NOW);
    let unknown_key = denied_request(KeyId::new(NOW, &mut rng()), 2, NOW);
    world.store.store_denied_requests(&[one.clone(), unknown_key.clone()]).await.unwrap();
    // Storing the request again changes nothing.
    world
        .store
        .store_denied_requests(&[DeniedRequest { agent: "other".into(), ..one.clone() }])
        .await
        .unwrap();
    assert_eq!(world.store.denied_request(world.workspace, &one.request).await.unwrap(), Some(one.clone()));
    assert_eq!(world.store.denied_request(world.workspace, &unknown_key.request).await.unwrap(), None);
    let stranger = WorkspaceId::new(NOW, &mut rng());
    assert_eq!(world.store.denied_request(stranger, &one.request).await.unwrap(), None);
    assert_eq!(world.store.denied_requests(world.workspace, key, 10).await.unwrap(), [one]);
    assert!(world.store.denied_requests(stranger, key, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn latest_denials_of_an_hour_are_kept() {
    let world = world().await;
    let (key, other) = (world.key("CI").await.id, world.key("other").await.id);
    let at = |number: usize| later(u64::try_from(number).unwrap());
    let all: Vec<_> = (0..400).map(|number| denied_request(key, number, at(number))).collect();
    world.store.store_denied_requests(&[denied_request(other, 5_000, NOW)]).await.unwrap();
    for some in all.chunks(130) {
        world.store.store_denied_requests(some).await.unwrap();
    }
    let kept = world.store.denied_requests(world.workspace, key, 10_000).await.unwrap();
    let last: Vec<_> = all.iter().rev().take(DENIALS_PER_HOUR_MAX).cloned().collect();
    assert_eq!(kept, last);
    // Each hour has its own limit.
    world.store.store_denied_requests(&[denied_request(key, 9_999, later(7_200))]).await.unwrap();
    let kept = world.store.denied_requests(world.workspace, key, 10_000).await.unwrap();
    assert_eq!(kept.len(), DENIALS_PER_HOUR_MAX + 1);
    assert_eq!(world.store.denied_requests(world.workspace, other, 10).await.unwrap().len(), 1);
}
