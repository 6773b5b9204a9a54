//! How a command reaches those who answer: over the network, through a folder's socket, or in this very process.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use reqwest::{Client, ClientBuilder, redirect};
use tokio::net::UnixStream;
use tower::ServiceExt;
use tracing::Level;
use url::Url;

use super::answer::Answer;
use super::ask::Ask;
use super::failure::Failure;
use crate::app::{App, Shared};
use crate::config::Config;
use crate::folder::{Folder, FolderError};
use crate::{clock, control, telemetry};

/// The longest that a server may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest that something long may take.
const COPY: Duration = Duration::from_hours(1);
/// How long a folder may be held by somebody who does not answer: a server that starts or stops, another command.
const HELD: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// What requests that cross no network are addressed to.
const LOCAL: &str = "http://localhost";

/// A way to an API, and the headers that say who asks.
pub(super) struct Door {
    way: Way,
    headers: HeaderMap,
}

enum Way {
    /// A server answers, somewhere or on the folder's socket.
    Server { client: Client, base: String },
    /// Nobody else holds the folder: this process does, and answers itself.
    Folder { service: Router, app: Shared, _held: Folder },
}

impl Door {
    /// To a server by its address.
    pub(super) fn to_server(url: &Url, headers: HeaderMap) -> Result<Self, Failure> {
        // The system's certificates are looked for only where they are needed.
        let builder =
            if url.scheme() == "https" { Client::builder() } else { Client::builder().tls_certs_only([]) };
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { way: Way::Server { client: client(builder)?, base }, headers })
    }

    /// To the data folder of `config`, through whoever holds it.
    pub(super) async fn to_folder(config: Config, headers: HeaderMap) -> Result<Self, Failure> {
        let started = Instant::now();
        loop {
            match Folder::hold(&config.data) {
                Ok(folder) => return Self::within(folder, config, headers).await,
                Err(FolderError::Taken(_)) => {}
                Err(error) => return Err(Failure::of(&error)),
            }
            let socket = Folder::control_socket(&config.data);
            if UnixStream::connect(&socket).await.is_ok() {
                let client = client(Client::builder().tls_certs_only([]).unix_socket(socket))?;
                return Ok(Self { way: Way::Server { client, base: LOCAL.to_owned() }, headers });
            }
            if started.elapsed() > HELD {
                return Err(nobody_answers(&config.data));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn within(folder: Folder, config: Config, headers: HeaderMap) -> Result<Self, Failure> {
        telemetry::start(config.log.min(Level::WARN), config.log_json);
        let opened = App::open(config, &folder, clock::now).await;
        let app = opened
            .map_err(|error| Failure::while_trying("cannot open what the data folder holds", &error))?;
        Ok(Self { way: Way::Folder { service: control::service(&app), app, _held: folder }, headers })
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Answer, Failure> {
        match &self.way {
            Way::Server { client, base } => over_http(client, base, self.request(base, ask)?).await,
            Way::Folder { service, .. } => {
                let request = self.request(LOCAL, ask)?.map(axum::body::Body::from);
                let (parts, body) = match service.clone().oneshot(request).await {
                    Ok(response) => response.into_parts(),
                    Err(never) => match never {},
                };
                let body = body.collect().await.map_err(|error| Failure::of(&error))?;
                Answer::of(parts.status, body.to_bytes())
            }
        }
    }

    /// Asks for something long, and writes the answer on as it comes.
    pub(super) async fn copy(&self, ask: Ask, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
        match &self.way {
            Way::Server { client, base } => copy_over_http(client, base, self.request(base, ask)?, out).await,
            Way::Folder { service, .. } => {
                let request = self.request(LOCAL, ask)?.map(axum::body::Body::from);
                let (parts, mut body) = match service.clone().oneshot(request).await {
                    Ok(response) => response.into_parts(),
                    Err(never) => match never {},
                };
                if !parts.status.is_success() {
                    let body = body.collect().await.map_err(|error| Failure::of(&error))?;
                    return Err(Answer::refusal(parts.status, &body.to_bytes()));
                }
                while let Some(frame) = body.frame().await {
                    let frame = frame.map_err(|error| Failure::of(&error))?;
                    if let Some(piece) = frame.data_ref() {
                        out.write_all(piece).map_err(|error| unwritten(&error))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn request(&self, base: &str, ask: Ask) -> Result<Request<Bytes>, Failure> {
        let uri = format!("{base}{}", ask.path);
        let mut request =
            Request::builder().method(ask.method).uri(uri).body(ask.body).map_err(|e| Failure::of(&e))?;
        request.headers_mut().extend(self.headers.clone());
        if let Some(revision) = ask.revision {
            let tag = header::HeaderValue::try_from(format!("\"{revision}\""));
            request.headers_mut().insert(header::IF_MATCH, tag.map_err(|error| Failure::of(&error))?);
        }
        if !request.body().is_empty() {
            request
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }

    /// Leaves the folder as whoever comes next wants to find it.
    pub(super) async fn close(self) {
        if let Way::Folder { app, .. } = self.way {
            app.store.close().await;
        }
    }
}

fn client(builder: ClientBuilder) -> Result<Client, Failure> {
    // Fails only when a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let agent = concat!("keyrack/", env!("CARGO_PKG_VERSION"));
    // A redirect could lead the key elsewhere.
    let builder = builder.user_agent(agent).timeout(ANSWER).redirect(redirect::Policy::none());
    builder.build().map_err(|error| Failure::of(&error))
}

async fn over_http(client: &Client, base: &str, request: Request<Bytes>) -> Result<Answer, Failure> {
    let silent = |error: reqwest::Error| {
        Failure::while_trying(&format!("no answer from {base}"), &error.without_url())
    };
    let request = reqwest::Request::try_from(request).map_err(silent)?;
    let response = client.execute(request).await.map_err(silent)?;
    let status = response.status();
    Answer::of(status, response.bytes().await.map_err(silent)?)
}

async fn copy_over_http(
    client: &Client,
    base: &str,
    request: Request<Bytes>,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let silent = |error: reqwest::Error| {
        Failure::while_trying(&format!("no whole answer from {base}"), &error.without_url())
    };
    let mut request = reqwest::Request::try_from(request).map_err(silent)?;
    *request.timeout_mut() = Some(COPY);
    let mut response = client.execute(request).await.map_err(silent)?;
    let status = response.status();
    if !status.is_success() {
        return Err(Answer::refusal(status, &response.bytes().await.map_err(silent)?));
    }
    while let Some(piece) = response.chunk().await.map_err(silent)? {
        out.write_all(&piece).map_err(|error| unwritten(&error))?;
    }
    Ok(())
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::while_trying("cannot write the answer", error)
}

fn nobody_answers(data: &Path) -> Failure {
    let data = data.display();
    Failure::refused(format!("another keyrack is running on {data}, and does not answer on its socket"))
}
