//! Callers are recorded once and in bounded memory, without any text that could be a secret.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use keyrack_key::{Exposure, Hint, KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{Call, CallGroup, CallerBacklog, CallerLog, Outcome, SanitizedText};
use rand_core::UnwrapErr;

use crate::history::{NOW, later};

const PREDICTED: Outcome = Outcome { permission: Some(Permission::ModelsPredict), denied: None };
/// The capacity of all tables.
const MOST: usize = 8 * 3_584;

/// The workspace of calls that name no other.
static USUAL: OnceLock<WorkspaceId> = OnceLock::new();

fn key() -> KeyId {
    KeyId::new(NOW, &mut UnwrapErr(getrandom::SysRng))
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new(NOW, &mut UnwrapErr(getrandom::SysRng))
}

fn call(key: KeyId, at: Timestamp) -> Call<'static> {
    Call {
        workspace: *USUAL.get_or_init(workspace),
        key,
        hint: Hint::parse("9fQ2").unwrap(),
        at,
        address: Some(IpAddr::from([10, 0, 0, 1])),
        origin: b"",
        agent: b"camera/3",
        exposure: Exposure::None,
        outcome: PREDICTED,
    }
}

/// Drains the callers and merges the groups of one caller.
fn told(callers: &CallerLog) -> Vec<CallGroup> {
    let mut all: Vec<CallGroup> = Vec::new();
    for calls in callers.drain() {
        match all.iter_mut().find(|other| other.is_like(&calls)) {
            Some(other) => other.add(&calls),
            None => all.push(calls),
        }
    }
    all
}

#[test]
fn calls_of_one_caller_are_drained_together() {
    let (callers, key) = (CallerLog::new(), key());
    for second in [3, 1, 2] {
        callers.record(&call(key, later(second)));
    }
    let [one] = told(&callers).try_into().unwrap();
    assert_eq!((one.key, one.count, one.first, one.last), (key, 3, later(1), later(3)));
    assert_eq!((one.agent.as_str(), one.outcome), ("camera/3", PREDICTED));
    assert!(callers.drain().is_empty());
}

#[test]
fn any_different_field_makes_another_caller() {
    let (callers, key) = (CallerLog::new(), key());
    let one = call(key, NOW);
    let denied = Outcome { denied: Some("rate_limited"), ..PREDICTED };
    let all = [
        one,
        Call { key: self::key(), ..one },
        Call { hint: Hint::parse("Z7pe").unwrap(), ..one },
        Call { address: None, ..one },
        Call { origin: b"https://shop.example", ..one },
        Call { agent: b"curl/8", ..one },
        Call { exposure: Exposure::Browser, ..one },
        Call { outcome: denied, ..one },
    ];
    all.iter().for_each(|one| callers.record(one));
    assert_eq!(told(&callers).len(), all.len());
}

/// Calls of `number` different keys of one workspace.
fn crowd(of: WorkspaceId, number: usize) -> Vec<Call<'static>> {
    (0..number).map(|_| Call { workspace: of, ..call(key(), NOW) }).collect()
}

#[test]
fn callers_over_capacity_are_counted_as_dropped() {
    let callers = CallerLog::new();
    let everybody = crowd(workspace(), MOST);
    everybody.iter().for_each(|one| callers.record(one));
    let kept = MOST / 2;
    // By chance some tables get more calls than others.
    assert!((kept * 98 / 100..=kept).contains(&(MOST - usize::try_from(callers.dropped()).unwrap())));
    let dropped = callers.dropped();
    // A caller that is already in a table is still counted.
    let noted = callers.drain();
    assert_eq!(noted.len() as u64 + dropped, MOST as u64);
    let again = call(noted[0].key, NOW);
    callers.record(&again);
    callers.record(&again);
    let [one] = told(&callers).try_into().unwrap();
    assert_eq!((one.count, callers.dropped()), (2, dropped));
}

