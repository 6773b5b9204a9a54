//! Limits the connections of a listener, in total and per address.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use rustix::io::Errno;
use tokio::time::{MissedTickBehavior, interval};

use super::notice::Notice;
use super::peer::Peer;

/// How often the server checks for stalled peers.
const LOOK: Duration = Duration::from_secs(1);

/// Limits on the number of open connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    pub all: usize,
    /// Per IPv4 address, or per IPv6 network of 64 bits.
    pub per_address: usize,
    /// Networks of proxies, which connect on behalf of many clients: only the total limits them.
    pub proxies: Vec<IpNet>,
}

/// All connections of a listener. Clones count the same connections.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    listener: &'static str,
    limits: ConnectionLimits,
    open: Mutex<Open>,
    metrics: ConnectionMetrics,
    denied: Notice,
    failed: Notice,
}

#[derive(Debug, Default)]
struct Open {
    peers: HashMap<u64, Arc<Peer>>,
    by_address: HashMap<IpAddr, usize>,
    next: u64,
}

/// Why a connection was closed as soon as it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionDenial {
    #[error("the limit of connections is reached")]
    Total,
    #[error("the limit of connections from this address is reached")]
    Address,
}

impl Connections {
    /// Creates an empty set of connections. `listener` names the listener in logs and metrics.
    pub fn new(listener: &'static str, limits: ConnectionLimits, metrics: ConnectionMetrics) -> Self {
        let (open, denied, failed) = (Mutex::default(), Notice::default(), Notice::default());
        Self(Arc::new(Inner { listener, limits, open, metrics, denied, failed }))
    }

    /// Creates a set of connections without limits, for benchmarks.
    pub fn without_limits() -> Self {
        let limits = ConnectionLimits { all: usize::MAX, per_address: usize::MAX, proxies: Vec::new() };
        Self::new("bench", limits, ConnectionMetrics::default())
    }

    /// Counts a connection from this address, until the returned value is dropped. Fails if too many connections are open.
    pub(super) fn admit(&self, address: IpAddr) -> Result<OpenConnection, ConnectionDenial> {
        let inner = &*self.0;
        let address = address.to_canonical();
        let is_proxy = inner.limits.proxies.iter().any(|network| network.contains(&address));
        let counted = (!is_proxy).then(|| network_of(address));
        let admitted = inner.open.lock().admit(&inner.limits, counted);
        match admitted {
            Ok((number, peer)) => {
                inner.metrics.open(inner.listener).inc();
                Ok(OpenConnection { connections: self.clone(), number, counted, peer })
            }
            Err(denial) => {
                inner.denied(denial, address);
                Err(denial)
            }
        }
    }

    /// Counts and logs that the system failed to accept a connection.
    pub fn accept_failed(&self, error: &io::Error) {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        let is_exhausted = matches!(errno, Some(Errno::MFILE | Errno::NFILE));
        self.0.metrics.denied(self.0.listener, if is_exhausted { "descriptors" } else { "error" });
        let Some(times) = self.0.failed.count(Instant::now()) else { return };
        let listener = self.0.listener;
        if is_exhausted {
            tracing::error!(
                listener,
                %error,
                times,
                "can't accept connections: the limit of open files is reached; raise it (ulimit -n, \
                 LimitNOFILE), or lower --connections-max"
            );
        } else {
            tracing::error!(listener, %error, times, "can't accept connections");
        }
    }

    /// Starts a task that closes connections whose peers are stalled. The task ends when the last clone of these
    /// connections is dropped.
    pub(super) fn close_stalled_ones(&self) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            let mut looks = interval(LOOK);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while let Some(inner) = {
                looks.tick().await;
                Weak::upgrade(&inner)
            } {
                inner.close_stalled(Instant::now());
            }
        });
    }
}

impl Inner {
    fn denied(&self, denial: ConnectionDenial, address: IpAddr) {
        let reason = match denial {
            ConnectionDenial::Total => "total",
            ConnectionDenial::Address => "address",
        };
        self.metrics.denied(self.listener, reason);
        if let Some(times) = self.denied.count(Instant::now()) {
            let ConnectionLimits { all, per_address, .. } = self.limits;
            tracing::warn!(
                listener = self.listener,
                %address,
                reason,
                times,
                all,
                per_address,
                "connections were closed because too many are open; see --connections-max, \
                 --connections-per-address-max, and --trusted-proxy"
            );
        }
    }

    fn close_stalled(&self, now: Instant) {
        let open = self.open.lock();
        let stalled: Vec<_> =
            open.peers.values().filter(|peer| !peer.is_closed() && peer.is_stalled(now)).cloned().collect();
        drop(open);
        for peer in stalled {
            self.metrics.stalled(self.listener);
            peer.close();
        }
    }
}

impl Open {
    fn admit(
        &mut self,
        limits: &ConnectionLimits,
        counted: Option<IpAddr>,
    ) -> Result<(u64, Arc<Peer>), ConnectionDenial> {
        if self.peers.len() >= limits.all {
            return Err(ConnectionDenial::Total);
        }
        if let Some(address) = counted {
            let count = self.by_address.entry(address).or_default();
            // The count is never zero here: dropping the last connection of an address removes the address.
            if *count >= limits.per_address {
                return Err(ConnectionDenial::Address);
            }
            *count += 1;
        }
        let (number, peer) = (self.next, Arc::new(Peer::default()));
        self.next += 1;
        self.peers.insert(number, Arc::clone(&peer));
        Ok((number, peer))
    }

    fn forget(&mut self, number: u64, counted: Option<IpAddr>) {
        self.peers.remove(&number);
        if let Some(address) = counted
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

/// A connection that counts as open until this is dropped.
#[derive(Debug)]
pub struct OpenConnection {
    connections: Connections,
    number: u64,
    /// The address that this connection counts for; `None` for a proxy.
    counted: Option<IpAddr>,
    peer: Arc<Peer>,
}

impl OpenConnection {
    pub const fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let inner = &*self.connections.0;
        inner.open.lock().forget(self.number, self.counted);
        inner.metrics.open(inner.listener).dec();
    }
}

/// A client with one IPv6 address usually has a network of 64 bits (RFC 4291, section 2.5.4).
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Listener {
    listener: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Denied {
    listener: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Default)]
pub struct ConnectionMetrics {
    open: Family<Listener, Gauge>,
    denied: Family<Denied, Counter>,
    stalled: Family<Listener, Counter>,
}

impl ConnectionMetrics {
    pub fn register(&self, registry: &mut prometheus_client::registry::Registry) {
        registry.register("connections", "Open connections, by listener", self.open.clone());
        registry.register(
            "connections_denied",
            "Connections that were closed when they were accepted, by listener and reason: total, address (limits of \
             connections), descriptors (no file descriptor was free), error",
            self.denied.clone(),
        );
        registry.register(
            "connections_stalled",
            "Connections that were closed because the client stopped reading a response, by listener",
            self.stalled.clone(),
        );
    }

    fn open(&self, listener: &'static str) -> Gauge {
        self.open.get_or_create_owned(&Listener { listener })
    }

    fn denied(&self, listener: &'static str, reason: &'static str) {
        self.denied.get_or_create(&Denied { listener, reason }).inc();
    }

    fn stalled(&self, listener: &'static str) {
        self.stalled.get_or_create(&Listener { listener }).inc();
    }
}

#[cfg(test)]
mod tests;
