//! Orders waiting work: fair queueing by cost, first between workspaces, then between the keys of each workspace. This
//! module uses no clock, no locks, and no async code.
//!
//! Each workspace has a *virtual time*: the cost of its work that started while others waited. The next turn goes to
//! the workspace with the lowest virtual time. A workspace that joins the queue gets at least the virtual time of the
//! work that started last, so idling saves nothing up. (Goyal, Vin, and Cheng, *Start-time fair queueing*, 1996.)

use std::collections::HashMap;
use std::time::Duration;

use keyrack_store::Actor;
use tokio::time::Instant;

use super::{Claimant, Tenant};

/// How long one turn is kept free of heavy work after another claimant's light work arrived.
const RECENT: Duration = Duration::from_secs(10);

/// Limits on concurrent and waiting work.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Units of work that run at once.
    pub concurrency: usize,
    /// Requests that may wait. If another request arrives, the workspace with the most waiting requests
    /// loses its last request.
    pub waiting: usize,
    /// Work with a higher cost is heavy. Running work is not interrupted, so heavy work leaves one turn free for other
    /// claimants' light work for `RECENT` after such work arrived.
    pub heavy_from: u64,
    /// The total cost of heavy work that runs at once.
    pub heavy_total: u64,
    /// Added to the cost of each unit of work.
    pub base_cost: u64,
}

/// Waiting and running work. `T` is the handle that notifies waiting work.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    limits: Limits,
    /// The claimants of the running work.
    running: Vec<Claimant>,
    heavy_running: usize,
    heavy_cost: u64,
    waiting: Vec<Job<T>>,
    /// Virtual times. While the queue is empty, this holds only tenants with running work: without a queue there is
    /// nothing to share fairly.
    tenants: HashMap<Tenant, Account>,
    now: u64,
    numbers: u64,
    /// The two claimants whose light work arrived last.
    recent: [Option<(Claimant, Instant)>; 2],
}

#[derive(Debug, Default)]
struct Account {
    time: u64,
    now: u64,
    members: HashMap<Option<Actor>, u64>,
}

#[derive(Debug)]
struct Job<T> {
    number: u64,
    claimant: Claimant,
    cost: u64,
    ticket: T,
}

/// Running work, to be returned to [`Schedule::end`].
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningWork {
    claimant: Claimant,
    cost: u64,
    is_heavy: bool,
}

