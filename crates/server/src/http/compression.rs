//! Compresses responses for clients that accept compressed responses.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue, Request, StatusCode, Version, header};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};
use tower_http::compression::{Compression, CompressionLayer};

/// In bytes. Smaller responses fit into one packet anyway.
const WORTHWHILE: u64 = 1_024;
/// Types that compress well. Events are absent because they must not wait for each other, and images because they are
/// already compressed.
const COMPRESSIBLE: [&str; 9] = [
    "text/html",
    "text/css",
    "text/csv",
    "text/plain",
    "text/javascript",
    "image/svg+xml",
    "application/json",
    "application/x-ndjson",
    "application/problem+json",
];

/// Marks a response that must not be compressed. Every response that contains both a secret and text that an attacker may
/// choose needs this mark, because the compressed length reveals how similar the two are (BREACH). Responses that are
/// mostly an image also have this mark.
#[derive(Clone, Copy, Debug)]
pub struct Uncompressed;

/// An encoding that the server can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// Returns the best encoding that a client accepts (RFC 9110, section 12.5.3), or `None` if the response must be plain.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let items: Vec<_> = lines.flat_map(|line| line.split(',')).filter_map(item).collect();
        let quality = |encoding: Self| {
            let of = |name: &str| items.iter().find(|(item, _)| item.eq_ignore_ascii_case(name));
            of(encoding.name()).or_else(|| of("*")).map_or(0.0, |(_, quality)| *quality)
        };
        let (brotli, gzip) = (quality(Self::Brotli), quality(Self::Gzip));
        match brotli >= gzip {
            true if brotli > 0.0 => Some(Self::Brotli),
            false => Some(Self::Gzip),
            true => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn compress(self, plain: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut small = Vec::new();
        match self {
            Self::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams::default();
                brotli::BrotliCompress(&mut &*plain, &mut small, &parameters)?;
            }
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(&mut small, flate2::Compression::best());
                std::io::Write::write_all(&mut encoder, plain)?;
                encoder.finish()?;
            }
        }
        Ok(small)
    }
}

/// Parses an item such as `gzip;q=0.8`.
fn item(text: &str) -> Option<(&str, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next()?;
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let quality = quality.map_or(Some(1.0), |quality| quality.parse().ok())?;
    // The parser accepts `nan` and `inf`, which are not weights.
    (0.0..=1.0).contains(&quality).then_some((name, quality))
}

/// Reduces `Accept-Encoding` to the one encoding that the response will use. Otherwise the layer would respond with 406 to
/// a client that accepts no encoding, after the handler has run.
pub fn settle<B>(request: &mut Request<B>) {
    if request.headers().contains_key(header::ACCEPT_ENCODING) {
        let accepted = Encoding::accepted(request.headers());
        let headers = request.headers_mut();
        headers.remove(header::ACCEPT_ENCODING);
        if let Some(accepted) = accepted {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted.name()));
        }
    }
}

/// Which responses are compressed: those of at least 1 KiB and a compressible type.
type Compressible = And<SizeAbove, fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool>;
/// A service whose responses are compressed.
pub type Compressed<S> = Compression<S, Compressible>;

/// Returns the layer that compresses responses of at least 1 KiB and a compressible type.
pub fn layer() -> CompressionLayer<Compressible> {
    CompressionLayer::new()
        .compress_when(SizeAbove::new(WORTHWHILE).and(is_compressible as fn(_, _, &_, &_) -> _))
}

fn is_compressible(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    COMPRESSIBLE.contains(&essence)
        // A strong tag identifies bytes, and compression changes them (RFC 9110, section 8.8.3.3).
        && !headers.contains_key(header::ETAG)
        && extensions.get::<Uncompressed>().is_none()
}

/// Static text, which is compressed at most once per encoding.
#[derive(Clone, Debug)]
pub struct StaticText(Arc<Forms>);

#[derive(Debug)]
struct Forms {
    plain: Bytes,
    content_type: &'static str,
    brotli: OnceCell<Bytes>,
    gzip: OnceCell<Bytes>,
}

impl StaticText {
    /// Creates a response from UTF-8 text and its content type.
    pub fn new(plain: impl Into<Bytes>, content_type: &'static str) -> Self {
        let (brotli, gzip) = (OnceCell::new(), OnceCell::new());
        Self(Arc::new(Forms { plain: plain.into(), content_type, brotli, gzip }))
    }

    /// Returns the text in the best encoding that the client accepts. The first call for an encoding compresses the text on
    /// a blocking thread.
    pub async fn answer(&self, headers: &HeaderMap) -> Response {
        let accepted = Encoding::accepted(headers);
        let (bytes, encoding) = match accepted {
            Some(encoding) => match self.compressed(encoding).await {
                Some(bytes) => (bytes, Some(encoding)),
                None => (self.0.plain.clone(), None),
            },
            None => (self.0.plain.clone(), None),
        };
        let head = [(header::CONTENT_TYPE, self.0.content_type), (header::VARY, "Accept-Encoding")];
        let mut answer = (head, bytes).into_response();
        if let Some(encoding) = encoding {
            answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        answer
    }

    /// Returns `None` if the compressed text is not smaller, or if compression fails.
    async fn compressed(&self, encoding: Encoding) -> Option<Bytes> {
        let form = match encoding {
            Encoding::Brotli => &self.0.brotli,
            Encoding::Gzip => &self.0.gzip,
        };
        let compress = async || {
            let plain = self.0.plain.clone();
            // The best compression takes a tenth of a second.
            let compressed = spawn_blocking(move || encoding.compress(&plain)).await;
            compressed.map_err(std::io::Error::other)?.map(Bytes::from)
        };
        let compressed = form.get_or_try_init(compress).await.ok()?;
        (compressed.len() < self.0.plain.len()).then(|| compressed.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_accepted_encoding_is_used() {
        for (sent, used) in [
            (&[][..], None),
            (&["gzip, deflate, br, zstd"], Some(Encoding::Brotli)),
            (&["gzip"], Some(Encoding::Gzip)),
            (&["GZIP"], Some(Encoding::Gzip)),
            (&["deflate", "gzip;q=0.5"], Some(Encoding::Gzip)),
            (&["br;q=0.5, gzip;q=0.8"], Some(Encoding::Gzip)),
            (&["br;q=0, gzip;q=0"], None),
            (&["*"], Some(Encoding::Brotli)),
            (&["*;q=0"], None),
            (&["br;q=0, *"], Some(Encoding::Gzip)),
            (&["identity;q=0"], None),
            (&["br;q=high"], None),
            (&["br;q=nan"], None),
            (&["gzip;q=nan"], None),
            (&["br;q=nan, gzip;q=0"], None),
            (&["br;q=0.1, gzip;q=inf"], Some(Encoding::Brotli)),
            (&["br;q=-1, gzip;q=2"], None),
            (&["brotli, x-gzip"], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in sent {
                headers.append(header::ACCEPT_ENCODING, line.parse().unwrap());
            }
            assert_eq!(Encoding::accepted(&headers), used, "{sent:?}");
        }
    }

    #[tokio::test]
    async fn text_that_would_grow_is_not_compressed() {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("br"))]);
        let response = StaticText::new("x", "text/plain").answer(&headers).await;
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(response.headers()[header::VARY], "Accept-Encoding");
        let response = StaticText::new("x".repeat(5_000), "text/plain").answer(&headers).await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "br");
    }
}
