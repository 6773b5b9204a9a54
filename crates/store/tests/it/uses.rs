//! When keys were last used.

use keyrack_key::{KeyId, Permission};
use keyrack_rack::LastUse;

use crate::{NOW, later, rng, world};

#[tokio::test]
async fn the_newest_use_stays_and_vanished_keys_are_passed_over() {
    let world = world().await;
    let key = world.key("CI").await;
    let used = |at, agent: &str| {
        LastUse::new(at, Some([10, 0, 0, 9].into()), Some(Permission::ModelsPredict), agent.as_bytes())
    };
    let stranger = KeyId::new(NOW, &mut rng());
    world.store.note_uses(&[]).await.unwrap();
    world
        .store
        .note_uses(&[(stranger, used(NOW, "ghost")), (key.id, used(later(2), "curl/8"))])
        .await
        .unwrap();
    world.store.note_uses(&[(key.id, used(later(1), "late"))]).await.unwrap();
    let read = world.store.key(world.workspace, key.id).await.unwrap().unwrap();
    let last = read.last_use.unwrap();
    assert_eq!((last.at, last.agent()), (later(2), "curl/8"));
    assert_eq!(
        (last.address, last.permission),
        (Some([10, 0, 0, 9].into()), Some(Permission::ModelsPredict))
    );
    assert_eq!(read.revision, key.revision, "a use is no change");
}
