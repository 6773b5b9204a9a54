//! Every route of the API and every page, asked by everybody who may not. The routes come from the router's own list:
//! one that is added later is probed here without anybody remembering to.

mod api;
mod asking;
mod description;
pub(crate) mod held;
mod pages;
mod routes;

use keyrack::api::Route;
use keyrack_guard::Guard;
use keyrack_key::{Brands, Timestamp};
use keyrack_rack::Rack;
use std::sync::Arc;

use crate::cast::Home;

/// The routes of the API, as the router was made from them.
pub(crate) fn api_routes() -> Vec<Route> {
    let guard = Guard::new(Arc::new(Rack::new()), Brands::default(), || Timestamp::from_micros(0));
    keyrack::api::routes(Arc::new(guard))
}

/// The description of the API.
fn document() -> serde_json::Value {
    let guard = Guard::new(Arc::new(Rack::new()), Brands::default(), || Timestamp::from_micros(0));
    serde_json::to_value(keyrack::api::document(Arc::new(guard))).unwrap()
}

/// The path with something of `home` in the place of its parameters.
pub(crate) fn path_in(home: &Home, path: &str) -> String {
    let path = path.replace("{workspace}", home.slug).replace("{file}", "app.css");
    let path = path
        .replace("{image}", "rec_00000000000070008000000000000000")
        .replace("{import}", "imp_00000000000070008000000000000000");
    let path = path.replace("{model_id}", "mdl_00000000000070008000000000000000");
    let path = path.replace("{record}", "rec_00000000000070008000000000000000");
    let path = path.replace("{annotation}", "ann_00000000000070008000000000000000");
    let id = match path.split_once("{id}") {
        None => return path,
        Some((before, _)) if before.ends_with("keys/") => home.key.to_string(),
        Some((before, _)) if before.ends_with("projects/") => home.project.to_string(),
        Some((before, _)) if before.ends_with("models/") => home.model.to_string(),
        Some((before, _)) if before.ends_with("requests/") || before.ends_with("refusals/") => {
            "req_000000000000000000000000".to_owned()
        }
        Some((before, _)) if before.ends_with("nodes/") => "nod_00000000000070008000000000000000".to_owned(),
        Some((before, _)) if before.ends_with("uploads/") => {
            "upl_00000000000070008000000000000000".to_owned()
        }
        Some((before, _)) if before.ends_with("sessions/") => {
            "ses_00000000000070008000000000000000".to_owned()
        }
        Some(_) => panic!("say here what stands for the id in {path}"),
    };
    let path = path.replace("{id}", &id);
    assert!(!path.contains('{'), "say here what stands for the parameter in {path}");
    path
}

/// The path with an id that nothing has.
fn path_to_nothing(home: &Home, path: &str) -> String {
    let nothing = "00000000000070008000000000000000";
    let path = path.replace("keys/{id}", &format!("keys/key_{nothing}"));
    let path = path.replace("models/{id}", &format!("models/mdl_{nothing}"));
    path_in(home, &path.replace("projects/{id}", &format!("projects/prj_{nothing}")))
}
