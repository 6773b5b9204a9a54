//! The keys of a workspace, read from a server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper_util::client::legacy::connect::Connect;
use keyrack_key::{NodeId, Timestamp};
use keyrack_rack::{Feed, Frame, Moment, Next, Position, Reading, Record, Snapshot, Trust};
use parking_lot::Mutex;

use super::http::{Line, RemoteError, within};
use super::wire::{Applied, At, Changes, Line as Told, Unreadable, WAIT};
use crate::Clock;

/// How far the time of day here and there may be apart.
const APART: Duration = Duration::from_secs(2);
/// A snapshot of which nothing comes for so long is cut off.
const SILENCE: Duration = Duration::from_secs(10);
/// No key takes more: its name, restrictions and secrets are bounded.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// What a registered node reads. Each question for changes tells what was applied and renews the lease.
#[derive(Debug)]
pub(super) struct RemoteFeed<C> {
    line: Line<C>,
    node: NodeId,
    clock: Clock,
    /// How long the node decides after the start of its last renewal.
    span: Duration,
    /// When the last renewal that succeeded had begun.
    renewed: Mutex<Option<Moment>>,
    /// Whether the next question may wait for changes. The first may not: nobody is served before its answer.
    waits: AtomicBool,
}

impl<C: Connect + Clone + Send + Sync + 'static> RemoteFeed<C> {
    pub(super) fn new(line: Line<C>, node: NodeId, clock: Clock, span: Duration) -> Self {
        Self { line, node, clock, span, renewed: Mutex::default(), waits: AtomicBool::new(false) }
    }

    fn is_in_time(&self, before: Timestamp, told: &Changes) -> Result<(), RemoteError> {
        let (theirs, after) = (told.time()?, (self.clock)());
        let (earliest, latest) = (before.minus(APART), after.plus(APART));
        if (earliest..=latest).contains(&theirs) { Ok(()) } else { Err(RemoteError::Clock) }
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Feed for RemoteFeed<C> {
    type Error = RemoteError;

    async fn snapshot(&self, _: Timestamp) -> Result<Reading<RemoteError>, RemoteError> {
        let mut body = self.line.stream(&format!("/{}/snapshot", self.node)).await?;
        let mut reading = Lines::default();
        while let Some(frame) = within(SILENCE, body.frame()).await? {
            let frame = frame.map_err(|error| RemoteError::Unreachable(error.into()))?;
            if let Ok(data) = frame.into_data() {
                reading.take(&data)?;
            }
        }
        Ok(reading.end()?.into())
    }

    async fn after(&self, position: Position) -> Result<Next, RemoteError> {
        let wait = if self.waits.load(Ordering::Relaxed) { WAIT } else { Duration::ZERO };
        let wait_millis = u64::try_from(wait.as_millis()).unwrap_or(0);
        let (began, before) = (Moment::now(), (self.clock)());
        let question = Applied { applied: position.into(), wait_millis };
        let told: Changes = match self.line.post(&format!("/{}/changes", self.node), &question).await {
            Err(RemoteError::OtherHistory) => return Ok(Next::Reload),
            other => other?,
        };
        self.is_in_time(before, &told)?;
        let frame = Frame {
            from: (&told.from).try_into()?,
            to: (&told.to).try_into()?,
            changes: told.changes.iter().map(Record::try_from).collect::<Result<_, _>>()?,
        };
        // What does not continue where the rack stands is refused there, and renews nothing.
        if frame.from == position {
            *self.renewed.lock() = Some(began);
            self.waits.store(true, Ordering::Relaxed);
        }
        Ok(Next::Frame(frame))
    }

    fn trust(&self) -> Trust {
        self.renewed.lock().map_or(Trust::Never, |began| Trust::Until(began.plus(self.span)))
    }
}

/// A snapshot as it arrives.
#[derive(Default)]
struct Lines {
    rest: BytesMut,
    position: Option<Position>,
    records: Vec<Record>,
    is_whole: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) -> Result<(), RemoteError> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(end);
            self.rest.advance(1);
            self.line(&line)?;
        }
        if self.rest.len() > LONGEST_LINE { Err(Unreadable("a line").into()) } else { Ok(()) }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), RemoteError> {
        let told: Told = serde_json::from_slice(line).map_err(|_| Unreadable("a line"))?;
        match (told, self.position) {
            (Told::Head(at), None) => self.position = Some(position(&at)?),
            (Told::Key(key), Some(_)) if !self.is_whole => self.records.push(Record::try_from(&*key)?),
            (Told::End(count), Some(_)) => self.is_whole = count == self.records.len() as u64,
            _ => return Err(Unreadable("a line").into()),
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

fn position(at: &At) -> Result<Position, Unreadable> {
    at.try_into()
}
