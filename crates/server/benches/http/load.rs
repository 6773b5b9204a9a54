//! A client that does little, so that the server is what is measured: one request, sent again and again on a kept connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A kept connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// Sends `request` and reads its answer, which must begin with `status`. The time until its first byte.
    pub(crate) fn ask(&mut self, request: &[u8], status: &str) -> Duration {
        let started = Instant::now();
        self.stream.write_all(request).unwrap();
        let mut filled = self.stream.read(&mut self.buffer).unwrap();
        let first_byte = started.elapsed();
        let (head, length) = loop {
            if let Some(head) = self.buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") {
                break (head + 4, content_length(&self.buffer[..head]));
            }
            filled += self.stream.read(&mut self.buffer[filled..]).unwrap();
        };
        while filled < head + length {
            filled += self.stream.read(&mut self.buffer[filled..]).unwrap();
        }
        assert!(
            self.buffer.starts_with(status.as_bytes()),
            "{}",
            String::from_utf8_lossy(&self.buffer[..filled])
        );
        first_byte
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_lowercase();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
    // An answer without content has no length.
    value.map_or(0, |value| value.trim().parse().unwrap())
}

/// Requests a second that `address` answers to `clients` at once, over `span`.
pub(crate) fn rate(address: SocketAddr, request: &[u8], status: &str, clients: usize, span: Duration) -> f64 {
    std::thread::scope(|scope| {
        let work = || {
            let mut client = Client::connect(address);
            client.ask(request, status);
            let started = Instant::now();
            let mut count = 0_u32;
            while started.elapsed() < span {
                client.ask(request, status);
                count += 1;
            }
            f64::from(count) / started.elapsed().as_secs_f64()
        };
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<f64>()
    })
}
