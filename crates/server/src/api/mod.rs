//! The API under `/api/v1`. Each endpoint is a file: what comes in, what goes out, how it is described, what it does.

mod access;
mod acting;
mod activity;
mod again;
mod answer;
mod body;
mod datasets;
mod failures;
mod forward_auth;
mod keys;
mod models;
mod nodes;
mod openapi;
mod piece;
mod predict;
mod projects;
mod quota_headers;
mod refusals;
mod schema;
mod scopes;
mod uploads;
mod verify;
mod workspace;

pub use access::{Access, Stated};
pub use answer::no_such_path;
pub use failures::is_common as is_common_failure;
pub use forward_auth::ask_at_once;
pub use openapi::{OPENAPI, document, router, routes};

pub use crate::edge::error::ApiError;

pub(crate) use acting::ControlSocket;
pub(crate) use activity::file as history_file;
pub(crate) use body::{Params, is_silence};
