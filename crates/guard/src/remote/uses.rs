//! What keys were used for here, told to the server in batches.

use std::collections::VecDeque;

use hyper_util::client::legacy::connect::Connect;
use keyrack_key::NodeId;
use keyrack_rack::{Rack, Used};

use super::http::{Line, RemoteError};
use super::wire::{KeyUses, USES, Uses};

/// Batches that wait while the server cannot be reached; older ones are lost then.
const MOST: usize = 64;

/// What was not told yet.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// The number of the first batch.
    first: u64,
    batches: VecDeque<Vec<Used>>,
    /// Checks that were counted and will never be told.
    lost: u64,
}

impl Untold {
    /// For a node that has told nothing. Batches that wait keep waiting, under new numbers.
    pub(super) fn begin(&mut self) {
        self.first = 1;
    }

    /// Takes from `rack` what it counted since the last time.
    pub(super) fn gather(&mut self, rack: &Rack) {
        let mut used = rack.drain_uses();
        while !used.is_empty() {
            let later = used.split_off(used.len().min(USES));
            self.batches.push_back(std::mem::replace(&mut used, later));
        }
        while self.batches.len() > MOST {
            let dropped = self.batches.pop_front().unwrap_or_default();
            self.first += 1;
            self.lost += dropped.iter().map(Used::checks).sum::<u64>();
        }
    }

    /// Tells the server. A batch of which it is not known whether it arrived is sent again under its number.
    pub(super) async fn tell<C>(&mut self, line: &Line<C>, node: NodeId) -> Result<(), RemoteError>
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        while let Some(used) = self.batches.front() {
            let keys = used.iter().map(KeyUses::from).collect();
            line.tell(&format!("/{node}/uses"), &Uses { batch: self.first, keys }).await?;
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
