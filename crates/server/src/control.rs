//! The socket in the data folder, through which the command line speaks to the process that holds it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use axum::extract::Extension;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use crate::api::ControlSocket;
use crate::app::Shared;
use crate::folder::Folder;
use crate::router;

/// Listens on the socket. Whoever can open it owns the folder, and may do what an owner may.
pub fn listen(folder: &Folder, app: &Shared) -> io::Result<JoinHandle<()>> {
    let path = Folder::control_socket(folder.path());
    // Left behind by a process that was killed: the folder's lock says that nobody listens on it.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // The folder itself is closed to others (mode 0700) before this narrows the socket.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let service = router::service(app).layer(Extension(ControlSocket));
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "the control socket ended");
        }
    }))
}
