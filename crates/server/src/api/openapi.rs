//! The list of all API routes, and the OpenAPI 3.1 document that describes them.

mod examples;
mod portable;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::HeaderMap;
use keyrack_guard::{Guard, Problem};
use keyrack_key::Permission;
use keyrack_store::Role;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{Contact, Info, License, Server};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{API_KEY, BEARER, Route, RouteAccess, RouteRegistry, SESSION};
use super::{
    activity, datasets, denied_request, forward_auth, keys, models, nodes, predict, projects, schema, scopes,
    uploads, verify, workspace,
};
use crate::app::Shared;
use crate::http::allowance;
use crate::http::api_path::PREFIX;
use crate::http::compression::StaticText;
use portable::portable;
use serde_json::Value;

/// The path of the OpenAPI document, below the API's prefix.
pub const OPENAPI: &str = "/openapi.json";

/// The tags of the operations, each with its description.
const TAGS: [(&str, &str); 9] = [
    (
        "Keys",
        "API keys of a workspace. Create, restrict, rotate, pause, and delete keys, and get their usage.",
    ),
    ("Verification", "Checks of keys for other services and for reverse proxies."),
    ("Workspace", "The workspace and its policy for keys."),
    ("Activity", "The audit log. A hash chain links each entry to the previous one."),
    ("Projects", "Projects. Each project has a dataset, and models of one type."),
    ("Datasets", "Images of a project, with their labels and annotations."),
    ("Models", "Trained models and their training runs."),
    ("Predictions", "Classification of images and detection of objects."),
    ("Nodes", "Services that check keys in their own memory and follow all changes of keys."),
];

fn registry(guard: Arc<Guard>) -> RouteRegistry {
    let nodes = RouteAccess::Guarded(Permission::KeysFollow, Role::Admin);
    let projects = |role| RouteAccess::Guarded(Permission::ProjectsManage, role);
    let keys = |role| RouteAccess::Guarded(Permission::KeysManage, role);
    let models = |role| RouteAccess::Guarded(Permission::ModelsTrain, role);
    let predict = |role| RouteAccess::Guarded(Permission::ModelsPredict, role);
    let data = |role| RouteAccess::Guarded(Permission::DatasetsUpload, role);
    RouteRegistry::new(guard)
        .route(RouteAccess::Open, routes!(scopes::list))
        .route(keys(Role::Viewer), routes!(keys::list::list))
        .route(keys(Role::Admin), routes!(keys::create::create))
        .route(keys(Role::Viewer), routes!(keys::read::read))
        .route(keys(Role::Viewer), routes!(keys::usage::usage))
        .route(keys(Role::Viewer), routes!(keys::callers::list))
        .route(keys(Role::Viewer), routes!(keys::exposures::list))
        .route(keys(Role::Viewer), routes!(keys::recommendations::list))
        .route(keys(Role::Admin), routes!(keys::what_if::preview))
        .route(keys(Role::Viewer), routes!(denied_request::explain))
        .route(keys(Role::Admin), routes!(keys::edit::edit))
        .route(keys(Role::Admin), routes!(keys::delete::delete))
        .route(keys(Role::Admin), routes!(keys::rotate::rotate))
        .route(keys(Role::Admin), routes!(keys::retire::retire))
        .route(keys(Role::Admin), routes!(keys::pause::pause))
        .route(keys(Role::Admin), routes!(keys::resume::resume))
        .route(keys(Role::Viewer), routes!(workspace::read::read))
        .route(keys(Role::Admin), routes!(workspace::edit::edit))
        .route(keys(Role::Admin), routes!(activity::list::list))
        .route(keys(Role::Admin), routes!(activity::export::export))
        .route(keys(Role::Admin), routes!(activity::verify::verify))
        .route(projects(Role::Viewer), routes!(projects::list::list))
        .route(projects(Role::Member), routes!(projects::create::create))
        .route(projects(Role::Viewer), routes!(projects::read::read))
        .route(projects(Role::Member), routes!(projects::edit::edit))
        .route(projects(Role::Member), routes!(projects::delete::delete))
        .route(models(Role::Viewer), routes!(models::list::list_of_project))
        .route(models(Role::Member), routes!(models::train::train))
        .route(models(Role::Viewer), routes!(models::list::list))
        .route(models(Role::Viewer), routes!(models::read::read))
        .route(models(Role::Viewer), routes!(models::events::follow))
        .route(predict(Role::Viewer), routes!(models::card::card))
        .route(models(Role::Member), routes!(models::cancel::cancel))
        .route(models(Role::Member), routes!(models::delete::delete))
        .route(data(Role::Viewer), routes!(datasets::batches::list))
        .route(data(Role::Member), routes!(datasets::batches::create))
        .route(data(Role::Viewer), routes!(datasets::labels::list))
        .route_for(allowance::LIST, data(Role::Member), routes!(datasets::labels::create))
        .route(data(Role::Member), routes!(datasets::upload::create))
        .route_for(allowance::FILE, RouteAccess::Signed, routes!(uploads::put))
        .route(data(Role::Viewer), routes!(datasets::records::list))
        .route(data(Role::Member), routes!(datasets::record_create::create))
        .route(data(Role::Viewer), routes!(datasets::record::read))
        .route(data(Role::Viewer), routes!(datasets::image::image))
        .route(data(Role::Member), routes!(datasets::record_delete::delete))
        .route_for(allowance::LIST, data(Role::Member), routes!(datasets::annotate::annotate))
        .route(data(Role::Member), routes!(datasets::annotation_delete::delete))
        .route_for(allowance::PREDICTION, predict(Role::Member), routes!(predict::classify::classify))
        .route_for(allowance::PREDICTION, predict(Role::Member), routes!(predict::detect::detect))
        .route(keys(Role::Viewer), routes!(nodes::list::list))
        .route(nodes, routes!(nodes::register::register))
        .route(nodes, routes!(nodes::snapshot::snapshot))
        .route(nodes, routes!(nodes::changes::changes))
        .route_for(allowance::LIST, nodes, routes!(nodes::usage::report))
        .route(nodes, routes!(nodes::leave::leave))
        .route(RouteAccess::VerifiesKey, routes!(verify::verify))
        .route(RouteAccess::VerifiesKey, forward_auth::without_preflight(routes!(forward_auth::forward_auth)))
}

