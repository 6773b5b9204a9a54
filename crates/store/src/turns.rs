//! A queue in which workspaces take turns. However many entries a workspace has, the next entry of another one waits
//! for at most one entry of each.

use std::collections::{HashMap, VecDeque};

use crate::tenant::Tenant;

/// The waiting entries. The entries of a workspace keep their order.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    entries: HashMap<Tenant, VecDeque<T>>,
    /// The workspaces with entries, in the order of their turns.
    order: VecDeque<Tenant>,
}

impl<T> Turns<T> {
    pub(crate) fn new() -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Adds an entry behind all others of its workspace.
    pub(crate) fn push(&mut self, tenant: Tenant, entry: T) {
        let entries = self.entries.entry(tenant).or_default();
        if entries.is_empty() {
            self.order.push_back(tenant);
        }
        entries.push_back(entry);
    }

    /// Removes the next entry of a workspace for which `may` returns true.
    pub(crate) fn pop(&mut self, may: impl Fn(Tenant) -> bool) -> Option<(Tenant, T)> {
        let place = self.order.iter().position(|tenant| may(*tenant))?;
        let tenant = self.order.remove(place)?;
        let entries = self.entries.get_mut(&tenant)?;
        let entry = entries.pop_front()?;
        if entries.is_empty() {
            self.entries.remove(&tenant);
        } else {
            self.order.push_back(tenant);
        }
        Some((tenant, entry))
    }
}

#[cfg(test)]
mod tests {
    use keyrack_key::{Timestamp, WorkspaceId};
    use rand_core::UnwrapErr;

    use super::*;

    #[test]
    fn workspaces_take_turns_and_each_keeps_its_order() {
        let workspace = || WorkspaceId::new(Timestamp::from_micros(1), &mut UnwrapErr(getrandom::SysRng));
        let (flood, other, nobody) = (Some(workspace()), Some(workspace()), None);
        let mut turns = Turns::new();
        (0..5).for_each(|number| turns.push(flood, number));
        turns.push(other, 10);
        turns.push(nobody, 20);
        turns.push(other, 11);
        let mut next = |may: &dyn Fn(Tenant) -> bool| turns.pop(may).map(|(_, number)| number);
        assert_eq!(next(&|_| true), Some(0));
        assert_eq!(next(&|tenant| tenant != other), Some(20));
        let rest: Vec<_> = std::iter::from_fn(|| next(&|_| true)).collect();
        assert_eq!(rest, [10, 1, 11, 2, 3, 4]);
        assert!(turns.is_empty() && turns.entries.is_empty());
    }
}
