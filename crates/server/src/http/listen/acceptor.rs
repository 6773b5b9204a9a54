//! Accepts sockets as connections.

use std::future::{Ready, ready};
use std::io;

use axum_server::accept::Accept;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::connections::Connections;
use super::service::ConnectionService;
use super::stream::Stream;

/// Bytes that the kernel keeps unsent. Without this limit a socket buffers megabytes, and then takes no more bytes until a
/// slow peer has received a third of them: a slow peer would look like a stalled peer.
const UNSENT: u32 = 128 * 1024;

/// Accepts sockets within the [connection limits](super::ConnectionLimits).
#[derive(Clone, Debug)]
pub struct Acceptor(pub(super) Connections);

impl<S> Accept<TcpStream, S> for Acceptor {
    type Stream = Stream;
    type Service = ConnectionService<S>;
    type Future = Ready<io::Result<(Stream, Self::Service)>>;

    fn accept(&self, socket: TcpStream, service: S) -> Self::Future {
        ready(self.take(socket).map(|stream| {
            let peer = stream.connection().peer().clone();
            (stream, ConnectionService::new(service, peer))
        }))
    }
}

impl Connections {
    /// Returns an acceptor that counts its sockets among these connections.
    pub fn acceptor(&self) -> Acceptor {
        Acceptor(self.clone())
    }
}

impl Acceptor {
    fn take(&self, socket: TcpStream) -> io::Result<Stream> {
        let connection = self.0.admit(socket.peer_addr()?.ip()).map_err(io::Error::other)?;
        // With HTTP/2 a response would otherwise wait 40 ms for the client to acknowledge the previous bytes (RFC 896, RFC
        // 1122 section 4.2.3.2).
        socket.set_nodelay(true)?;
        #[cfg(target_os = "linux")]
        SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT)?;
        Ok(Stream::new(socket, connection))
    }
}