#[test]
fn flooding_workspaces_leave_room_for_others() {
    let callers = CallerLog::new();
    // Three workspaces at their worst: many keys, one key from many addresses, and both.
    let [first, second, third] = [workspace(), workspace(), workspace()];
    crowd(first, MOST).iter().for_each(|one| callers.record(one));
    let flooded = key();
    for number in 0..u32::try_from(MOST).unwrap() {
        let address = Some(IpAddr::from(number.to_be_bytes()));
        callers.record(&Call { workspace: second, address, ..call(flooded, NOW) });
    }
    crowd(third, MOST).iter().for_each(|one| callers.record(one));
    let own = workspace();
    let quiet = crowd(own, 800);
    quiet.iter().for_each(|one| callers.record(one));
    let own: HashSet<_> =
        callers.drain().iter().filter(|calls| calls.workspace == own).map(|calls| calls.key).collect();
    assert_eq!(own.len(), quiet.len());
}

#[test]
fn flooded_key_leaves_room_for_other_keys() {
    let (callers, flooded) = (CallerLog::new(), key());
    for number in 0..u32::try_from(MOST).unwrap() {
        callers.record(&Call { address: Some(IpAddr::from(number.to_be_bytes())), ..call(flooded, NOW) });
    }
    let others = crowd(call(flooded, NOW).workspace, 2_000);
    others.iter().for_each(|one| callers.record(one));
    let noted: HashSet<_> =
        callers.drain().iter().map(|calls| calls.key).filter(|key| *key != flooded).collect();
    assert_eq!(noted.len(), others.len());
}

#[test]
fn caller_backlog_limits_workspace_to_share() {
    let (mut backlog, own) = (CallerBacklog::default(), workspace());
    let flood = crowd(workspace(), 60_000);
    let lost = backlog.add(flood.iter().map(CallGroup::one));
    assert!((31_000..32_000).contains(&lost), "a workspace has half of the room: {lost}");
    let quiet = crowd(own, 5_000);
    assert_eq!(backlog.add(quiet.iter().chain(&quiet).map(CallGroup::one)), 0);
    let taken: Vec<_> =
        std::iter::from_fn(|| Some(backlog.take(999)).filter(|some| !some.is_empty())).flatten().collect();
    assert!(taken.is_sorted_by_key(|calls| calls.key) && backlog.is_empty());
    let of_own = taken.iter().filter(|calls| calls.workspace == own).map(|calls| calls.count);
    assert_eq!((of_own.clone().count(), of_own.max()), (quiet.len(), Some(2)));
}

#[test]
fn concurrent_calls_and_drains_lose_nothing() {
    let (callers, key) = (Arc::new(CallerLog::new()), key());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let callers = Arc::clone(&callers);
            std::thread::spawn(move || (0..10_000).for_each(|_| callers.record(&call(key, NOW))))
        })
        .collect();
    let mut number = 0;
    while threads.iter().any(|thread| !thread.is_finished()) {
        number += callers.drain().iter().map(|one| u64::from(one.count)).sum::<u64>();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    number += callers.drain().iter().map(|one| u64::from(one.count)).sum::<u64>();
    assert_eq!(number + callers.dropped(), 40_000);
}

#[test]
fn recording_call_allocates_nothing() {
    let callers = CallerLog::new();
    let keys: Vec<_> = (0..500).map(|_| key()).collect();
    let note_all = || keys.iter().for_each(|key| callers.record(&call(*key, NOW)));
    note_all();
    callers.drain();
    assert_eq!(allocation_counter::measure(note_all).count_total, 0);
}

#[test]
fn possible_secret_is_removed_from_text() {
    let words = |text: &str| SanitizedText::<96>::new(text.as_bytes()).as_str().to_owned();
    let secret = "kr_sk_7hQzV2mXc81LpTrB0aNeKdYw5uJf3GsR9qEXMP";
    assert_eq!(words(&format!("https://x.example/{secret}/y")), "https://x.example/kr_sk_~/y");
    assert_eq!(words(&secret[6..]), "~");
    assert_eq!(words("Mozilla/5.0 (X11; Linux x86_64)\u{7f}\n"), "Mozilla/5.0 (X11; Linux x86_64)");
    // The end cuts the secret off.
    let late = format!("{}{secret}", "-".repeat(80));
    assert_eq!(words(&late), format!("{}kr_sk_", "-".repeat(80)));
    assert_eq!(words(&"- ".repeat(60)), "- ".repeat(48));
}
