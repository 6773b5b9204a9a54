//! Callers of keys are limited in number and always counted.

use std::net::IpAddr;

use keyrack_key::{Exposure, Hint, KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{Call, CallGroup, Outcome};
use keyrack_store::{CallerRow, CallerSource};

use crate::{NOW, World, later, rng, world};

const PREDICTED: Outcome = Outcome { permission: Some(Permission::ModelsPredict), denied: None };
const TOO_OFTEN: Outcome =
    Outcome { permission: Some(Permission::ModelsPredict), denied: Some("rate_limited") };

fn hint(text: &str) -> Hint {
    Hint::parse(text).unwrap()
}

fn calls(
    key: KeyId,
    address: [u8; 4],
    agent: &str,
    outcome: Outcome,
    at: Timestamp,
    number: u32,
) -> CallGroup {
    let call = Call {
        workspace: WorkspaceId::new(NOW, &mut rng()),
        key,
        hint: hint("9fQ2"),
        at,
        address: Some(IpAddr::from(address)),
        origin: b"",
        agent: agent.as_bytes(),
        exposure: Exposure::None,
        outcome,
    };
    CallGroup { count: number, ..CallGroup::one(&call) }
}

async fn all(world: &World, key: KeyId) -> Vec<CallerRow> {
    world.store.callers(world.workspace, key, NOW, None, 10_000).await.unwrap().items
}

#[tokio::test]
async fn calls_add_up_and_late_reports_do_not_overwrite_later_ones() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let camera = |outcome, at, number| calls(key, [10, 0, 0, 9], "camera", outcome, at, number);
    let stranger = KeyId::new(NOW, &mut rng());
    let together = [camera(PREDICTED, later(9), 3), calls(stranger, [1; 4], "ghost", PREDICTED, NOW, 1)];
    world.store.store_callers(&together, later(9)).await.unwrap();
    world
        .store
        .store_callers(&[camera(TOO_OFTEN, later(5), 2), camera(PREDICTED, later(1), 4)], later(9))
        .await
        .unwrap();
    let [one] = all(&world, key).await.try_into().unwrap();
    assert_eq!((one.allowed, one.denied, one.first, one.last), (7, 2, later(1), later(9)));
    assert_eq!((one.last_denial.as_deref(), one.permission), (Some("rate_limited"), PREDICTED.permission));
    assert_eq!(
        (one.source, one.agent.as_str(), one.hint),
        (CallerSource::Address(Some([10, 0, 0, 9].into())), "camera", hint("9fQ2"))
    );
    let of_another = WorkspaceId::new(NOW, &mut rng());
    assert!(world.store.callers(of_another, key, NOW, None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn caller_time_in_the_future_is_clamped_to_now() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let ahead = calls(key, [10, 0, 0, 9], "camera", PREDICTED, later(1_000_000), 1);
    world.store.store_callers(&[ahead], NOW).await.unwrap();
    assert_eq!(all(&world, key).await[0].last, NOW);
}

#[tokio::test]
async fn caller_time_before_the_key_is_clamped_and_future_time_is_replaced() {
    let world = world().await;
    let key = world.key("CI").await;
    let camera = |at| calls(key.id, [10, 0, 0, 9], "camera", PREDICTED, at, 1);
    world.store.store_callers(&[camera(Timestamp::from_micros(0))], later(1)).await.unwrap();
    let [one] = all(&world, key.id).await.try_into().unwrap();
    assert_eq!((one.first, one.last), (key.created_at, key.created_at));
    world.console().execute("UPDATE key_callers SET last_at = 253086595200000000", []).unwrap();
    let denied = CallGroup { outcome: TOO_OFTEN, ..camera(later(2)) };
    world.store.store_callers(&[denied], later(2)).await.unwrap();
    let [one] = all(&world, key.id).await.try_into().unwrap();
    assert_eq!((one.last, one.last_denial.as_deref()), (later(2), Some("rate_limited")));
}

#[tokio::test]
async fn popular_key_stores_200_callers_and_counts_the_rest() {
    let world = world().await;
    let key = world.key("on a page").await.id;
    // 250 networks with two addresses each.
    let everybody: Vec<_> = (0..500_u32)
        .map(|number| {
            let [.., high, low] = number.to_be_bytes();
            calls(key, [198, high, low / 2, low], "phone", PREDICTED, later(u64::from(number)), 1)
        })
        .collect();
    for some in everybody.chunks(50) {
        world.store.store_callers(some, later(500)).await.unwrap();
    }
    let all = all(&world, key).await;
    let of = |kind: fn(&CallerSource) -> bool| all.iter().filter(|one| kind(&one.source)).count();
    let (exact, networks) = (
        of(|one| matches!(one, CallerSource::Address(_))),
        of(|one| matches!(one, CallerSource::Network(_))),
    );
    assert_eq!((exact, networks, of(|one| *one == CallerSource::Others)), (100, 100, 1));
    assert_eq!(all.iter().map(|one| one.allowed).sum::<u64>(), 500, "every call is counted");
    // A known caller stays known.
    world.store.store_callers(&everybody[..1], later(501)).await.unwrap();
    let again = self::all(&world, key).await;
    assert_eq!(again.iter().map(|one| one.allowed).max(), all.iter().map(|one| one.allowed).max());
    assert!(
        again
            .iter()
            .any(|one| one.source == CallerSource::Address(Some([198, 0, 0, 0].into())) && one.allowed == 2)
    );
}

#[tokio::test]
async fn pages_of_callers_are_complete_and_latest_first() {
    let world = world().await;
    let key = world.key("CI").await.id;
    // Pairs of callers with the same time.
    let some: Vec<_> = (0..9_u8)
        .map(|number| calls(key, [10, 0, 0, number], "a", PREDICTED, later(u64::from(number / 2)), 1))
        .collect();
    world.store.store_callers(&some, later(100)).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world.store.callers(world.workspace, key, NOW, after, 4).await.unwrap();
        seen.extend(page.items);
        match page.next {
            // As in a URL.
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert!(seen.is_sorted_by_key(|one| std::cmp::Reverse((one.last, one.id))));
    let mut ids: Vec<_> = seen.iter().map(|one| one.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((seen.len(), ids.len()), (9, 9));
    for wrong in ["", "1", ".", "1.x", "x.1", "99999999999999999999.1"] {
        assert!(wrong.parse::<keyrack_store::CallerCursor>().is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn callers_of_old_and_new_secret_are_distinguished() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let old = |address, outcome, at| calls(key, address, "camera", outcome, at, 1);
    let new = CallGroup { hint: hint("Z7pe"), ..old([10, 0, 0, 9], PREDICTED, later(90)) };
    let some = [
        old([10, 0, 0, 9], PREDICTED, later(5)),
        old([10, 0, 0, 8], PREDICTED, later(7)),
        old([10, 0, 0, 7], TOO_OFTEN, later(8)),
        new,
    ];
    world.store.store_callers(&some, later(100)).await.unwrap();
    let used = world.store.secret_usage(world.workspace, key, hint("9fQ2")).await.unwrap().unwrap();
    assert_eq!((used.callers, used.last.last), (2, later(7)), "denied callers are not counted");
    assert!(world.store.secret_usage(world.workspace, key, hint("none")).await.unwrap().is_none());
}

#[tokio::test]
async fn allowed_calls_are_reported_by_permission() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let trained = Outcome { permission: Some(Permission::ModelsTrain), denied: None };
    let some = [
        calls(key, [10, 0, 0, 9], "a", PREDICTED, NOW, 3),
        calls(key, [10, 0, 0, 9], "a", trained, NOW, 2),
        calls(key, [10, 0, 0, 9], "a", TOO_OFTEN, NOW, 7),
        calls(key, [10, 0, 0, 9], "a", PREDICTED, later(86_400), 1),
    ];
    world.store.store_callers(&some, later(86_400)).await.unwrap();
    let uses = async |since| {
        let mut uses: Vec<_> = world.store.caller_usage(world.workspace, key, since).await.unwrap();
        uses.sort_by_key(|one| one.permission);
        uses.iter().map(|one| (one.permission, one.allowed)).collect::<Vec<_>>()
    };
    assert_eq!(uses(NOW).await, [(trained.permission, 2), (PREDICTED.permission, 4)]);
    assert_eq!(uses(later(86_400)).await, [(PREDICTED.permission, 1)]);
}