/// Returns the router of the API, below its prefix.
pub fn router(guard: Arc<Guard>) -> Router<Shared> {
    let (router, document) = described(registry(guard).finish().0);
    let text = StaticText::new(document.to_string(), "application/json");
    let answer = move |headers: HeaderMap| async move { text.answer(&headers).await };
    router.route(OPENAPI, get(answer))
}

/// Lists all routes with their access.
pub fn routes(guard: Arc<Guard>) -> Vec<Route> {
    registry(guard).finish().1
}

/// Returns the OpenAPI document.
pub fn document(guard: Arc<Guard>) -> Value {
    described(registry(guard).finish().0).1
}

fn described(router: OpenApiRouter<Shared>) -> (Router<Shared>, Value) {
    let (router, mut document) = router.split_for_parts();
    document.info = Info::builder()
        .title("Keyrack")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "API keys, projects, datasets, models, and predictions of a computer vision workspace.",
        ))
        .contact(Some(Contact::builder().name(Some("The maintainers of Keyrack")).build()))
        .license(Some(License::builder().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    document.servers = Some(vec![Server::new(PREFIX)]);
    let tag = |(name, text): (&str, &str)| Tag::builder().name(name).description(Some(text)).build();
    document.tags = Some(TAGS.map(tag).into());
    let components = document.components.get_or_insert_default();
    components.schemas.extend(schema::all());
    let mut problem = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut problem);
    components.schemas.extend(problem);
    for (name, scheme) in security() {
        components.add_security_scheme(name, scheme);
    }
    let mut document = portable(&document);
    examples::add(&mut document);
    (router, document)
}

fn security() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A secret key, such as `kr_sk_…`."))
        .build();
    let header = ApiKeyValue::with_description("X-Api-Key", "A secret key, such as `kr_sk_…`.");
    let cookie = ApiKeyValue::with_description(
        "keyrack_session",
        "The session of a signed-in member. Requests name the workspace in `X-Keyrack-Workspace`. Sessions work on the pages of this server only.",
    );
    [
        (BEARER, SecurityScheme::Http(bearer)),
        (API_KEY, SecurityScheme::ApiKey(ApiKey::Header(header))),
        (SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
    ]
}
