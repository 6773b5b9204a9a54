//! A service that checks keys in its own memory and follows a server.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper_util::client::legacy::connect::Connect;
use keyrack_key::{Brand, Brands, NodeId, Timestamp};
use keyrack_rack::{CallerLog, Follower, Freshness, Rack, Revision};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::feed::RemoteFeed;
use super::http::{RemoteError, ServerClient};
use super::usage_reporter::UsageReporter;
use super::wire::{NodeRegistration, RegisteredNode, WireError};
use crate::{Clock, Guard, OwnOrigins};

/// The first and the longest pause between attempts to reach the server.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How often the node reports usage.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// A node that follows its server. A dropped node stops following, and its guard denies every
/// request when the lease ends.
#[derive(Debug)]
pub struct Node {
    guard: Arc<Guard>,
    rack: Arc<Rack>,
    status: Arc<NodeStatus>,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct NodeStatus {
    node: Mutex<Option<NodeId>>,
    error: Mutex<Option<String>>,
    lost_checks: Mutex<u64>,
}

impl Node {
    /// Returns the guard that decides about requests.
    pub const fn guard(&self) -> &Arc<Guard> {
        &self.guard
    }

    /// Returns `true` if requests are decided, and `false` if all are denied because the lease has ended.
    pub fn is_ready(&self) -> bool {
        self.rack.is_fresh()
    }

    /// Returns the id of the node on the server; `None` before the first registration.
    pub fn id(&self) -> Option<NodeId> {
        *self.status.node.lock()
    }

    /// Returns why the node cannot follow at the moment; `None` if it can.
    pub fn last_error(&self) -> Option<String> {
        self.status.error.lock().clone()
    }

    /// Returns the number of checks that will never be reported to the server.
    pub fn lost_checks(&self) -> u64 {
        *self.status.lost_checks.lock() + self.rack.dropped_checks()
    }

    /// Denies every request from now on, reports the remaining usage, and removes the node from the server,
    /// so that no deletion waits for it.
    pub async fn stop(self) {
        self.rack.set_freshness(Freshness::Stale);
        drop(self.stop);
        // A task that panicked has nothing left to report.
        let _ = self.task.await;
    }
}

/// The state of the task that follows the server.
pub(super) struct FollowerTask<C> {
    client: ServerClient<C>,
    name: String,
    offline_grace: Duration,
    clock: Clock,
    rack: Arc<Rack>,
    callers: Arc<CallerLog>,
    status: Arc<NodeStatus>,
}

type Reader<C> = Follower<RemoteFeed<C>>;

impl<C: Connect + Clone + Send + Sync + 'static> FollowerTask<C> {
    pub(super) fn new(client: ServerClient<C>, name: String, offline_grace: Duration, clock: Clock) -> Self {
        Self {
            client,
            name,
            offline_grace,
            clock,
            rack: Arc::new(Rack::new()),
            callers: Arc::new(CallerLog::new()),
            status: Arc::new(NodeStatus::default()),
        }
    }

    /// Registers the node, reads all keys, and starts to follow the server.
    pub(super) async fn start(self, own_origins: OwnOrigins) -> Result<Node, RemoteError> {
        let (registered, follower) = self.register().await?;
        follower.catch_up_to(Revision::default(), (self.clock)()).await?;
        let (rack, status) = (Arc::clone(&self.rack), Arc::clone(&self.status));
        let guard = Guard::new(Arc::clone(&rack), brands(&registered)?, self.clock)
            .with_manage_url(registered.manage_url)
            .with_caller_log(Arc::clone(&self.callers))
            .with_own_origins(own_origins);
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(self.run(follower, stopped));
        Ok(Node { guard: Arc::new(guard), rack, status, stop, task })
    }

    async fn register(&self) -> Result<(RegisteredNode, Reader<C>), RemoteError> {
        let request =
            NodeRegistration { name: self.name.clone(), offline_grace_seconds: self.offline_grace.as_secs() };
        let registered: RegisteredNode = self.client.post("", &request).await?;
        let node = registered.node()?;
        *self.status.node.lock() = Some(node);
        let span = Duration::from_millis(registered.lease_millis) + self.offline_grace;
        let feed = RemoteFeed::new(self.client.clone(), node, self.clock, span);
        Ok((registered, Follower::new(feed, Arc::clone(&self.rack))))
    }

    /// Runs until the sender of `stopped` is dropped.
    async fn run(self, follower: Reader<C>, mut stopped: watch::Receiver<()>) {
        let mut reporter = UsageReporter::default();
        tokio::select! {
            () = self.follow(follower) => {}
            () = self.report(&mut reporter) => {}
            _ = stopped.changed() => {}
        }
        self.rack.set_freshness(Freshness::Stale);
        let Some(node) = *self.status.node.lock() else { return };
        reporter.gather(&self.rack, &self.callers).await;
        // If the server is down, this usage is lost, and the server removes the node after a while.
        let _ = reporter.report(&self.client, node).await;
        let _ = self.client.leave(node).await;
    }

    async fn follow(&self, mut follower: Reader<C>) {
        let (mut pause, longest) = RETRY_PAUSES;
        loop {
            let read = follower.catch_up_to(Revision::default(), (self.clock)()).await;
            let result = match read {
                Err(RemoteError::Gone) => self.register().await.map(|(_, new)| follower = new),
                other => other,
            };
            match result {
                Ok(()) => {
                    *self.status.error.lock() = None;
                    pause = RETRY_PAUSES.0;
                }
                Err(error) => {
                    if matches!(error, RemoteError::Refused { .. } | RemoteError::Clock) {
                        self.rack.set_freshness(Freshness::Stale);
                    }
                    *self.status.error.lock() = Some(error.to_string());
                    sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }

    async fn report(&self, reporter: &mut UsageReporter) {
        let mut ticks = interval(REPORT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (many_uses, many_callers) = (self.rack.drain_requested(), self.callers.drain_requested());
        let mut reported_as = None;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = many_uses.notified() => {}
                () = many_callers.notified() => {}
            }
            let node = *self.status.node.lock();
            if node != reported_as {
                reporter.restart();
                reported_as = node;
            }
            reporter.gather(&self.rack, &self.callers).await;
            if let Some(node) = node {
                // Retried in a second. The task that follows the server records why it cannot be reached.
                let _ = reporter.report(&self.client, node).await;
            }
            *self.status.lost_checks.lock() = reporter.lost();
        }
    }
}

fn brands(registered: &RegisteredNode) -> Result<Brands, WireError> {
    let brands = registered.brands.iter().map(|brand| brand.parse::<Brand>());
    let mut brands = brands.collect::<Result<Vec<_>, _>>().map_err(|_| WireError("a brand"))?;
    if brands.is_empty() {
        return Err(WireError("a brand"));
    }
    let current = brands.remove(0);
    Ok(Brands::new(current, brands))
}

/// Returns the time of day of this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the clock, for services that don't pass one"
)]
pub fn time_of_day() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
