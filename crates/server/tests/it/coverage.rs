//! Requests to every API route and every page by callers that are not allowed. The tests read the routes from the router,
//! so new routes are covered automatically.

mod api;
pub(crate) mod held_requests;
mod openapi;
mod pages;
mod routes;
mod verification;

use keyrack::api::Route;
use keyrack_guard::Guard;
use keyrack_key::{Brands, Timestamp};
use keyrack_rack::Rack;
use std::sync::Arc;

use crate::fixtures::TestWorkspace;

/// The routes of the API, from the router.
pub(crate) fn api_routes() -> Vec<Route> {
    let guard = Guard::new(Arc::new(Rack::new()), Brands::default(), || Timestamp::from_micros(0));
    keyrack::api::routes(Arc::new(guard))
}

/// The OpenAPI document.
fn document() -> serde_json::Value {
    let guard = Guard::new(Arc::new(Rack::new()), Brands::default(), || Timestamp::from_micros(0));
    serde_json::to_value(keyrack::api::document(Arc::new(guard))).unwrap()
}

/// The path with IDs from `workspace` in place of its parameters.
pub(crate) fn path_in(workspace: &TestWorkspace, path: &str) -> String {
    let path = path.replace("{workspace}", workspace.slug).replace("{file}", "app.css");
    let path = path
        .replace("{image}", "rec_00000000000070008000000000000000")
        .replace("{import}", "imp_00000000000070008000000000000000");
    let path = path.replace("{model_id}", "mdl_00000000000070008000000000000000");
    let path = path.replace("{record}", "rec_00000000000070008000000000000000");
    let path = path.replace("{annotation}", "ann_00000000000070008000000000000000");
    let id = match path.split_once("{id}") {
        None => return path,
        Some((before, _)) if before.ends_with("keys/") => workspace.key.to_string(),
        Some((before, _)) if before.ends_with("projects/") => workspace.project.to_string(),
        Some((before, _)) if before.ends_with("models/") => workspace.model.to_string(),
        Some((before, _)) if before.ends_with("requests/") || before.ends_with("denied-requests/") => {
            "req_000000000000000000000000".to_owned()
        }
        Some((before, _)) if before.ends_with("nodes/") => "nod_00000000000070008000000000000000".to_owned(),
        Some((before, _)) if before.ends_with("uploads/") => {
            "upl_00000000000070008000000000000000".to_owned()
        }
        Some((before, _)) if before.ends_with("sessions/") => {
            "ses_00000000000070008000000000000000".to_owned()
        }
        Some(_) => panic!("add an ID for {path}"),
    };
    let path = path.replace("{id}", &id);
    assert!(!path.contains('{'), "add a value for the parameter in {path}");
    path
}

/// The path with an ID that doesn't exist.
fn path_of_missing(workspace: &TestWorkspace, path: &str) -> String {
    let nothing = "00000000000070008000000000000000";
    let path = path.replace("keys/{id}", &format!("keys/key_{nothing}"));
    let path = path.replace("models/{id}", &format!("models/mdl_{nothing}"));
    path_in(workspace, &path.replace("projects/{id}", &format!("projects/prj_{nothing}")))
}
