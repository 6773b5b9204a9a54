//! What keys were used for here, reported to the server in batches.

use std::sync::Arc;

use http::StatusCode;
use hyper_util::client::legacy::connect::Connect;
use keyrack_key::NodeId;
use keyrack_rack::{CallerBacklog, Callers, Calls, Rack, UseBacklog, Used};
use tokio::task::spawn_blocking;

use super::http::{Line, RemoteError};
use super::wire::{Called, KeyUses, Uses};

/// Secrets and callers in one batch: fewer than the server takes, since each holds its writer up.
const BATCH: usize = 100;

/// What was not reported yet. While the server cannot be reached, uses of the same secret are added up.
#[derive(Debug, Default)]
pub(super) struct Untold {
    uses: UseBacklog,
    callers: CallerBacklog,
    /// The batch of which it is not known whether it has arrived.
    batch: Option<Batch>,
    /// The number of that batch, or of the next.
    number: u64,
    /// Checks that were counted and will never be reported.
    lost: u64,
}

/// What is reported at once.
#[derive(Debug)]
struct Batch {
    used: Vec<Used>,
    calls: Vec<Calls>,
}

impl Untold {
    /// For a node that has reported nothing. What waits keeps waiting, under new numbers.
    pub(super) fn begin(&mut self) {
        self.number = 1;
    }

    /// Takes from `rack` what it counted since the last time, and from `callers` who called: on a thread where that holds up
    /// no request.
    pub(super) async fn gather(&mut self, rack: &Arc<Rack>, callers: &Arc<Callers>) {
        let (from, who) = (Arc::clone(rack), Arc::clone(callers));
        let drained = spawn_blocking(move || (from.drain_uses(), who.drain())).await;
        // It fails only with its runtime, which ends this as well.
        let Ok((used, calls)) = drained else { return };
        self.lost += self.uses.add(used);
        callers.lose(self.callers.add(calls));
    }

    /// Reports to the server. A batch of which it is not known whether it arrived is sent again under its number.
    pub(super) async fn tell<C>(&mut self, line: &Line<C>, node: NodeId) -> Result<(), RemoteError>
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        while let Some(Batch { used, calls }) = self.next() {
            let keys = used.iter().map(KeyUses::from).collect();
            let callers = calls.iter().map(Called::from).collect();
            let checks: u64 = used.iter().map(Used::checks).sum();
            match line.tell(&format!("/{node}/uses"), &Uses { batch: self.number, keys, callers }).await {
                // The same bytes would be denied again, and everything behind them would wait.
                Err(RemoteError::Answer { status, .. }) if is_final(status) => self.lost += checks,
                sent => sent?,
            }
            self.batch = None;
            self.number += 1;
        }
        Ok(())
    }

    /// How many checks were lost.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    fn next(&mut self) -> Option<&Batch> {
        if self.batch.is_none() {
            let batch = Batch { used: self.uses.take(BATCH), calls: self.callers.take(BATCH) };
            self.batch = Some(batch).filter(|batch| !batch.used.is_empty() || !batch.calls.is_empty());
        }
        self.batch.as_ref()
    }
}

/// Whether the server can't accept the content of a report, now or later.
const fn is_final(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}
