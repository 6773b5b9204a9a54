//! Who calls with a key: within bounds, and never lost.

use std::net::IpAddr;

use keyrack_key::{Exposure, Hint, KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{Call, Calls, Outcome};
use keyrack_store::{CallerRow, Whence};

use crate::{NOW, World, later, rng, world};

const PREDICTED: Outcome = Outcome { permission: Some(Permission::ModelsPredict), refused: None };
const TOO_OFTEN: Outcome =
    Outcome { permission: Some(Permission::ModelsPredict), refused: Some("rate_limited") };

fn hint(text: &str) -> Hint {
    Hint::parse(text).unwrap()
}

fn calls(key: KeyId, address: [u8; 4], agent: &str, outcome: Outcome, at: Timestamp, number: u32) -> Calls {
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
    Calls { number, ..Calls::one(&call) }
}

async fn all(world: &World, key: KeyId) -> Vec<CallerRow> {
    world.store.callers(world.workspace, key, NOW, None, 10_000).await.unwrap().items
}

#[tokio::test]
async fn the_calls_of_a_caller_add_up_and_late_news_change_no_later_ones() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let camera = |outcome, at, number| calls(key, [10, 0, 0, 9], "camera", outcome, at, number);
    let stranger = KeyId::new(NOW, &mut rng());
    let together = [camera(PREDICTED, later(9), 3), calls(stranger, [1; 4], "ghost", PREDICTED, NOW, 1)];
    world.store.note_callers(&together, later(9)).await.unwrap();
    world
        .store
        .note_callers(&[camera(TOO_OFTEN, later(5), 2), camera(PREDICTED, later(1), 4)], later(9))
        .await
        .unwrap();
    let [one] = all(&world, key).await.try_into().unwrap();
    assert_eq!((one.allowed, one.refusals, one.first, one.last), (7, 2, later(1), later(9)));
    assert_eq!((one.refused.as_deref(), one.permission), (Some("rate_limited"), PREDICTED.permission));
    assert_eq!(
        (one.whence, one.agent.as_str(), one.hint),
        (Whence::Address(Some([10, 0, 0, 9].into())), "camera", hint("9fQ2"))
    );
    let of_another = WorkspaceId::new(NOW, &mut rng());
    assert!(world.store.callers(of_another, key, NOW, None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_caller_of_tomorrow_is_one_of_now() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let ahead = calls(key, [10, 0, 0, 9], "camera", PREDICTED, later(1_000_000), 1);
    world.store.note_callers(&[ahead], NOW).await.unwrap();
    assert_eq!(all(&world, key).await[0].last, NOW);
}

#[tokio::test]
async fn a_caller_of_before_the_key_is_one_of_its_creation_and_one_that_lies_ahead_gives_way() {
    let world = world().await;
    let key = world.key("CI").await;
    let camera = |at| calls(key.id, [10, 0, 0, 9], "camera", PREDICTED, at, 1);
    world.store.note_callers(&[camera(Timestamp::from_micros(0))], later(1)).await.unwrap();
    let [one] = all(&world, key.id).await.try_into().unwrap();
    assert_eq!((one.first, one.last), (key.created_at, key.created_at));
    world.console().execute("UPDATE key_callers SET last_at = 253086595200000000", []).unwrap();
    let refused = Calls { outcome: TOO_OFTEN, ..camera(later(2)) };
    world.store.note_callers(&[refused], later(2)).await.unwrap();
    let [one] = all(&world, key.id).await.try_into().unwrap();
    assert_eq!((one.last, one.refused.as_deref()), (later(2), Some("rate_limited")));
}

#[tokio::test]
async fn a_key_that_everybody_calls_with_keeps_200_and_counts_the_rest() {
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
        world.store.note_callers(some, later(500)).await.unwrap();
    }
    let all = all(&world, key).await;
    let of = |kind: fn(&Whence) -> bool| all.iter().filter(|one| kind(&one.whence)).count();
    let (exact, networks) =
        (of(|one| matches!(one, Whence::Address(_))), of(|one| matches!(one, Whence::Network(_))));
    assert_eq!((exact, networks, of(|one| *one == Whence::Rest)), (100, 100, 1));
    assert_eq!(all.iter().map(|one| one.allowed).sum::<u64>(), 500, "nobody is lost");
    // Whoever is known stays known.
    world.store.note_callers(&everybody[..1], later(501)).await.unwrap();
    let again = self::all(&world, key).await;
    assert_eq!(again.iter().map(|one| one.allowed).max(), all.iter().map(|one| one.allowed).max());
    assert!(
        again
            .iter()
            .any(|one| one.whence == Whence::Address(Some([198, 0, 0, 0].into())) && one.allowed == 2)
    );
}

#[tokio::test]
async fn pages_hold_every_caller_once_the_last_to_call_first() {
    let world = world().await;
    let key = world.key("CI").await.id;
    // Two and two at the same moment.
    let some: Vec<_> = (0..9_u8)
        .map(|number| calls(key, [10, 0, 0, number], "a", PREDICTED, later(u64::from(number / 2)), 1))
        .collect();
    world.store.note_callers(&some, later(100)).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world.store.callers(world.workspace, key, NOW, after, 4).await.unwrap();
        seen.extend(page.items);
        match page.next {
            // As it stands in an address.
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
async fn who_still_calls_with_an_old_secret_is_told_apart_from_the_new() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let old = |address, outcome, at| calls(key, address, "camera", outcome, at, 1);
    let new = Calls { hint: hint("Z7pe"), ..old([10, 0, 0, 9], PREDICTED, later(90)) };
    let some = [
        old([10, 0, 0, 9], PREDICTED, later(5)),
        old([10, 0, 0, 8], PREDICTED, later(7)),
        old([10, 0, 0, 7], TOO_OFTEN, later(8)),
        new,
    ];
    world.store.note_callers(&some, later(100)).await.unwrap();
    let used = world.store.secret_use(world.workspace, key, hint("9fQ2")).await.unwrap().unwrap();
    assert_eq!((used.callers, used.last.last), (2, later(7)), "whoever is refused does not need it");
    assert!(world.store.secret_use(world.workspace, key, hint("none")).await.unwrap().is_none());
}

#[tokio::test]
async fn what_callers_were_let_through_for_is_told_by_permission() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let trained = Outcome { permission: Some(Permission::ModelsTrain), refused: None };
    let some = [
        calls(key, [10, 0, 0, 9], "a", PREDICTED, NOW, 3),
        calls(key, [10, 0, 0, 9], "a", trained, NOW, 2),
        calls(key, [10, 0, 0, 9], "a", TOO_OFTEN, NOW, 7),
        calls(key, [10, 0, 0, 9], "a", PREDICTED, later(86_400), 1),
    ];
    world.store.note_callers(&some, later(86_400)).await.unwrap();
    let uses = async |since| {
        let mut uses: Vec<_> = world.store.caller_uses(world.workspace, key, since).await.unwrap();
        uses.sort_by_key(|one| one.permission);
        uses.iter().map(|one| (one.permission, one.allowed)).collect::<Vec<_>>()
    };
    assert_eq!(uses(NOW).await, [(trained.permission, 2), (PREDICTED.permission, 4)]);
    assert_eq!(uses(later(86_400)).await, [(PREDICTED.permission, 1)]);
}
