//! The socket in the data folder, through which the command line talks to the process that has locked the folder.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::extract::{Extension, State};
use axum::middleware::map_response_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use keyrack_core::disk::ignore_missing;
use keyrack_core::people::SetupDetails;
use keyrack_guard::Problem;
use serde::Deserialize;
use serde_json::json;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::api::{ApiError, ControlSocket};
use crate::app::Shared;
use crate::folder::Folder;
use crate::http::front::Front;
use crate::http::problem;

/// The path of `set_up`, which exists on this socket only.
pub const SETUP: &str = "/control/setup";

/// The socket cannot be created. The whole path of the socket may have 107 bytes (`sun_path`, unix(7)).
#[derive(Debug, thiserror::Error)]
#[error("Can't listen on the control socket {path}: {source}")]
pub struct ControlError {
    path: PathBuf,
    source: io::Error,
}

/// Listens on the socket. Everyone who can open the socket owns the folder, and has the permissions of an owner.
pub fn listen(folder: &Folder, app: &Shared) -> Result<JoinHandle<()>, ControlError> {
    let path = Folder::control_socket(folder.path());
    let listener = bind(&path).map_err(|source| ControlError { path, source })?;
    let service = service(app);
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "the control socket ended");
        }
    }))
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    // A killed process leaves its socket behind. The folder's lock guarantees that no process listens on the socket.
    ignore_missing(fs::remove_file(path))?;
    let listener = UnixListener::bind(path)?;
    // The folder is already restricted (mode 0700) before this restricts the socket.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Returns the service of the socket: all public routes with the operator's permissions, and the routes that only the owner
/// of the folder may call.
pub fn service(app: &Shared) -> Router {
    Router::new()
        .route(SETUP, post(set_up))
        .layer(map_response_with_state(app.clone(), finish))
        .with_state(app.clone())
        .fallback_service(Front::of(app))
        .layer(Extension(ControlSocket))
}

async fn finish(State(app): State<Shared>, answer: Response) -> Response {
    problem::finish(problem::resolve(answer, &app.guard), None)
}

/// The first owner and workspace, in the format of `keyrack setup`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    name: String,
    email: String,
    password: String,
    workspace: String,
}

async fn set_up(State(app): State<Shared>, body: Bytes) -> Result<impl IntoResponse, ApiError> {
    // Serde's message could repeat what the client sent, and that includes a password.
    let sent: Setup = serde_json::from_slice(&body).map_err(|_| malformed())?;
    let Setup { name, email, password, workspace } = sent;
    let founding = SetupDetails { name, email, password: Zeroizing::new(password), workspace };
    let (user, workspace) = app.people.set_up(founding).await?;
    let owner = json!({ "id": user.id, "name": user.name, "email": user.email });
    let workspace = json!({ "id": workspace.id, "slug": workspace.slug, "name": workspace.name });
    Ok((StatusCode::CREATED, Json(json!({ "owner": owner, "workspace": workspace }))))
}

fn malformed() -> Problem {
    let expected = "Send JSON with name, email, password, and workspace.";
    Problem::new(StatusCode::BAD_REQUEST, "not_json", expected)
}
