//! What keys were used for here, told to the server in batches.

use std::collections::VecDeque;

use hyper_util::client::legacy::connect::Connect;
use keyrack_key::NodeId;
use keyrack_rack::{Callers, Calls, Rack, Used};

use super::http::{Line, RemoteError};
use super::wire::{Called, KeyUses, USES, Uses};

/// Batches that wait while the server cannot be reached; older ones are lost then.
const MOST: usize = 64;

/// What was not told yet.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// The number of the first batch.
    first: u64,
    batches: VecDeque<Batch>,
    /// Checks that were counted and will never be told.
    lost: u64,
}

/// What is told at once.
#[derive(Debug)]
struct Batch {
    used: Vec<Used>,
    calls: Vec<Calls>,
}

impl Untold {
    /// For a node that has told nothing. Batches that wait keep waiting, under new numbers.
    pub(super) fn begin(&mut self) {
        self.first = 1;
    }

    /// Takes from `rack` what it counted since the last time, and from `callers` who called.
    pub(super) fn gather(&mut self, rack: &Rack, callers: &Callers) {
        let (mut used, mut calls) = (rack.drain_uses(), callers.drain());
        while !used.is_empty() || !calls.is_empty() {
            self.batches.push_back(Batch { used: first_of(&mut used), calls: first_of(&mut calls) });
        }
        while self.batches.len() > MOST {
            let dropped = self.batches.pop_front();
            self.first += 1;
            self.lost += dropped.iter().flat_map(|batch| &batch.used).map(Used::checks).sum::<u64>();
        }
    }

    /// Tells the server. A batch of which it is not known whether it arrived is sent again under its number.
    pub(super) async fn tell<C>(&mut self, line: &Line<C>, node: NodeId) -> Result<(), RemoteError>
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        while let Some(Batch { used, calls }) = self.batches.front() {
            let keys = used.iter().map(KeyUses::from).collect();
            let callers = calls.iter().map(Called::from).collect();
            line.tell(&format!("/{node}/uses"), &Uses { batch: self.first, keys, callers }).await?;
            self.batches.pop_front();
            self.first += 1;
        }
        Ok(())
    }

    /// How many checks were lost.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }
}

/// As many as fit into one batch; the others stay.
fn first_of<T>(all: &mut Vec<T>) -> Vec<T> {
    let later = all.split_off(all.len().min(USES));
    std::mem::replace(all, later)
}
