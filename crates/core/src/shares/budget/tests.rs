use proptest::prelude::*;

use super::super::tests::claimants;
use super::*;

/// Takes one unit after another until the budget denies the next.
fn hoard(budget: &Budget, claimant: Claimant) -> (Vec<Share>, Holder) {
    let mut held = Vec::new();
    loop {
        match budget.take(claimant, 1) {
            Ok(share) => held.push(share),
            Err(exhausted) => return (held, exhausted.holder),
        }
    }
}

#[test]
fn single_key_gets_half_and_single_workspace_three_quarters() {
    let (budget, claimants) = (Budget::new("seats", 1_000), claimants(1, 9));
    let (first, holder) = hoard(&budget, claimants[0][0]);
    assert_eq!((first.len(), holder), (500, Holder::Key));
    let rest: Vec<_> = claimants[0][1..].iter().map(|key| hoard(&budget, *key)).collect();
    assert_eq!(first.len() + rest.iter().map(|(held, _)| held.len()).sum::<usize>(), 750);
    assert_eq!(rest[7].1, Holder::Workspace);
}

#[test]
fn greedy_workspace_leaves_others_their_share() {
    let (budget, claimants) = (Budget::new("seats", 1_000), claimants(5, 4));
    let mut left = 1_000;
    let mut all = Vec::new();
    for workspace in &claimants {
        let held: Vec<_> = workspace.iter().flat_map(|key| hoard(&budget, *key).0).collect();
        assert!(held.len() >= left / 2, "{} of {left}", held.len());
        left -= held.len();
        all.push(held);
    }
    assert!(left > 0);
}

#[test]
fn each_tenant_without_a_slot_gets_one() {
    let (budget, claimants) = (Budget::new("slots", 4), claimants(4, 1));
    let held: Vec<_> = claimants.iter().map(|workspace| budget.take(workspace[0], 1).unwrap()).collect();
    assert_eq!(budget.take(claimants[0][0], 1).unwrap_err().holder, Holder::AllClaimants);
    drop(held);
    let (held, _) = hoard(&budget, claimants[0][0]);
    assert_eq!(held.len(), 2);
}

#[test]
fn denied_share_changes_nothing_and_dropped_share_is_free() {
    let (budget, claimants) = (Budget::new("bytes", 80), claimants(2, 1));
    let mut share = budget.take(claimants[0][0], 30).unwrap();
    assert_eq!(share.grow(11).unwrap_err().holder, Holder::Key);
    assert_eq!(budget.in_use(), 30);
    share.grow(10).unwrap();
    assert_eq!(budget.take(claimants[1][0], 41).unwrap_err().holder, Holder::AllClaimants);
    drop(share);
    assert_eq!(budget.in_use(), 0);
    assert!(budget.0.ledger.lock().by_claimant.is_empty());
    assert!(budget.0.ledger.lock().by_tenant.is_empty());
}

#[test]
fn existing_shares_can_grow_after_others_arrive() {
    let (budget, claimants) = (Budget::new("bytes", 1_000), claimants(2, 2));
    let mut first = budget.take(claimants[0][0], 400).unwrap();
    let mut second = budget.take(claimants[0][1], 200).unwrap();
    let _other = budget.take(claimants[1][0], 200).unwrap();
    // The claimants get no new share, but their shares can grow up to the limit of a single claimant.
    assert_eq!(budget.take(claimants[0][0], 1).unwrap_err().holder, Holder::Key);
    first.grow(100).unwrap();
    assert_eq!(first.grow(1).unwrap_err().holder, Holder::Key);
    second.grow(50).unwrap();
    assert_eq!(second.grow(1).unwrap_err().holder, Holder::Workspace);
}

#[test]
fn new_tenant_gets_free_units_up_to_its_share() {
    let (budget, claimants) = (Budget::new("bytes", 200), claimants(3, 2));
    let first = budget.take(claimants[0][0], 100).unwrap();
    // The budget denies another key of the same workspace, but not another workspace.
    assert_eq!(budget.take(claimants[0][1], 60).unwrap_err().holder, Holder::Workspace);
    let second = budget.take(claimants[1][0], 60).unwrap();
    assert_eq!(budget.take(claimants[1][0], 10).unwrap_err().holder, Holder::Key);
    assert_eq!(budget.take(claimants[2][0], 41).unwrap_err().holder, Holder::AllClaimants);
    assert!(budget.take(claimants[2][0], 40).is_ok());
    drop((first, second));
    assert_eq!(budget.in_use(), 0);
}

#[test]
fn last_units_are_reserved_for_new_tenants() {
    let (budget, claimants) = (Budget::with_minimum("nodes", 100, 20), claimants(50, 3));
    // Ten workspaces take as much as they can.
    let greedy: Vec<_> =
        claimants[..10].iter().map(|keys| keys.iter().map(|key| hoard(&budget, *key).0)).collect();
    let greedy: Vec<_> = greedy.into_iter().flatten().collect();
    assert!(greedy[0].len() == 40 && budget.in_use() <= 85, "{}", budget.in_use());
    assert_eq!(budget.take(claimants[0][0], 1).unwrap_err().holder, Holder::AllClaimants);
    // Each of the other workspaces gets one unit, and no more.
    let others: Vec<_> = claimants[10..25].iter().map(|keys| budget.take(keys[0], 1).unwrap()).collect();
    for keys in &claimants[10..25] {
        assert!(keys.iter().all(|key| budget.take(*key, 1).is_err()));
    }
    drop((greedy, others));
    assert_eq!(budget.in_use(), 0);
}

proptest! {
    /// For any sequence of takes and releases, no growing share exceeds its limit, and the units held
    /// equal the units taken.
    #[test]
    fn share_limits_hold_after_any_steps(
        capacity in 1usize..400,
        steps in prop::collection::vec((0usize..4, 0usize..3, 1usize..60, 0u8..3), 1..300),
    ) {
        let (budget, claimants) = (Budget::new("units", capacity), claimants(4, 3));
        let mut held: Vec<(usize, usize, Share)> = Vec::new();
        for (workspace, key, units, action) in steps {
            let place = units % held.len().max(1);
            let is_new = action == 0 || held.is_empty();
            let is_first_of_workspace = held.iter().all(|one| one.0 != workspace);
            let is_first_of_key = held.iter().all(|one| (one.0, one.1) != (workspace, key));
            let (workspace, key) = match action {
                _ if is_new => {
                    let Ok(share) = budget.take(claimants[workspace][key], units) else { continue };
                    held.push((workspace, key, share));
                    (workspace, key)
                }
                1 => {
                    held.swap_remove(place);
                    continue;
                }
                _ => {
                    let (workspace, key, share) = &mut held[place];
                    if share.grow(units).is_err() {
                        continue;
                    }
                    (*workspace, *key)
                }
            };
            let sum = |of: &dyn Fn(&(usize, usize, Share)) -> bool| -> usize {
                held.iter().filter(|one| of(one)).map(|(_, _, share)| share.units).sum()
            };
            let taken = sum(&|_| true);
            let of_workspace = sum(&|one| one.0 == workspace);
            let of_key = sum(&|one| (one.0, one.1) == (workspace, key));
            prop_assert!(taken <= capacity);
            prop_assert_eq!(taken, budget.in_use());
            prop_assert!(of_key <= capacity.div_ceil(2) && of_workspace <= capacity - capacity / 4);
            if is_new {
                prop_assert!(is_first_of_key || of_key <= (capacity - taken).max(1));
                prop_assert!(is_first_of_workspace || of_workspace <= (3 * (capacity - taken)).max(1));
            }
        }
    }
}
