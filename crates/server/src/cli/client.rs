//! The connection of a command to an API: over the network, through the socket in the data folder, or
//! within this process.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use keyrack_core::clock;
use reqwest::{Client, ClientBuilder, redirect};
use tokio::net::UnixStream;
use tower::ServiceExt;
use tracing::Level;
use url::Url;

use super::error::CliError;
use super::request::ApiRequest;
use super::response::ApiResponse;
use crate::app::{App, Shared};
use crate::config::Config;
use crate::folder::{Folder, FolderError};
use crate::http::control;
use crate::telemetry;

/// Timeout of an ordinary request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of a request whose response may be long, such as an export.
const COPY_TIMEOUT: Duration = Duration::from_hours(1);
/// How long a command waits for a data folder that another process uses without answering on its socket: a
/// server that starts or stops, or another command.
const FOLDER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often [`FOLDER_TIMEOUT`] is checked.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);
/// The base URL of requests that do not cross the network.
const LOCAL: &str = "http://localhost";

/// A connection to an API, with the headers that identify the caller.
pub(super) struct ApiClient {
    transport: Transport,
    headers: HeaderMap,
}

enum Transport {
    /// A server answers: over the network, or on the socket in the data folder.
    Server { client: Client, base: String },
    /// No other process uses the data folder, so this process uses it and answers the requests.
    Folder { service: Router, app: Shared, _held: Folder },
}

