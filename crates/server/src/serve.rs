//! `keyrack serve`: locks the data folder, fills the rack, listens, and stops gracefully.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use keyrack_core::imports::ImportWorkers;
use keyrack_core::{OpError, clock};
use tokio::net::UnixStream;

use crate::app::{App, Shared};
use crate::background;
use crate::config::{Config, Tls};
use crate::folder::{Folder, FolderError};
use crate::http::control::ControlError;
use crate::http::front::Front;
use crate::http::listen::{self, Connections};
use crate::http::origin::is_public;
use crate::http::unread;
use crate::http::{control, operations};
use crate::worker::supervisor;

/// The longest time that a command of the command line locks the folder.
const COMMAND: Duration = Duration::from_secs(3);
/// How long requests may take to finish after a stop signal.
const GRACE: Duration = Duration::from_secs(10);

/// Why the server did not start, or why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("The data folder can't be opened: {0}")]
    Open(#[source] OpError),
    #[error("Can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("The certificate can't be used: {0}")]
    Certificate(#[source] io::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves until the process receives SIGTERM or Ctrl-C.
pub async fn serve(mut config: Config) -> Result<(), ServeError> {
    listen::raise_descriptor_limit();
    let folder = hold(&config.data).await?;
    let listener = bind(config.listen)?;
    let ops_listener = bind(config.ops_listen)?;
    config.listening = Some(listener.local_addr()?);
    let app = App::open(config, &folder, clock::now).await.map_err(ServeError::Open)?;
    let control = control::listen(&folder, &app)?;
    let handle = Handle::new();
    let background = background::start(&app);
    let workers = supervisor::start(&app);
    let imports = ImportWorkers::start(&app.imports).await.map_err(ServeError::Open)?;
    announce(&app, listener.local_addr()?, ops_listener.local_addr()?).await?;
    tokio::spawn(stop_when_asked(handle.clone(), app.clone()));
    let ops = tokio::spawn(operations::serve(app.clone(), ops_listener));
    run(&app, listener, handle).await?;
    ops.abort();
    control.abort();
    workers.stop().await;
    imports.stop().await;
    background.stop(&app).await;
    Ok(())
}

/// Locks the folder. Waits for a command that has locked the folder, and fails at once if a server has.
async fn hold(data: &Path) -> Result<Folder, FolderError> {
    let started = Instant::now();
    loop {
        match Folder::hold(data) {
            Err(FolderError::Taken(_)) if started.elapsed() < COMMAND => {
                if UnixStream::connect(Folder::control_socket(data)).await.is_ok() {
                    return Err(FolderError::Taken(data.to_owned()));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            held => return held,
        }
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    listen::bind(address).map_err(|source| ServeError::Listen { address, source })
}

async fn run(app: &Shared, listener: TcpListener, handle: Handle<SocketAddr>) -> Result<(), ServeError> {
    let service = Front::of(app).for_connections();
    let limits = app.config.connection_limits(listen::spare_descriptors());
    let connections = Connections::new("public", limits, app.metrics.connections.clone());
    let unread = Some(unread::answers(app));
    match &app.config.tls {
        Some(tls) => {
            let server = listen::over_tls(listener, certificate(tls).await?, &connections, unread)?;
            server.handle(handle).serve(service).await?;
        }
        None => {
            listen::plain(listener, &connections, unread)?.handle(handle).serve(service).await?;
        }
    }
    Ok(())
}

async fn certificate(tls: &Tls) -> Result<RustlsConfig, ServeError> {
    // Fails only if a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    RustlsConfig::from_pem_file(&tls.cert, &tls.key).await.map_err(ServeError::Certificate)
}

async fn announce(app: &App, address: SocketAddr, ops: SocketAddr) -> Result<(), ServeError> {
    let scheme = if app.config.tls.is_some() { "https" } else { "http" };
    if is_public(address.ip()) && !app.config.is_https() {
        tracing::warn!(
            %address,
            "serving plain HTTP to other machines: others on the network can read passwords and keys; use \
             --tls-cert and --tls-key, or a proxy with HTTPS and --public-url https://…"
        );
    }
    let setup = app.people.setup_token().await.map_err(ServeError::Open)?;
    let mut out = io::stdout().lock();
    writeln!(out, "Listening on {scheme}://{address}")?;
    writeln!(out, "Health and metrics: http://{ops}")?;
    if let Some(token) = setup {
        let link = format!("{}/setup?token={}", app.config.base_url(), token.expose());
        writeln!(out, "\nFinish setup in your browser (one-time link):\n  {link}\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Waits for a stop signal, stops accepting connections, and gives requests ten seconds to finish.
async fn stop_when_asked(handle: Handle<SocketAddr>, app: Shared) {
    asked_to_stop().await;
    tracing::info!("stopping: no new connections; open requests may finish");
    app.models.end_streams();
    handle.graceful_shutdown(Some(GRACE));
}

async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
