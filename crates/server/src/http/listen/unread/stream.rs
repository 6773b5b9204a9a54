//! The bytes of a connection, in which the server's response replaces the HTTP library's own.

use std::fmt::Write as _;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::to_bytes;
use axum::response::Response;
use futures_util::FutureExt;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::AnswerUnread;
use super::response_progress::ResponseProgress;

/// The most bytes in the body of a replacement.
const BODY_BYTES: usize = 16 * 1024;

/// The bytes of a connection, as the HTTP library reads and writes them.
pub struct UnreadStream<T> {
    inner: T,
    turn: Arc<ResponseProgress>,
    answer: Option<(AnswerUnread, IpAddr)>,
    replacement: Option<Replacement>,
}

/// The response that replaces the library's response, and the last on its connection.
struct Replacement {
    bytes: Vec<u8>,
    written: usize,
}

impl<T> UnreadStream<T> {
    /// Replaces what the library writes to `inner` while `turn` is idle.
    pub const fn new(inner: T, turn: Arc<ResponseProgress>, answer: Option<(AnswerUnread, IpAddr)>) -> Self {
        Self { inner, turn, answer, replacement: None }
    }

    /// Returns whether these bytes, which the library writes, are a response of the library's own. HTTP/2 has no such
    /// responses, and no HTTP/2 frame starts like a status line.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        if self.turn.is_idle() && self.replacement.is_none() && bytes.starts_with(b"HTTP/1.") {
            self.replacement = self.replacement_of(bytes);
        }
        self.replacement.is_some()
    }

    fn replacement_of(&self, bytes: &[u8]) -> Option<Replacement> {
        let (answer, address) = self.answer.as_ref()?;
        let head = str::from_utf8(bytes).ok()?;
        let status = StatusCode::from_bytes(head.split(' ').nth(1)?.as_bytes()).ok()?;
        let bytes = write_answer(head, answer(status, *address))?;
        Some(Replacement { bytes, written: 0 })
    }
}

impl<T: AsyncWrite + Unpin> UnreadStream<T> {
    /// Writes the replacement. Reports the `count` replaced bytes as written only once all of the replacement is written.
    fn poll_replace(&mut self, cx: &mut Context<'_>, count: usize) -> Poll<io::Result<usize>> {
        while let Some(Replacement { bytes, written }) = &mut self.replacement
            && *written < bytes.len()
        {
            match ready!(Pin::new(&mut self.inner).poll_write(cx, &bytes[*written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                taken => *written += taken,
            }
        }
        Poll::Ready(Ok(count))
    }
}

/// Formats a response as HTTP/1.1. The version and the `connection` header come from `head`, the library's own response.
/// Returns `None` if the body is not available at once.
fn write_answer(head: &str, answer: Response) -> Option<Vec<u8>> {
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, BODY_BYTES).now_or_never()?.ok()?;
    let mut lines = head.trim_end().split("\r\n");
    let version = lines.next()?.split(' ').next()?;
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let mut text = format!("{version} {} {reason}\r\n", parts.status.as_str());
    for line in lines.filter(|line| !line.starts_with("content-length:")) {
        let _ = write!(text, "{line}\r\n");
    }
    let _ = write!(text, "content-length: {}\r\n", body.len());
    let mut bytes = text.into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    Some(bytes)
}

impl<T: AsyncRead + Unpin> AsyncRead for UnreadStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for UnreadStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return self.poll_replace(cx, bytes.len());
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // The library writes a head as one slice.
        if pieces.first().is_some_and(|first| self.replaces(first)) {
            return self.poll_replace(cx, pieces.iter().map(|piece| piece.len()).sum());
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The library flushes when it has nothing left to write.
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.turn.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use http::header;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIBRARY_RESPONSE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                         content-length: 0\r\ndate: Mon, 30 Nov 2026 12:00:00 GMT\r\n\r\n";
    const REPLACED_RESPONSE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                        date: Mon, 30 Nov 2026 12:00:00 GMT\r\ncontent-length: 8\r\nx-request-id: 1\r\n\r\ntoo long";

    fn unread<T>(inner: T) -> (UnreadStream<T>, Arc<ResponseProgress>) {
        let response: AnswerUnread = Arc::new(|status, _| {
            let mut response = Response::new("too long".into());
            *response.status_mut() = status;
            response
                .headers_mut()
                .insert(header::HeaderName::from_static("x-request-id"), "1".parse().unwrap());
            response
        });
        let progress = Arc::new(ResponseProgress::default());
        (UnreadStream::new(inner, Arc::clone(&progress), Some((response, [127, 0, 0, 1].into()))), progress)
    }

    #[tokio::test]
    async fn replaced_response_is_complete_for_any_write_size() {
        for write_size in [1, 7, 64, 4_096] {
            let (mut client, server) = duplex(write_size);
            let (mut stream, _) = unread(server);
            let writing = tokio::spawn(async move {
                stream.write_all(LIBRARY_RESPONSE).await.unwrap();
                stream.shutdown().await.unwrap();
            });
            let mut read = String::new();
            client.read_to_string(&mut read).await.unwrap();
            assert_eq!(read, REPLACED_RESPONSE, "{write_size}");
            writing.await.unwrap();
        }
    }

    #[tokio::test]
    async fn service_response_is_forwarded_until_it_is_written() {
        let (mut client, server) = duplex(4_096);
        let (mut stream, progress) = unread(server);
        let response = progress.begin();
        stream.write_all(LIBRARY_RESPONSE).await.unwrap();
        stream.flush().await.unwrap();
        drop(response);
        // The end of a body may look like a response head.
        stream.write_all(LIBRARY_RESPONSE).await.unwrap();
        stream.flush().await.unwrap();
        let taken = stream.write_vectored(&[IoSlice::new(LIBRARY_RESPONSE)]).await.unwrap();
        assert_eq!(taken, LIBRARY_RESPONSE.len());
        stream.shutdown().await.unwrap();
        let mut read = String::new();
        client.read_to_string(&mut read).await.unwrap();
        let library_response = str::from_utf8(LIBRARY_RESPONSE).unwrap();
        assert_eq!(read, format!("{library_response}{library_response}{REPLACED_RESPONSE}"));
    }

    #[tokio::test]
    async fn frames_are_forwarded_unchanged() {
        let (mut client, server) = duplex(4_096);
        let (mut stream, _) = unread(server);
        stream.write_all(b"\0\0\0\x04\0\0\0\0\0").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"\0\0\0\x04\0\0\0\0\0");
    }
}
