//! The state of the other side of a connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use super::time_budget::TimeBudget;

/// The longest time that a piece of a response may stay unsent while the peer takes other responses of the same connection.
const PIECE: Duration = Duration::from_mins(1);

/// The other side of a connection: whether the peer takes what the server sends, and whether the peer still sends.
#[derive(Debug, Default)]
pub struct Peer {
    pending: Mutex<Pending>,
    is_closed: AtomicBool,
    /// Wakes the task that drives the connection.
    waker: AtomicWaker,
    /// Whether bytes have arrived since the last request, or since the end of its body.
    has_sent: AtomicBool,
    /// Whether the service has a request whose body is not read to the end.
    is_sending_body: AtomicBool,
}

#[derive(Debug)]
struct Pending {
    socket: TimeBudget,
    /// Covers all responses. An HTTP/2 peer can keep the socket free and yet take nothing of any response (RFC
    /// 9113, section 5.2).
    answers: TimeBudget,
    /// Start times by number, oldest first: of each piece that is not sent yet, and of each body that waits for the peer.
    pieces: BTreeMap<u64, Instant>,
    next_piece: u64,
}

impl Default for Pending {
    fn default() -> Self {
        let (socket, answers) = (TimeBudget::full(), TimeBudget::full());
        Self { socket, answers, pieces: BTreeMap::new(), next_piece: 0 }
    }
}

impl Pending {
    /// Counts a piece or a waiting body as unsent from now on. Returns its number.
    fn begin(&mut self, now: Instant) -> u64 {
        let number = self.next_piece;
        self.next_piece += 1;
        self.pieces.insert(number, now);
        self.answers.wait(now);
        number
    }
}

impl Peer {
    /// Records that the socket accepts no more bytes.
    pub fn socket_is_full(&self, now: Instant) {
        self.pending.lock().socket.wait(now);
    }

    /// Notes that the socket has taken bytes. Returns `true` while the peer's budget is not full again.
    pub fn socket_took(&self, bytes: usize, now: Instant) -> bool {
        let socket = &mut self.pending.lock().socket;
        socket.receive(bytes, now);
        !socket.is_full()
    }

    /// Returns whether the peer has used up its time for the socket, for all responses, or for one piece.
    pub fn is_stalled(&self, now: Instant) -> bool {
        let pending = self.pending.lock();
        let oldest = pending.pieces.first_key_value();
        pending.socket.is_over(now)
            || pending.answers.is_over(now)
            || oldest.is_some_and(|(_, handed_over)| now.saturating_duration_since(*handed_over) > PIECE)
    }

    /// Closes the connection: the next read or write fails.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Returns whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Registers the task that waits for the socket. [`close`](Self::close) wakes this task.
    pub fn wake_on_close(&self, waker: &Waker) {
        self.waker.register(waker);
        if self.is_closed() {
            waker.wake_by_ref();
        }
    }

    /// Notes that bytes have arrived.
    pub fn sent(&self) {
        self.has_sent.store(true, Ordering::Relaxed);
    }

    /// Notes that the service received a request. `has_body`: the body of the request is still to be read.
    pub fn request_begins(&self, has_body: bool) {
        self.has_sent.store(false, Ordering::Relaxed);
        self.is_sending_body.store(has_body, Ordering::Relaxed);
    }

    /// Notes that the body of the request was read to the end.
    pub fn body_ends(&self) {
        self.has_sent.store(false, Ordering::Relaxed);
        self.is_sending_body.store(false, Ordering::Relaxed);
    }

    /// Returns whether the body of the request is not yet read to the end.
    pub fn is_sending_body(&self) -> bool {
        self.is_sending_body.load(Ordering::Relaxed)
    }

    /// Returns whether the peer may be sending bytes that the server will not read: a body, or bytes that
    /// are not a request.
    pub fn is_sending(&self) -> bool {
        self.is_sending_body() || self.has_sent.load(Ordering::Relaxed)
    }

    /// Returns the same bytes, and counts them as unsent until the last copy of them is dropped.
    pub fn piece(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        let number = self.pending.lock().begin(Instant::now());
        Bytes::from_owner(Piece { bytes, number, peer: Arc::clone(self) })
    }

    /// Counts a body that has more to send as waiting for the peer, until the returned value is dropped. With HTTP/2 the
    /// library does not poll a body while the peer leaves no window for it.
    pub fn body_waits(self: &Arc<Self>) -> WaitingBody {
        let number = self.pending.lock().begin(Instant::now());
        WaitingBody { number, peer: Arc::clone(self) }
    }

    fn piece_is_sent(&self, number: u64, bytes: usize, now: Instant) {
        let mut pending = self.pending.lock();
        pending.pieces.remove(&number);
        pending.answers.receive(bytes, now);
        if !pending.pieces.is_empty() {
            pending.answers.wait(now);
        }
    }
}

/// A piece of a response, from when the HTTP library receives the piece until the piece is sent or dropped.
struct Piece {
    bytes: Bytes,
    number: u64,
    peer: Arc<Peer>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.peer.piece_is_sent(self.number, self.bytes.len(), Instant::now());
    }
}

/// A body that waits until its peer takes more of the body.
#[derive(Debug)]
pub struct WaitingBody {
    number: u64,
    peer: Arc<Peer>,
}

impl Drop for WaitingBody {
    fn drop(&mut self) {
        self.peer.piece_is_sent(self.number, 0, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_response_stalls_the_connection_despite_free_socket() {
        let (peer, start) = (Arc::new(Peer::default()), Instant::now());
        let first = peer.piece(Bytes::from_static(b"first"));
        let second = peer.piece(Bytes::from_static(b"second"));
        assert_eq!(first, "first");
        let later = start + Duration::from_secs(11);
        assert!(!peer.is_stalled(start) && peer.is_stalled(later));
        drop(first.slice(1..));
        assert!(peer.is_stalled(later), "dropping a copy is no progress");
        drop((first, second));
        assert!(!peer.is_stalled(later + PIECE), "no piece is left to send");
    }

    #[test]
    fn other_progress_delays_a_stall_by_a_minute() {
        let (peer, start) = (Arc::new(Peer::default()), Instant::now());
        let _left = peer.piece(Bytes::from_static(b"left"));
        for second in 0..70 {
            let now = start + Duration::from_secs(second);
            peer.piece_is_sent(u64::MAX, 64 * 1024, now);
            assert_eq!(peer.is_stalled(now), second > 60, "{second}");
        }
    }

    #[test]
    fn body_without_window_stalls_despite_other_progress() {
        let (peer, start) = (Arc::new(Peer::default()), Instant::now());
        let body = peer.body_waits();
        assert!(peer.is_stalled(start + Duration::from_secs(11)), "the peer reads nothing");
        for second in 0..70 {
            let now = start + Duration::from_secs(second);
            peer.piece_is_sent(u64::MAX, 64 * 1024, now);
            assert_eq!(peer.is_stalled(now), second > 60, "{second}");
        }
        drop(body);
        assert!(!peer.is_stalled(start + Duration::from_secs(200)), "no body is waiting");
    }

    #[test]
    fn peer_stops_sending_after_its_body_was_read() {
        let peer = Peer::default();
        peer.sent();
        assert!(peer.is_sending(), "the bytes may begin a request");
        peer.request_begins(true);
        peer.sent();
        assert!(peer.is_sending() && peer.is_sending_body());
        peer.body_ends();
        assert!(!peer.is_sending());
    }
}
