//! All routes of the API in one list, and their description (OpenAPI 3.1).

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

use super::access::{API_KEY, Access, BEARER, Registry, SESSION, Stated};
use super::{
    activity, datasets, forward_auth, keys, models, nodes, predict, projects, refusals, schema, scopes,
    uploads, verify, workspace,
};
use crate::app::Shared;
use crate::edge::allowance;
use crate::edge::api_path::PREFIX;
use crate::edge::compression::StaticText;
use portable::portable;
use serde_json::Value;

/// The path of the description, below the API's prefix.
pub const OPENAPI: &str = "/openapi.json";

/// The groups of operations.
const TAGS: [(&str, &str); 9] = [
    (
        "Keys",
        "API keys of a workspace: create, restrict, rotate, pause and delete them, and see how they are used.",
    ),
    ("Verification", "Questions of services and proxies: whether a key may do something."),
    ("Workspace", "The workspace and the policy that its keys obey."),
    ("Activity", "The audit log: who changed what, each entry chained to the one before."),
    ("Projects", "Projects, each with a dataset and models of one type."),
    ("Datasets", "Images of a project, their labels and annotations."),
    ("Models", "Trained models and the training runs that make them."),
    ("Predictions", "What a model finds in an image."),
    ("Nodes", "Services that check keys in their own memory and follow every change of them."),
];

fn registry(guard: Arc<Guard>) -> Registry {
    let nodes = Access::Guarded(Permission::KeysFollow, Role::Admin);
    let projects = |role| Access::Guarded(Permission::ProjectsManage, role);
    let keys = |role| Access::Guarded(Permission::KeysManage, role);
    let models = |role| Access::Guarded(Permission::ModelsTrain, role);
    let predict = |role| Access::Guarded(Permission::ModelsPredict, role);
    let data = |role| Access::Guarded(Permission::DatasetsUpload, role);
    Registry::new(guard)
        .route(Access::Open, routes!(scopes::list))
        .route(keys(Role::Viewer), routes!(keys::list::list))
        .route(keys(Role::Admin), routes!(keys::create::create))
        .route(keys(Role::Viewer), routes!(keys::read::read))
        .route(keys(Role::Viewer), routes!(keys::usage::usage))
        .route(keys(Role::Viewer), routes!(keys::callers::callers))
        .route(keys(Role::Viewer), routes!(keys::sightings::sightings))
        .route(keys(Role::Viewer), routes!(keys::advice::advice))
        .route(keys(Role::Admin), routes!(keys::what_if::ask))
        .route(keys(Role::Viewer), routes!(refusals::explain))
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
        .route(data(Role::Member), routes!(datasets::batches::name))
        .route(data(Role::Viewer), routes!(datasets::labels::list))
        .route_for(allowance::LIST, data(Role::Member), routes!(datasets::labels::name))
        .route(data(Role::Member), routes!(datasets::upload::ask))
        .route_for(allowance::FILE, Access::Signed, routes!(uploads::put))
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
        .route_for(allowance::LIST, nodes, routes!(nodes::uses::tell))
        .route(nodes, routes!(nodes::leave::leave))
        .route(Access::AsksAboutKey, routes!(verify::verify))
        .route(Access::AsksAboutKey, forward_auth::without_preflight(routes!(forward_auth::ask)))
}

/// The API as a router, below its prefix.
pub fn router(guard: Arc<Guard>) -> Router<Shared> {
    let (router, document) = described(registry(guard).finish().0);
    let text = StaticText::new(document.to_string(), "application/json");
    let answer = move |headers: HeaderMap| async move { text.answer(&headers).await };
    router.route(OPENAPI, get(answer))
}

/// The routes, each with who may call it.
pub fn routes(guard: Arc<Guard>) -> Vec<Stated> {
    registry(guard).finish().1
}

/// The description of the API.
pub fn document(guard: Arc<Guard>) -> Value {
    described(registry(guard).finish().0).1
}

fn described(router: OpenApiRouter<Shared>) -> (Router<Shared>, Value) {
    let (router, mut document) = router.split_for_parts();
    document.info = Info::builder()
        .title("Keyrack")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Projects and predictions of a computer-vision workspace, and the keys that guard them.",
        ))
        .contact(Some(Contact::builder().name(Some("The maintainers of Keyrack")).build()))
        .license(Some(License::builder().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    document.servers = Some(vec![Server::new(PREFIX)]);
    let tag = |(name, says): (&str, &str)| Tag::builder().name(name).description(Some(says)).build();
    document.tags = Some(TAGS.map(tag).into());
    let components = document.components.get_or_insert_default();
    components.schemas.extend(schema::all());
    let mut problem = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut problem);
    components.schemas.extend(problem);
    for (name, scheme) in security() {
        components.add_security_scheme(name, scheme);
    }
    (router, portable(&document))
}

fn security() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The secret key of an API key, such as `kr_sk_…`."))
        .build();
    let header =
        ApiKeyValue::with_description("X-Api-Key", "The secret key of an API key, in a header of its own.");
    let cookie = ApiKeyValue::with_description(
        "keyrack_session",
        "The session of a signed-in browser on our own pages, which names its workspace in `X-Keyrack-Workspace`.",
    );
    [
        (BEARER, SecurityScheme::Http(bearer)),
        (API_KEY, SecurityScheme::ApiKey(ApiKey::Header(header))),
        (SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
    ]
}
