//! A service that checks keys in its own memory and follows a server.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use keyrack_key::{Brand, Brands, NodeId, Timestamp};
use keyrack_rack::{Callers, Follower, Rack, Revision, Trust};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::feed::RemoteFeed;
use super::http::{Line, RemoteError};
use super::uses::Untold;
use super::wire::{Register, Registered, Unreadable};
use crate::{Clock, Guard, Home};

/// How long a node that cannot reach its server waits before it tries again, at first and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How often uses are told.
const USES: Duration = Duration::from_secs(1);

/// What a node does when it cannot reach its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenCutOff {
    /// Refuses every request with 503, a few seconds after it heard last. A deletion is confirmed by then.
    Refuse,
    /// Goes on with what it knows for so long, up to an hour. A deletion meanwhile names it as unconfirmed, with the
    /// latest time at which it can still accept the key.
    ServeFor(Duration),
}

impl Default for WhenCutOff {
    /// A server that is started anew should not take everybody's API down.
    fn default() -> Self {
        Self::ServeFor(Duration::from_mins(1))
    }
}

/// A text that says nothing about being cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected refuse, or serve-for= and up to 3600 seconds, such as serve-for=60s")]
pub struct UnknownChoice;

impl FromStr for WhenCutOff {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, UnknownChoice> {
        if text == "refuse" {
            return Ok(Self::Refuse);
        }
        let seconds = text.strip_prefix("serve-for=").and_then(|rest| rest.strip_suffix('s'));
        let seconds = seconds.and_then(|digits| digits.parse().ok()).filter(|seconds| *seconds <= 3_600);
        seconds.map(|seconds| Self::ServeFor(Duration::from_secs(seconds))).ok_or(UnknownChoice)
    }
}

/// A node that is about to be started.
#[derive(Clone)]
pub struct NodeBuilder<C = HttpConnector> {
    server: String,
    credential: String,
    name: String,
    when_cut_off: WhenCutOff,
    home: Home,
    clock: Clock,
    allow_plain_http: bool,
    connector: C,
}

impl NodeBuilder {
    /// Follows `server` (`http://…`; for `https://…` bring a [connector](Self::with_connector)) with `credential`, an
    /// API key with the scope Node.
    pub fn new(server: impl Into<String>, credential: impl Into<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(true);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        Self {
            server: server.into(),
            credential: credential.into(),
            name: "guard".to_owned(),
            when_cut_off: WhenCutOff::default(),
            home: Home::nowhere(),
            clock: time_of_day,
            allow_plain_http: false,
            connector,
        }
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> NodeBuilder<C> {
    /// What people call this service, on the page of keys and where a deletion waits for it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What it does when it cannot reach the server.
    #[must_use]
    pub const fn when_cut_off(mut self, what: WhenCutOff) -> Self {
        self.when_cut_off = what;
        self
    }

    /// Names the service's own pages, as [`Guard::at_home`] does.
    #[must_use]
    pub fn at_home(mut self, home: Home) -> Self {
        self.home = home;
        self
    }

    /// Sends the credential to an `http://` address on another machine, where others on the network can read it: for networks
    /// of your own, or where something else encrypts. Without this, [`start`](Self::start) fails there with
    /// [`RemoteError::PlainHttp`].
    #[must_use]
    pub const fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    /// Reads the time of day elsewhere.
    #[must_use]
    pub const fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Connects with `connector`, such as one of `hyper-rustls`: no TLS of ours is forced upon anybody.
    pub fn with_connector<D: Connect + Clone + Send + Sync + 'static>(self, connector: D) -> NodeBuilder<D> {
        let Self { server, credential, name, when_cut_off, home, clock, allow_plain_http, .. } = self;
        NodeBuilder { server, credential, name, when_cut_off, home, clock, allow_plain_http, connector }
    }

    /// Registers and reads all keys of the workspace; from then on it follows by itself until it is stopped.
    pub async fn start(self) -> Result<Node, RemoteError> {
        let line = Line::new(self.connector, &self.server, &self.credential, self.allow_plain_http)?;
        let serves_for = match self.when_cut_off {
            WhenCutOff::Refuse => Duration::ZERO,
            // What the server is told, which counts in seconds.
            WhenCutOff::ServeFor(span) => Duration::from_secs(span.as_secs()),
        };
        let (rack, callers, clock) = (Arc::new(Rack::new()), Arc::new(Callers::new()), self.clock);
        let shared =
            Arc::new(Shared { node: Mutex::default(), trouble: Mutex::default(), untold: Mutex::default() });
        let following = Following {
            line,
            name: self.name,
            serves_for,
            clock,
            rack: Arc::clone(&rack),
            callers: Arc::clone(&callers),
            shared: Arc::clone(&shared),
        };
        let (registered, follower) = following.register().await?;
        follower.reach(Revision::default(), clock()).await?;
        let guard =
            Guard::new(Arc::clone(&rack), brands(&registered)?, clock).manage_at(registered.manage_url);
        let guard = guard.noting(callers).at_home(self.home);
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(following.run(follower, stopped));
        Ok(Node { guard: Arc::new(guard), rack, shared, stop, task })
    }
}

impl<C> fmt::Debug for NodeBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder")
            .field("server", &self.server)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A node that follows its server. Dropped, it stops following, and its guard soon refuses everything.
#[derive(Debug)]
pub struct Node {
    guard: Arc<Guard>,
    rack: Arc<Rack>,
    shared: Arc<Shared>,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    node: Mutex<Option<NodeId>>,
    trouble: Mutex<Option<String>>,
    untold: Mutex<u64>,
}

impl Node {
    /// What decides about requests here.
    pub const fn guard(&self) -> &Arc<Guard> {
        &self.guard
    }

