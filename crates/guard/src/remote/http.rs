//! The HTTP client of a node.

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

use super::wire::WireError;

/// The time for a response, in addition to the time that the server may wait for changes.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(4);
/// The largest response in bytes, except for snapshots, which are parsed line by line.
const RESPONSE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why a node could not register or read changes.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address of the server is not a URL with a scheme and a host.
    #[error("use the URL of a Keyrack server, such as https://keys.example.org")]
    Address,
    /// The server is on another machine and the address is plain HTTP, so that others
    /// could read the credential.
    #[error(
        "the URL is plain HTTP on another machine, where others could read the API key: use https://, or \
         allow_plain_http() on a private network"
    )]
    PlainHttp,
    /// The credential is not an API key: it contains characters that HTTP headers do not allow.
    #[error("use an API key with the Node scope")]
    Credential,
    /// No trusted certificates for TLS could be loaded, so that no server can prove its identity.
    #[error("no trusted certificates could be loaded: {0}")]
    Certificates(String),
    /// The server cannot be reached, or did not respond in time.
    #[error("the server can't be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server does not accept the credential: the key was deleted, or lacks the scope Node.
    #[error("the server denied the API key ({status}): {message}")]
    Refused {
        /// The status of the response, 401 or 403.
        status: StatusCode,
        /// The message of the server.
        message: String,
    },
    /// The server removed this node after a long silence. The node must register again.
    #[error("the server no longer has this node")]
    Gone,
    /// The position of this node is not in the server's history: the server was restored from a
    /// backup, or is another server.
    #[error("the server has another history")]
    OtherHistory,
    /// The server responded with another error.
    #[error("the server returned {status}: {message}")]
    Answer {
        /// The status of the response.
        status: StatusCode,
        /// The message of the server.
        message: String,
    },
    /// The response cannot be parsed.
    #[error(transparent)]
    WireError(#[from] WireError),
    /// The snapshot ended before its last line.
    #[error("the snapshot was cut off")]
    CutOff,
    /// The clocks of this machine and the server differ, so that keys would expire too early or too late.
    #[error("the clocks of this machine and of the server are more than two seconds apart")]
    Clock,
}

/// A client for one server, with the credential of a node.
#[derive(Clone, Debug)]
pub(super) struct ServerClient<C> {
    client: Client<C, Full<Bytes>>,
    base: String,
    credential: HeaderValue,
}

impl<C: Connect + Clone + Send + Sync + 'static> ServerClient<C> {
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

    /// Sends a request and parses the response.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, RemoteError> {
        let answer = self.request(Method::POST, path, Some(body)).await?;
        serde_json::from_slice(&answer).map_err(|_| WireError("an answer").into())
    }

    /// Sends a request and ignores the content of the response.
    pub(super) async fn send_only(&self, path: &str, body: &impl Serialize) -> Result<(), RemoteError> {
        self.request(Method::POST, path, Some(body)).await.map(drop)
    }

    /// Removes the node from the server, so that no deletion waits for it.
    pub(super) async fn leave(&self, node: NodeId) -> Result<(), RemoteError> {
        self.request(Method::DELETE, &format!("/{node}"), None::<&()>).await.map(drop)
    }

    /// Sends a request and returns the body of the response, to be read in parts.
    pub(super) async fn stream(&self, path: &str) -> Result<Incoming, RemoteError> {
        let response = within(RESPONSE_TIMEOUT, self.send(Method::GET, path, None::<&()>)).await??;
        Ok(success_or_error(response).await?.into_body())
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Bytes, RemoteError> {
        let whole = async {
            let response = success_or_error(self.send(method, path, body).await?).await?;
            read_body(response).await
        };
        within(RESPONSE_TIMEOUT, whole).await?
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response<Incoming>, RemoteError> {
        let json = body.map(serde_json::to_vec).transpose().map_err(|_| WireError("a question"))?;
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

/// Returns `true` if others cannot read the connection, because it uses TLS or stays on this machine.
fn is_private(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    };
    is_loopback || uri.scheme() != Some(&Scheme::HTTP)
}

/// Turns a response with an error status into an error.
async fn success_or_error(response: Response<Incoming>) -> Result<Response<Incoming>, RemoteError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body: Value = serde_json::from_slice(&read_body(response).await?).unwrap_or_default();
    let message = body["message"].as_str().unwrap_or("no reason").to_owned();
    Err(match (status, body["code"].as_str()) {
        (StatusCode::NOT_FOUND, Some("not_found")) => RemoteError::Gone,
        (_, Some("other_history")) => RemoteError::OtherHistory,
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => RemoteError::Refused { status, message },
        _ => RemoteError::Answer { status, message },
    })
}

async fn read_body(response: Response<Incoming>) -> Result<Bytes, RemoteError> {
    let body = http_body_util::Limited::new(response.into_body(), RESPONSE_BYTES_MAX);
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
            ("http://localhost.:8080", true),
            ("https://keys.example.org", true),
            ("http://keys.example.org", false),
            ("http://10.0.0.1:8080", false),
            ("http://localhost.example.org", false),
        ] {
            assert_eq!(super::is_private(&server.parse().unwrap()), is_private, "{server}");
        }
    }
}
