//! A bounded backlog of entries that wait to be written. A claimant that adds too many entries loses only
//! its own entries.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::{Claimant, Tenant};

/// The entries of all workspaces, oldest first.
#[derive(Debug)]
pub struct Backlog<T> {
    capacity: usize,
    entries: VecDeque<(Claimant, T)>,
    by_tenant: HashMap<Tenant, usize>,
    by_claimant: HashMap<Claimant, usize>,
}

impl<T> Backlog<T> {
    /// A backlog of at most `capacity` entries.
    pub fn new(capacity: usize) -> Self {
        let (by_tenant, by_claimant) = (HashMap::new(), HashMap::new());
        Self { capacity, entries: VecDeque::new(), by_tenant, by_claimant }
    }

    /// Adds an entry. If the backlog is full, drops and returns the oldest entry of the key with the most entries in
    /// the workspace with the most entries. This case costs a linear search.
    pub fn push(&mut self, claimant: Claimant, entry: T) -> Option<T> {
        self.entries.push_back((claimant, entry));
        *self.by_tenant.entry(claimant.tenant).or_default() += 1;
        *self.by_claimant.entry(claimant).or_default() += 1;
        if self.entries.len() <= self.capacity {
            return None;
        }
        let tenant = longest(self.by_tenant.iter())?;
        let claimant = longest(self.by_claimant.iter().filter(|(one, _)| one.tenant == tenant))?;
        let at = self.entries.iter().position(|(one, _)| *one == claimant)?;
        less(&mut self.by_tenant, &tenant);
        less(&mut self.by_claimant, &claimant);
        self.entries.remove(at).map(|(_, entry)| entry)
    }

    /// Removes all entries and returns them, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.by_tenant.clear();
        self.by_claimant.clear();
        std::mem::take(&mut self.entries).into_iter().map(|(_, entry)| entry)
    }
}

fn longest<'a, K: Copy + 'a>(counts: impl Iterator<Item = (&'a K, &'a usize)>) -> Option<K> {
    counts.max_by_key(|(_, count)| **count).map(|(one, _)| *one)
}

fn less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, one: &K) {
    if let Some(count) = counts.get_mut(one) {
        *count -= 1;
        if *count == 0 {
            counts.remove(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::claimants;
    use super::*;

    #[test]
    fn flood_of_one_workspace_drops_nothing_of_another() {
        let (mut backlog, claimants) = (Backlog::new(100), claimants(2, 30));
        for number in 0..10 {
            assert_eq!(backlog.push(claimants[1][0], number), None);
        }
        for number in 0..5_000 {
            backlog.push(claimants[0][number % 30], 1_000 + number);
        }
        let left: Vec<_> = backlog.drain().collect();
        assert_eq!(left.len(), 100);
        assert!((0..10).all(|number| left.contains(&number)));
        // The newest entries of the flood stay.
        assert!(left[10..].iter().all(|number| *number >= 1_000 + 5_000 - 90 - 30));
    }

    #[test]
    fn flood_of_one_key_drops_nothing_of_another_key() {
        let (mut backlog, claimants) = (Backlog::new(10), claimants(1, 2));
        backlog.push(claimants[0][1], 0);
        for number in 1..100 {
            backlog.push(claimants[0][0], number);
        }
        let left: Vec<_> = backlog.drain().collect();
        assert_eq!(left, [0, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
        assert!(backlog.by_tenant.is_empty() && backlog.drain().next().is_none());
    }

    proptest! {
        /// A workspace that has added no more than an equal part of the capacity loses no entries.
        #[test]
        fn workspace_within_its_equal_part_loses_nothing(floods in prop::collection::vec((0usize..3, 0usize..2), 0..400)) {
            let (mut backlog, claimants) = (Backlog::new(40), claimants(4, 2));
            for number in 0..10 {
                backlog.push(claimants[3][number % 2], number);
            }
            for (number, (workspace, key)) in floods.into_iter().enumerate() {
                backlog.push(claimants[workspace][key], 100 + number);
            }
            let left: Vec<_> = backlog.drain().collect();
            prop_assert!(left.len() <= 40 && (0..10).all(|number| left.contains(&number)));
        }
    }
}
