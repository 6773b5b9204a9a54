//! The bytes of a connection. Reads and writes fail once the peer stalls. If the server closes first, a peer that still
//! sends receives the last response nevertheless.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::connections::OpenConnection;
use super::peer::Peer;

/// The longest time that the server keeps reading after it has closed its side.
const LINGER: Duration = Duration::from_secs(10);
/// The most bytes that the server reads and discards in this time.
const LINGER_BYTES: usize = 128 * 1024 * 1024;

#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    connection: OpenConnection,
    /// Whether the server has waited for the peer and the peer's budget is not full again. If so, the bytes that the peer
    /// takes are counted.
    is_slow: bool,
    closing: Closing,
}

#[derive(Debug, Default)]
enum Closing {
    #[default]
    Open,
    /// The server's side is closed. The server reads and discards what still arrives: the kernel resets a socket that is
    /// closed over unread bytes, and the peer loses the response that it has not read yet (RFC 9112, section 9.6).
    Lingering {
        until: Pin<Box<Sleep>>,
        bytes: usize,
    },
    Closed,
}

impl Stream {
    pub fn new(socket: TcpStream, connection: OpenConnection) -> Self {
        Self { socket, connection, is_slow: false, closing: Closing::Open }
    }

    pub const fn connection(&self) -> &OpenConnection {
        &self.connection
    }

    fn peer(&self) -> &Arc<Peer> {
        self.connection.peer()
    }

    fn check_open(&self) -> io::Result<()> {
        if self.peer().is_closed() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading the response"));
        }
        Ok(())
    }

    /// Counts the bytes that the socket has taken, or starts to wait for the peer if the socket is full.
    fn count(&mut self, cx: &Context<'_>, taken: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &taken {
            Poll::Pending => {
                self.peer().wake_on_close(cx.waker());
                self.peer().socket_is_full(Instant::now());
                self.is_slow = true;
            }
            Poll::Ready(Ok(bytes)) if self.is_slow => {
                self.is_slow = self.peer().socket_took(*bytes, Instant::now());
            }
            Poll::Ready(_) => {}
        }
        taken
    }

    /// Reads and discards bytes until the peer closes its side, or until the limit of bytes or time is reached.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Closing::Lingering { until, bytes } = &mut self.closing else { return Poll::Ready(()) };
        let mut thrown_away = [0; 16 * 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                Poll::Pending => return until.as_mut().poll(cx),
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && *bytes > 0 => {
                    *bytes = bytes.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_open()?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buffer);
        if read.is_pending() {
            self.peer().wake_on_close(cx.waker());
        } else if buffer.filled().len() > before {
            self.peer().sent();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_open()?;
        let taken = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.count(cx, taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_open()?;
        let taken = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.count(cx, taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.closing, Closing::Open) {
            ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
            self.closing = if self.peer().is_sending() && !self.peer().is_closed() {
                Closing::Lingering { until: Box::pin(sleep(LINGER)), bytes: LINGER_BYTES }
            } else {
                Closing::Closed
            };
        }
        ready!(self.linger(cx));
        self.closing = Closing::Closed;
        Poll::Ready(Ok(()))
    }
}
