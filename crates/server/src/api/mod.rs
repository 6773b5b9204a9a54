//! The HTTP API under `/api/v1`.
//!
//! Each endpoint has a file of its own with its request and response types, its OpenAPI texts, and its handler. A type has the
//! name of its OpenAPI schema. If another type has that name, the type ends in `Body` and names its
//! schema with `#[schema(as = …)]`. Start reading at `openapi`, which lists all routes.

mod access;
mod acting;
mod activity;
mod answer;
mod body;
mod datasets;
mod denied_request;
mod failures;
mod forward_auth;
mod keys;
mod list_turn;
mod models;
mod nodes;
mod openapi;
mod page;
mod page_query;
mod path_ids;
mod predict;
mod projects;
mod quota_headers;
mod reauthorization;
mod schema;
mod scopes;
mod uploads;
mod verify;
mod workspace;

pub use access::{Route, RouteAccess};
pub use answer::no_such_path;
pub use failures::is_common as is_common_failure;
pub use forward_auth::decide_in_memory;
pub use openapi::{OPENAPI, document, router, routes};

pub use crate::http::error::ApiError;

pub(crate) use acting::ControlSocket;
pub(crate) use activity::{attachment, export_file};
pub(crate) use body::{Params, is_timeout};
pub(crate) use list_turn::queue as list_queue;
