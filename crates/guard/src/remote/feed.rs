//! The feed of a node: the keys of a workspace, read from a server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper_util::client::legacy::connect::Connect;
use keyrack_key::{NodeId, Timestamp};
use keyrack_rack::{
    Feed, FeedUpdate, Frame, Freshness, KeyRecord, Moment, Position, Snapshot, SnapshotReader,
};
use parking_lot::Mutex;

use super::http::{RemoteError, ServerClient, within};
use super::wire::{FeedPosition, NodeChangeFrame, NodeChangesRequest, SnapshotLine, WAIT, WireError};
use crate::Clock;

/// The largest allowed difference between the clocks of the node and the server.
const CLOCK_DIFFERENCE_MAX: Duration = Duration::from_secs(2);
/// The time without data after which a snapshot counts as cut off.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(10);
/// No key needs more: its name, restrictions, and secrets are bounded.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The feed of a registered node. Each request for changes reports what the node has
/// applied, and renews the lease.
#[derive(Debug)]
pub(super) struct RemoteFeed<C> {
    client: ServerClient<C>,
    node: NodeId,
    clock: Clock,
    /// How long the node may decide after the start of its last renewal.
    span: Duration,
    /// When the last successful renewal started.
    renewed: Mutex<Option<Moment>>,
    /// Whether the next request for changes may wait for one. The first must not, because the node serves no
    /// requests before its response.
    waits: AtomicBool,
}

impl<C: Connect + Clone + Send + Sync + 'static> RemoteFeed<C> {
    pub(super) fn new(client: ServerClient<C>, node: NodeId, clock: Clock, span: Duration) -> Self {
        Self { client, node, clock, span, renewed: Mutex::default(), waits: AtomicBool::new(false) }
    }

    fn compare_clocks(&self, before: Timestamp, response: &NodeChangeFrame) -> Result<(), RemoteError> {
        let (server_time, after) = (response.time()?, (self.clock)());
        let (earliest, latest) = (before.minus(CLOCK_DIFFERENCE_MAX), after.plus(CLOCK_DIFFERENCE_MAX));
        if (earliest..=latest).contains(&server_time) { Ok(()) } else { Err(RemoteError::Clock) }
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Feed for RemoteFeed<C> {
    type Error = RemoteError;

    async fn snapshot(&self, _: Timestamp) -> Result<SnapshotReader<RemoteError>, RemoteError> {
        let mut body = self.client.stream(&format!("/{}/snapshot", self.node)).await?;
        let mut reading = SnapshotParser::default();
        while let Some(frame) = within(SNAPSHOT_TIMEOUT, body.frame()).await? {
            let frame = frame.map_err(|error| RemoteError::Unreachable(error.into()))?;
            if let Ok(data) = frame.into_data() {
                reading.take(&data)?;
            }
        }
        Ok(reading.end()?.into())
    }

    async fn after(&self, position: Position) -> Result<FeedUpdate, RemoteError> {
        let wait = if self.waits.load(Ordering::Relaxed) { WAIT } else { Duration::ZERO };
        let wait_millis = u64::try_from(wait.as_millis()).unwrap_or(0);
        let (started, before) = (Moment::now(), (self.clock)());
        let request = NodeChangesRequest { applied: position.into(), wait_millis };
        let response: NodeChangeFrame =
            match self.client.post(&format!("/{}/changes", self.node), &request).await {
                Err(RemoteError::OtherHistory) => return Ok(FeedUpdate::Reload),
                other => other?,
            };
        self.compare_clocks(before, &response)?;
        let frame = Frame {
            from: (&response.from).try_into()?,
            to: (&response.to).try_into()?,
            changes: response.changes.iter().map(KeyRecord::try_from).collect::<Result<_, _>>()?,
        };
        // The rack rejects a frame that starts at another position, so it must not renew the lease.
        if frame.from == position {
            *self.renewed.lock() = Some(started);
            self.waits.store(true, Ordering::Relaxed);
        }
        Ok(FeedUpdate::Frame(frame))
    }

    fn freshness(&self) -> Freshness {
        self.renewed.lock().map_or(Freshness::Stale, |started| Freshness::FreshUntil(started.plus(self.span)))
    }
}

/// Parses a snapshot while it arrives.
#[derive(Default)]
struct SnapshotParser {
    rest: BytesMut,
    position: Option<Position>,
    records: Vec<KeyRecord>,
    is_whole: bool,
}

impl SnapshotParser {
    fn take(&mut self, bytes: &[u8]) -> Result<(), RemoteError> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(end);
            self.rest.advance(1);
            self.line(&line)?;
        }
        if self.rest.len() > LINE_BYTES_MAX { Err(WireError("a line").into()) } else { Ok(()) }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), RemoteError> {
        let response: SnapshotLine = serde_json::from_slice(line).map_err(|_| WireError("a line"))?;
        match (response, self.position) {
            (SnapshotLine::Head(at), None) => self.position = Some(position(&at)?),
            (SnapshotLine::Key(key), Some(_)) if !self.is_whole => {
                self.records.push(KeyRecord::try_from(&*key)?);
            }
            (SnapshotLine::End(count), Some(_)) => self.is_whole = count == self.records.len() as u64,
            _ => return Err(WireError("a line").into()),
        }
        Ok(())
    }

    fn end(self) -> Result<Snapshot, RemoteError> {
        match self.position.filter(|_| self.is_whole && self.rest.is_empty()) {
            Some(position) => Ok(Snapshot { position, records: self.records }),
            None => Err(RemoteError::CutOff),
        }
    }
}

fn position(at: &FeedPosition) -> Result<Position, WireError> {
    at.try_into()
}
