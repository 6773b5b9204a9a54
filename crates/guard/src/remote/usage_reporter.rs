//! Reports the usage of keys to the server in batches.

use std::sync::Arc;

use http::StatusCode;
use hyper_util::client::legacy::connect::Connect;
use keyrack_key::NodeId;
use keyrack_rack::{CallGroup, CallerBacklog, CallerLog, Rack, SecretUsage, UsageBacklog};
use tokio::task::spawn_blocking;

use super::http::{RemoteError, ServerClient};
use super::wire::{NodeCaller, NodeKeyUsage, NodeUsageReport};

/// The number of secrets and callers in a batch. Fewer than the server accepts, because
/// each batch blocks its writer.
const BATCH: usize = 100;

/// The usage that is not reported yet. While the server is down, usage of the same secret is added up.
#[derive(Debug, Default)]
pub(super) struct UsageReporter {
    uses: UsageBacklog,
    callers: CallerBacklog,
    /// A batch that was sent, but may not have arrived.
    batch: Option<Batch>,
    /// The number of this batch, or of the next one.
    number: u64,
    /// The number of checks that will never be reported.
    lost: u64,
}

/// The usage in one request.
#[derive(Debug)]
struct Batch {
    used: Vec<SecretUsage>,
    calls: Vec<CallGroup>,
}

impl UsageReporter {
    /// Starts the numbers again, for a node that registered again. Waiting usage is kept.
    pub(super) fn restart(&mut self) {
        self.number = 1;
    }

    /// Drains `rack` and `callers` on a blocking thread, so that no request waits.
    pub(super) async fn gather(&mut self, rack: &Arc<Rack>, callers: &Arc<CallerLog>) {
        let (from, who) = (Arc::clone(rack), Arc::clone(callers));
        let drained = spawn_blocking(move || (from.drain_usage(), who.drain())).await;
        // Fails only when the runtime shuts down.
        let Ok((used, calls)) = drained else { return };
        self.lost += self.uses.add(used);
        callers.count_lost(self.callers.add(calls));
    }

    /// Sends all batches. A batch that may not have arrived is sent again with its number.
    pub(super) async fn report<C>(
        &mut self,
        client: &ServerClient<C>,
        node: NodeId,
    ) -> Result<(), RemoteError>
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        while let Some(Batch { used, calls }) = self.next() {
            let keys = used.iter().map(NodeKeyUsage::from).collect();
            let callers = calls.iter().map(NodeCaller::from).collect();
            let checks: u64 = used.iter().map(SecretUsage::checks).sum();
            match client
                .send_only(&format!("/{node}/usage"), &NodeUsageReport { batch: self.number, keys, callers })
                .await
            {
                // The server would deny the same bytes again, and all later batches would wait.
                Err(RemoteError::Answer { status, .. }) if is_final(status) => self.lost += checks,
                sent => sent?,
            }
            self.batch = None;
            self.number += 1;
        }
        Ok(())
    }

    /// Returns the number of checks that will never be reported.
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

/// Returns `true` if the server can never accept the content of a report.
const fn is_final(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}