impl ApiClient {
    /// Connects to the server at `url`.
    pub(super) fn connect(url: &Url, headers: HeaderMap) -> Result<Self, CliError> {
        // Loading the system's certificates takes time, and only HTTPS needs them.
        let builder = if url.scheme() == "https" { Client::builder() } else { plain() };
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { transport: Transport::Server { client: client(builder)?, base }, headers })
    }

    /// Connects to the process that uses the data folder of `config`. If no process uses it, opens the folder
    /// in this process. Waits up to [`FOLDER_TIMEOUT`] for a process that does not answer.
    pub(super) async fn open_folder(config: Config, headers: HeaderMap) -> Result<Self, CliError> {
        let started = Instant::now();
        loop {
            match Folder::hold(&config.data) {
                Ok(folder) => return Self::in_process(folder, config, headers).await,
                Err(FolderError::Taken(_)) => {}
                Err(error) => return Err(CliError::from_error(&error)),
            }
            let socket = Folder::control_socket(&config.data);
            if UnixStream::connect(&socket).await.is_ok() {
                let client = client(plain().unix_socket(socket))?;
                return Ok(Self { transport: Transport::Server { client, base: LOCAL.to_owned() }, headers });
            }
            if started.elapsed() > FOLDER_TIMEOUT {
                return Err(busy_folder(&config.data));
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    async fn in_process(folder: Folder, config: Config, headers: HeaderMap) -> Result<Self, CliError> {
        telemetry::start(config.log.min(Level::WARN), config.log_json);
        let opened = App::open(config, &folder, clock::now).await;
        let app =
            opened.map_err(|error| CliError::with_context("The data folder can't be opened", &error))?;
        Ok(Self {
            transport: Transport::Folder { service: control::service(&app), app, _held: folder },
            headers,
        })
    }

    /// Sends a request and waits for the response, at most [`TIMEOUT`].
    pub(super) async fn send(&self, request: ApiRequest) -> Result<ApiResponse, CliError> {
        match &self.transport {
            Transport::Server { client, base } => {
                over_http(client, base, self.http_request(base, request)?).await
            }
            Transport::Folder { service, .. } => {
                let request = self.http_request(LOCAL, request)?.map(axum::body::Body::from);
                let (parts, body) = match service.clone().oneshot(request).await {
                    Ok(response) => response.into_parts(),
                    Err(never) => match never {},
                };
                let body = body.collect().await.map_err(|error| CliError::from_error(&error))?;
                ApiResponse::from_parts(parts.status, body.to_bytes())
            }
        }
    }

    /// Sends a request whose response may be long, and writes the body to `out` as it arrives.
    pub(super) async fn copy(
        &self,
        request: ApiRequest,
        out: &mut (dyn Write + Send),
    ) -> Result<(), CliError> {
        match &self.transport {
            Transport::Server { client, base } => {
                copy_over_http(client, base, self.http_request(base, request)?, out).await
            }
            Transport::Folder { service, .. } => {
                let request = self.http_request(LOCAL, request)?.map(axum::body::Body::from);
                let (parts, mut body) = match service.clone().oneshot(request).await {
                    Ok(response) => response.into_parts(),
                    Err(never) => match never {},
                };
                if !parts.status.is_success() {
                    let body = body.collect().await.map_err(|error| CliError::from_error(&error))?;
                    return Err(ApiResponse::error(parts.status, &body.to_bytes()));
                }
                while let Some(frame) = body.frame().await {
                    let frame = frame.map_err(|error| CliError::from_error(&error))?;
                    if let Some(piece) = frame.data_ref() {
                        out.write_all(piece).map_err(|error| write_error(&error))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn http_request(&self, base: &str, request: ApiRequest) -> Result<Request<Bytes>, CliError> {
        let ApiRequest { method, path, body, revision } = request;
        let request = Request::builder().method(method).uri(format!("{base}{path}")).body(body);
        let mut request = request.map_err(|error| CliError::from_error(&error))?;
        request.headers_mut().extend(self.headers.clone());
        if let Some(revision) = revision {
            let tag = header::HeaderValue::try_from(format!("\"{revision}\""));
            request
                .headers_mut()
                .insert(header::IF_MATCH, tag.map_err(|error| CliError::from_error(&error))?);
        }
        if !request.body().is_empty() {
            request
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }

    /// Closes the store, so that the next process finds a clean database.
    pub(super) async fn close(self) {
        if let Transport::Folder { app, .. } = self.transport {
            app.store.close().await;
        }
    }
}

/// A client without TLS. It ignores `http_proxy`: a proxy could be another machine, and would receive the key.
fn plain() -> ClientBuilder {
    Client::builder().tls_certs_only([]).no_proxy()
}

fn client(builder: ClientBuilder) -> Result<Client, CliError> {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let agent = concat!("keyrack/", env!("CARGO_PKG_VERSION"));
    // A redirect could send the key to another server.
    let builder = builder.user_agent(agent).timeout(TIMEOUT).redirect(redirect::Policy::none());
    builder.build().map_err(|error| CliError::from_error(&error))
}

async fn over_http(client: &Client, base: &str, request: Request<Bytes>) -> Result<ApiResponse, CliError> {
    let no_response = |error: reqwest::Error| {
        CliError::with_context(&format!("No response from {base}"), &error.without_url())
    };
    let request = reqwest::Request::try_from(request).map_err(no_response)?;
    let response = client.execute(request).await.map_err(no_response)?;
    let status = response.status();
    ApiResponse::from_parts(status, response.bytes().await.map_err(no_response)?)
}

async fn copy_over_http(
    client: &Client,
    base: &str,
    request: Request<Bytes>,
    out: &mut (dyn Write + Send),
) -> Result<(), CliError> {
    let no_response = |error: reqwest::Error| {
        CliError::with_context(&format!("Incomplete response from {base}"), &error.without_url())
    };
    let mut request = reqwest::Request::try_from(request).map_err(no_response)?;
    *request.timeout_mut() = Some(COPY_TIMEOUT);
    let mut response = client.execute(request).await.map_err(no_response)?;
    let status = response.status();
    if !status.is_success() {
        return Err(ApiResponse::error(status, &response.bytes().await.map_err(no_response)?));
    }
    while let Some(piece) = response.chunk().await.map_err(no_response)? {
        out.write_all(&piece).map_err(|error| write_error(&error))?;
    }
    Ok(())
}

fn write_error(error: &io::Error) -> CliError {
    CliError::with_context("The result can't be written", error)
}

fn busy_folder(data: &Path) -> CliError {
    let data = data.display();
    CliError::failed(format!("Another keyrack process is using {data} but isn't responding."))
}
