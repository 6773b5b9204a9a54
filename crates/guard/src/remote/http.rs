//! The node's end of the line: requests to the server, answers as values.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use keyrack_key::NodeId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::Unreadable;

/// Beyond what the server may hold a question back.
const PATIENCE: Duration = Duration::from_secs(4);
/// Answers but for snapshots, which come line by line.
const LARGEST: usize = 64 * 1024 * 1024;

/// Why a node learned nothing new.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address of the server is none.
    #[error("expected the address of a Keyrack server, such as https://keys.example.org")]
    Address,
    /// Others on the network could read the credential.
    #[error(
        "the address is plain HTTP on another machine, where others could read the credential: use https with a \
         connector, or allow_plain_http() on a network of your own"
    )]
    PlainHttp,
    /// The credential cannot stand in a header, so it is none.
    #[error("expected an API key with the scope Node")]
    Credential,
    /// The server cannot be reached, or fell silent.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server does not take the credential: it was deleted, or lacks the scope Node.
    #[error("the server refuses the credential ({status}): {message}")]
    Refused {
        /// 401 or 403.
        status: StatusCode,
        /// What the server says.
        message: String,
    },
    /// The server has not heard of this node for too long, and counts on it no more: register anew.
    #[error("the server does not know this node any more")]
    Gone,
    /// Where this node stands is none of the server's history: it was given back an older one, or is another server.
    #[error("the server has another history")]
    OtherHistory,
    /// The server answered with something else.
    #[error("the server answers {status}: {message}")]
    Answer {
        /// The status.
        status: StatusCode,
        /// What the server says.
        message: String,
    },
    /// The answer is not what it should be.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The answer ended early.
    #[error("the snapshot was cut off")]
    CutOff,
    /// This machine's time of day is not the server's: keys would expire too early or too late.
    #[error("the clocks of this machine and of the server are more than two seconds apart")]
    Clock,
}

/// A server, and the credential of a node.
#[derive(Clone, Debug)]
pub(super) struct Line<C> {
    client: Client<C, Full<Bytes>>,
    base: String,
    credential: HeaderValue,
}

impl<C: Connect + Clone + Send + Sync + 'static> Line<C> {
    pub(super) fn new(
        connector: C,
        server: &str,
        credential: &str,
        allow_plain_http: bool,
    ) -> Result<Self, RemoteError> {
        let uri: Uri = server.parse().map_err(|_| RemoteError::Address)?;
        if uri.scheme().is_none() || uri.authority().is_none() || uri.query().is_some() {
            return Err(RemoteError::Address);
        }
        if !(allow_plain_http || is_private(&uri)) {
            return Err(RemoteError::PlainHttp);
        }
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {credential}")).map_err(|_| RemoteError::Credential)?;
        bearer.set_sensitive(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .build(connector);
        let base = format!("{}/api/v1/nodes", server.trim_end_matches('/'));
        Ok(Self { client, base, credential: bearer })
    }

    /// Registers, or asks something of this node.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, RemoteError> {
        let answer = self.asked(Method::POST, path, Some(body)).await?;
        serde_json::from_slice(&answer).map_err(|_| Unreadable("an answer").into())
    }

    /// Tells something, and wants no answer but that it arrived.
    pub(super) async fn tell(&self, path: &str, body: &impl Serialize) -> Result<(), RemoteError> {
        self.asked(Method::POST, path, Some(body)).await.map(drop)
    }

    /// Leaves: the server waits for this node no more.
    pub(super) async fn leave(&self, node: NodeId) -> Result<(), RemoteError> {
        self.asked(Method::DELETE, &format!("/{node}"), None::<&()>).await.map(drop)
    }

    /// An answer that comes piece by piece.
    pub(super) async fn stream(&self, path: &str) -> Result<Incoming, RemoteError> {
        let response = within(PATIENCE, self.send(Method::GET, path, None::<&()>)).await??;
        Ok(checked(response).await?.into_body())
    }

    async fn asked(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Bytes, RemoteError> {
        let whole = async {
            let response = checked(self.send(method, path, body).await?).await?;
            read(response).await
        };
        within(PATIENCE, whole).await?
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response<Incoming>, RemoteError> {
        let json = body.map(serde_json::to_vec).transpose().map_err(|_| Unreadable("a question"))?;
        let mut request = Request::new(Full::from(json.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.base).parse().map_err(|_| RemoteError::Address)?;
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.credential.clone());
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("keyrack-guard/", env!("CARGO_PKG_VERSION"))),
        );
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        self.client.request(request).await.map_err(|error| RemoteError::Unreachable(error.into()))
    }
}

/// Whether the connection is private: TLS, or an address of this machine.
fn is_private(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    };
    is_loopback || uri.scheme() != Some(&Scheme::HTTP)
}

/// The answer, if it is one.
async fn checked(response: Response<Incoming>) -> Result<Response<Incoming>, RemoteError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body: Value = serde_json::from_slice(&read(response).await?).unwrap_or_default();
    let message = body["message"].as_str().unwrap_or("no reason").to_owned();
    Err(match (status, body["code"].as_str()) {
        (StatusCode::NOT_FOUND, Some("not_found")) => RemoteError::Gone,
        (_, Some("other_history")) => RemoteError::OtherHistory,
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => RemoteError::Refused { status, message },
        _ => RemoteError::Answer { status, message },
    })
}

async fn read(response: Response<Incoming>) -> Result<Bytes, RemoteError> {
    let body = http_body_util::Limited::new(response.into_body(), LARGEST);
    let whole = body.collect().await.map_err(RemoteError::Unreachable)?;
    Ok(whole.to_bytes())
}

pub(super) async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Result<T, RemoteError> {
    tokio::time::timeout(time, work).await.map_err(|late| RemoteError::Unreachable(late.into()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn plain_http_is_private_only_on_loopback() {
        for (server, is_private) in [
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://LOCALHOST", true),
            ("https://keys.example.org", true),
            ("http://keys.example.org", false),
            ("http://10.0.0.1:8080", false),
            ("http://localhost.example.org", false),
        ] {
            assert_eq!(super::is_private(&server.parse().unwrap()), is_private, "{server}");
        }
    }
}