impl<T> Schedule<T> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            running: Vec::new(),
            heavy_running: 0,
            heavy_cost: 0,
            waiting: Vec::new(),
            tenants: HashMap::new(),
            now: 0,
            numbers: 0,
            recent: [None; 2],
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Puts work into the queue. Returns its number and the ticket of the work that was removed to make space, if any.
    /// Returns the ticket as an error if there is no space.
    pub(super) fn join(
        &mut self,
        claimant: Claimant,
        cost: u64,
        ticket: T,
        at: Instant,
    ) -> Result<(u64, Option<T>), T> {
        if !self.is_heavy(cost) {
            self.note_light(claimant, at);
        }
        let left = if self.waiting.len() < self.limits.waiting {
            None
        } else {
            let Some(last) = self.last_of_longest(claimant) else { return Err(ticket) };
            Some(self.waiting.remove(last).ticket)
        };
        let cost = cost.min(self.limits.heavy_total);
        self.open_account(claimant);
        self.numbers += 1;
        let number = self.numbers;
        self.waiting.push(Job { number, claimant, cost, ticket });
        Ok((number, left))
    }

    /// Removes work that no longer waits from the queue.
    pub(super) fn leave(&mut self, number: u64) {
        self.waiting.retain(|job| job.number != number);
        self.settle();
    }

    /// Returns the work that starts now, or `None` if there is no free turn or no work that fits.
    pub(super) fn next(&mut self, at: Instant) -> Option<(RunningWork, T)> {
        if self.running.len() >= self.limits.concurrency {
            return None;
        }
        let job = self.waiting.remove(self.first(at)?);
        let running =
            RunningWork { claimant: job.claimant, cost: job.cost, is_heavy: self.is_heavy(job.cost) };
        self.running.push(running.claimant);
        if running.is_heavy {
            self.heavy_running += 1;
            self.heavy_cost += running.cost;
        }
        let cost = job.cost.saturating_add(self.limits.base_cost).max(1);
        if let Some(account) = self.tenants.get_mut(&job.claimant.tenant) {
            self.now = self.now.max(account.time);
            account.time = account.time.saturating_add(cost);
            if let Some(time) = account.members.get_mut(&job.claimant.member) {
                account.now = account.now.max(*time);
                *time = time.saturating_add(cost);
            }
        }
        self.settle();
        Some((running, job.ticket))
    }

    /// Lowers the cost of running work to its actual cost.
    pub(super) fn reduce(&mut self, running: &mut RunningWork, cost: u64, at: Instant) {
        let less = running.cost.saturating_sub(cost);
        if running.is_heavy {
            self.heavy_cost -= less;
        }
        if let Some(account) = self.tenants.get_mut(&running.claimant.tenant) {
            account.time = account.time.saturating_sub(less);
            if let Some(time) = account.members.get_mut(&running.claimant.member) {
                *time = time.saturating_sub(less);
            }
        }
        running.cost -= less;
        if running.is_heavy && !self.is_heavy(running.cost) {
            running.is_heavy = false;
            self.note_light(running.claimant, at);
            self.heavy_running -= 1;
            self.heavy_cost -= running.cost;
        }
    }

    /// Releases the turn of finished work.
    pub(super) fn end(&mut self, running: RunningWork) {
        if let Some(place) = self.running.iter().position(|one| *one == running.claimant) {
            self.running.swap_remove(place);
        }
        if running.is_heavy {
            self.heavy_running -= 1;
            self.heavy_cost -= running.cost;
        }
        self.settle();
    }

    const fn is_heavy(&self, cost: u64) -> bool {
        cost > self.limits.heavy_from
    }

    /// The queue index of the work that starts next. Heavy work that does not fit yet lets lighter work pass, but no
    /// other heavy work.
    fn first(&self, at: Instant) -> Option<usize> {
        let best = |heavy: bool| {
            let ranked = self.waiting.iter().enumerate().filter(|(_, job)| self.is_heavy(job.cost) == heavy);
            ranked.map(|(place, job)| (self.rank(job), place)).min()
        };
        let heavy = best(true).filter(|(_, place)| self.fits(&self.waiting[*place], at));
        [best(false), heavy].into_iter().flatten().min().map(|(_, place)| place)
    }

    fn rank(&self, job: &Job<T>) -> (u64, u64, u64) {
        let account = self.tenants.get(&job.claimant.tenant);
        let tenant = account.map_or(0, |account| account.time);
        let member = account.and_then(|account| account.members.get(&job.claimant.member)).copied();
        (tenant, member.unwrap_or(0), job.number)
    }

    fn fits(&self, job: &Job<T>, at: Instant) -> bool {
        let kept = usize::from(self.others_were_here(job.claimant, at));
        let turns = self.limits.concurrency.saturating_sub(kept).max(1);
        self.heavy_running < turns && self.heavy_cost.saturating_add(job.cost) <= self.limits.heavy_total
    }

    fn others_were_here(&self, claimant: Claimant, at: Instant) -> bool {
        let was_here = |(other, seen): &(Claimant, Instant)| {
            *other != claimant && at.saturating_duration_since(*seen) < RECENT
        };
        self.recent.iter().flatten().any(was_here)
    }

    fn note_light(&mut self, claimant: Claimant, at: Instant) {
        if self.recent[0].is_none_or(|(last, _)| last != claimant) {
            self.recent[1] = self.recent[0];
        }
        self.recent[0] = Some((claimant, at));
    }

    fn open_account(&mut self, claimant: Claimant) {
        let tenant_waits = self.waiting.iter().any(|job| job.claimant.tenant == claimant.tenant);
        let member_waits = self.waiting.iter().any(|job| job.claimant == claimant);
        let account = self.tenants.entry(claimant.tenant).or_default();
        if !tenant_waits {
            account.time = account.time.max(self.now);
        }
        let time = account.members.entry(claimant.member).or_default();
        if !member_waits {
            *time = (*time).max(account.now);
        }
    }

    /// The index of the last work of the longest queue, if that queue is longer than the claimant's own.
    fn last_of_longest(&self, claimant: Claimant) -> Option<usize> {
        let (mut tenants, mut members) = (HashMap::<_, usize>::new(), HashMap::<_, usize>::new());
        for job in &self.waiting {
            *tenants.entry(job.claimant.tenant).or_default() += 1;
            *members.entry(job.claimant).or_default() += 1;
        }
        let own = tenants.get(&claimant.tenant).copied().unwrap_or(0);
        let (tenant, most) = tenants.into_iter().max_by_key(|(_, count)| *count)?;
        let tenant = if most > own + 1 { tenant } else { claimant.tenant };
        let own =
            if tenant == claimant.tenant { members.get(&claimant).copied().unwrap_or(0) + 1 } else { 0 };
        let of_tenant = members.into_iter().filter(|(one, _)| one.tenant == tenant);
        let (longest, _) = of_tenant.filter(|(_, count)| *count > own).max_by_key(|(_, count)| *count)?;
        self.waiting.iter().rposition(|job| job.claimant == longest)
    }

    /// Removes the virtual times that no longer matter.
    fn settle(&mut self) {
        if !self.waiting.is_empty() {
            return;
        }
        let running = &self.running;
        self.tenants.retain(|tenant, account| {
            account
                .members
                .retain(|member, _| running.iter().any(|one| (one.tenant, one.member) == (*tenant, *member)));
            !account.members.is_empty()
        });
        if self.tenants.is_empty() {
            self.now = 0;
        }
    }
}

#[cfg(test)]
mod tests;
