//! Listeners accept connections, limit how many are open, and close a connection whose peer makes no progress.
//!
//! Start reading at [`Connections`], which counts connections. Each connection has a `peer::Peer`, which measures how
//! fast the other side reads.

mod acceptor;
mod connections;
mod descriptors;
mod notice;
mod peer;
mod service;
mod stream;
mod time_budget;
mod unread;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum_server::Server;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use socket2::{Domain, Protocol, Socket, Type};

use crate::http::host::HEAD_BYTES;

pub use acceptor::Acceptor;
pub use connections::{ConnectionLimits, ConnectionMetrics, Connections};
pub use descriptors::{raise_descriptor_limit, spare_descriptors};
pub use time_budget::TimeBudget;
pub use unread::{AnswerUnread, UnreadAcceptor};

/// Connections that the kernel completes and keeps until the server accepts them. The kernel caps this number at
/// `net.core.somaxconn`, which is 4,096 on Linux.
const BACKLOG: i32 = 4_096;
/// A client must send the headers of a request within this time. The server also closes connections that are
/// idle for this time.
const HEADERS: Duration = Duration::from_secs(30);
/// Open streams per HTTP/2 connection. RFC 9113 (section 6.5.2) recommends at least 100.
const STREAMS: u32 = 100;
/// Bytes of a request head that the HTTP library reads. The edge denies heads longer than [`HEAD_BYTES`], and the library
/// denies heads longer than this limit. With HTTP/2 the library's response has no body.
const READ_BYTES: usize = 2 * HEAD_BYTES;

/// Listens on an address with a non-blocking socket.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that restarts must not wait until the kernel forgets the connections of the previous process (TIME_WAIT).
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Creates a server for plain HTTP/1.1 and HTTP/2. `unread` responds to bytes that the HTTP library cannot parse. Call this
/// function within a Tokio runtime.
pub fn plain(
    listener: TcpListener,
    connections: &Connections,
    unread: Option<AnswerUnread>,
) -> io::Result<Server<SocketAddr, UnreadAcceptor<Acceptor>>> {
    let acceptor = UnreadAcceptor { inner: connections.acceptor(), answer: unread };
    let server = axum_server::from_tcp(listener)?.acceptor(acceptor);
    Ok(with_limits(server, connections))
}

/// Creates a server like [`plain`], over TLS. A handshake may take ten seconds.
pub fn over_tls(
    listener: TcpListener,
    config: RustlsConfig,
    connections: &Connections,
    unread: Option<AnswerUnread>,
) -> io::Result<Server<SocketAddr, UnreadAcceptor<RustlsAcceptor<Acceptor>>>> {
    let server = axum_server::from_tcp_rustls(listener, config)?;
    let server =
        server.map(|tls| UnreadAcceptor { inner: tls.acceptor(connections.acceptor()), answer: unread });
    Ok(with_limits(server, connections))
}

fn with_limits<A>(server: Server<SocketAddr, A>, connections: &Connections) -> Server<SocketAddr, A> {
    connections.close_stalled_ones();
    let counted = connections.clone();
    let mut server = server.first_request_timeout(HEADERS).accept_error_handler(move |peer, error| {
        match peer {
            // The listener failed before a peer connected.
            None => counted.accept_failed(error),
            // The peer was denied, which is counted already, or the handshake failed.
            Some(address) => tracing::debug!(%address, %error, "a connection was not accepted"),
        }
    });
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(READ_BYTES);
    let http2 = &mut builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(HEADERS).max_concurrent_streams(STREAMS);
    http2.max_header_list_size(u32::try_from(READ_BYTES).unwrap_or(u32::MAX));
    server
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    #[test]
    fn backlog_holds_many_simultaneous_clients() {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let system = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
        let clients = system.trim().parse().unwrap_or(128).min(600);
        // The kernel retries a connection that does not fit into the backlog, and never completes it.
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(10)).unwrap();
        let connected: Vec<_> = (0..clients).map(connect).collect();
        assert_eq!(connected.len(), clients);
    }
}