    /// Whether requests are decided, or all refused because the server was not heard of for too long.
    pub fn is_ready(&self) -> bool {
        self.rack.is_trusted()
    }

    /// Its id on the server, as a deletion names it.
    pub fn id(&self) -> Option<NodeId> {
        *self.shared.node.lock()
    }

    /// Why it cannot follow right now, if it cannot.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().clone()
    }

    /// Checks that were counted and will never be told to the server, and those that were not even counted.
    pub fn uses_lost(&self) -> u64 {
        *self.shared.untold.lock() + self.rack.uses_dropped()
    }

    /// Refuses from now on, tells what was used last, and leaves: no deletion waits for it any more.
    pub async fn stop(self) {
        self.rack.trust(Trust::Never);
        drop(self.stop);
        // A task that panicked has nothing more to tell.
        let _ = self.task.await;
    }
}

/// What the task of a node works with.
struct Following<C> {
    line: Line<C>,
    name: String,
    serves_for: Duration,
    clock: Clock,
    rack: Arc<Rack>,
    callers: Arc<Callers>,
    shared: Arc<Shared>,
}

type Reader<C> = Follower<RemoteFeed<C>>;

impl<C: Connect + Clone + Send + Sync + 'static> Following<C> {
    async fn register(&self) -> Result<(Registered, Reader<C>), RemoteError> {
        let question = Register { name: self.name.clone(), serves_for: self.serves_for.as_secs() };
        let registered: Registered = self.line.post("", &question).await?;
        let node = registered.node()?;
        *self.shared.node.lock() = Some(node);
        let span = Duration::from_millis(registered.lease_millis) + self.serves_for;
        let feed = RemoteFeed::new(self.line.clone(), node, self.clock, span);
        Ok((registered, Follower::new(feed, Arc::clone(&self.rack))))
    }

    /// Until whoever holds the other end of `stopped` lets go.
    async fn run(self, follower: Reader<C>, mut stopped: watch::Receiver<()>) {
        let mut untold = Untold::default();
        tokio::select! {
            () = self.follow(follower) => {}
            () = self.tell(&mut untold) => {}
            _ = stopped.changed() => {}
        }
        self.rack.trust(Trust::Never);
        let Some(node) = *self.shared.node.lock() else { return };
        untold.gather(&self.rack, &self.callers).await;
        // The server may be away. Then these uses are lost, and it counts on this node no more in a while.
        let _ = untold.tell(&self.line, node).await;
        let _ = self.line.leave(node).await;
    }

    async fn follow(&self, mut follower: Reader<C>) {
        let (mut pause, longest) = PAUSES;
        loop {
            let read = follower.reach(Revision::default(), (self.clock)()).await;
            let result = match read {
                Err(RemoteError::Gone) => self.register().await.map(|(_, new)| follower = new),
                other => other,
            };
            match result {
                Ok(()) => {
                    *self.shared.trouble.lock() = None;
                    pause = PAUSES.0;
                }
                Err(error) => {
                    if matches!(error, RemoteError::Refused { .. } | RemoteError::Clock) {
                        self.rack.trust(Trust::Never);
                    }
                    *self.shared.trouble.lock() = Some(error.to_string());
                    sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }

    async fn tell(&self, untold: &mut Untold) {
        let mut ticks = interval(USES);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (many_uses, many_callers) = (self.rack.crowded(), self.callers.crowded());
        let mut told_as = None;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = many_uses.notified() => {}
                () = many_callers.notified() => {}
            }
            let node = *self.shared.node.lock();
            if node != told_as {
                untold.begin();
                told_as = node;
            }
            untold.gather(&self.rack, &self.callers).await;
            if let Some(node) = node {
                // Told again in a second; why it failed is told by whoever follows.
                let _ = untold.tell(&self.line, node).await;
            }
            *self.shared.untold.lock() = untold.lost();
        }
    }
}

fn brands(registered: &Registered) -> Result<Brands, Unreadable> {
    let brands = registered.brands.iter().map(|brand| brand.parse::<Brand>());
    let mut brands = brands.collect::<Result<Vec<_>, _>>().map_err(|_| Unreadable("a brand"))?;
    if brands.is_empty() {
        return Err(Unreadable("a brand"));
    }
    let current = brands.remove(0);
    Ok(Brands::new(current, brands))
}

/// The time of day of this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads it, for services without a clock of their own"
)]
pub fn time_of_day() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
