//! The pages of the web interface. Each page is a folder: its handler (`mod.rs`), the data that it shows (`view.rs`), and
//! its template. Pages share `frame` (header, navigation, messages), `form` (fields), `text` (times, scopes, limits),
//! `snippets` (code examples), and `charts`; these know no page.
//!
//! Start with `registry()`, which lists each page with its path and the role that it requires.

pub mod error;

pub mod protect;

mod account;
mod assets;
mod audit_log;
mod charts;
mod clean_address;
mod cursor;
mod denial_reasons;
mod docs;
mod form;
mod frame;
mod general;
mod home;
mod images;
mod keys;
mod models;
mod person;
mod projects;
mod registry;
mod return_path;
mod setup;
mod sign_in;
mod snippets;
mod text;
mod workspaces;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use keyrack_store::Role;

use crate::app::Shared;
use crate::http::allowance::{ARCHIVE, Allowance, picture};
use registry::PageRegistry;

pub use registry::{PageAccess, PageRoute};

/// Allows files of this server only, and no inline code, so that text from users can never run as a script.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The size limit of the router, for the largest image that an operator can configure. The handler applies the
/// configured limit.
const TRIED: Allowance = picture(100_000_000);

fn registry() -> PageRegistry {
    use PageAccess::{Anyone, Member, SignedIn};
    const KEYS: &str = "/w/{workspace}/settings/api-keys";
    const GENERAL: &str = "/w/{workspace}/settings/general";
    const AUDIT_LOG: &str = "/w/{workspace}/settings/audit-log";
    let key = |rest: &str| format!("{KEYS}{rest}");
    let registry = PageRegistry::default()
        .page(Anyone, "/", home::home)
        .form(Anyone, "/setup", setup::form, setup::submit)
        .form(Anyone, "/sign-in", sign_in::form, sign_in::submit)
        .action(Anyone, "/sign-out", sign_in::sign_out)
        .page(Anyone, "/docs", docs::quickstart)
        .page(Anyone, "/docs/authentication", docs::authentication)
        .page(Anyone, "/docs/errors", docs::errors)
        .page(Anyone, "/docs/search", docs::search)
        .page(Anyone, "/docs/api/{group}", docs::group)
        .page(Anyone, "/docs/guides/{guide}", docs::guide)
        .page(Anyone, "/assets/{file}", assets::file)
        .page(Anyone, "/favicon.ico", assets::icon)
        .page(Anyone, "/apple-touch-icon.png", assets::touch_icon)
        .page(SignedIn, "/account", account::page)
        .action(SignedIn, "/account/theme", account::choose_theme)
        .action(SignedIn, "/account/sessions/{id}/revoke", account::revoke)
        .action(SignedIn, "/account/sessions/revoke-others", account::revoke_others)
        .form(SignedIn, "/workspaces/new", workspaces::form, workspaces::submit)
        .page(SignedIn, "/keys/{id}", home::key)
        .page(Member(Role::Viewer), "/w/{workspace}", home::workspace)
        .page(Member(Role::Viewer), KEYS, keys::list::page)
        .form(Member(Role::Admin), &key("/new"), keys::new::form, keys::new::submit)
        .form(Member(Role::Viewer), &key("/denied-requests"), keys::denials::form, keys::denials::submit)
        .page(Member(Role::Viewer), &key("/denied-requests/{id}"), keys::denials::show)
        .action(Member(Role::Admin), &key("/selected"), keys::selection::submit)
        .page(Member(Role::Admin), &key("/export"), keys::selection::export::file)
        .page(Member(Role::Viewer), &key("/{id}"), keys::show::page)
        .action(Member(Role::Admin), &key("/{id}/recommendations"), keys::advice::submit)
        .action(Member(Role::Admin), &key("/{id}/publishable-key"), keys::publishable_key::submit)
        .form(Member(Role::Admin), &key("/{id}/edit"), keys::edit::form, keys::edit::submit)
        .form(Member(Role::Admin), &key("/{id}/note"), keys::note::form, keys::note::submit)
        .form(Member(Role::Admin), &key("/{id}/rotate"), keys::rotate::form, keys::rotate::submit)
        .form(Member(Role::Admin), &key("/{id}/revoke-old-secret"), keys::retire::form, keys::retire::submit)
        .form(Member(Role::Admin), &key("/{id}/pause"), keys::pause::form, keys::pause::submit)
        .action(Member(Role::Admin), &key("/{id}/resume"), keys::pause::resume)
        .page(Member(Role::Viewer), &key("/{id}/first-request"), keys::first_call::page)
        .form(Member(Role::Admin), &key("/{id}/delete"), keys::delete::form, keys::delete::submit)
        .page(Member(Role::Viewer), GENERAL, general::page)
        .action(Member(Role::Admin), GENERAL, general::submit)
        .page(Member(Role::Admin), AUDIT_LOG, audit_log::list::page)
        .page(Member(Role::Admin), &format!("{AUDIT_LOG}/export"), audit_log::export::file)
        .page(Member(Role::Admin), &format!("{AUDIT_LOG}/verify"), audit_log::verify::page);
    platform(registry)
}

/// The pages of projects with their images, and of models.
fn platform(registry: PageRegistry) -> PageRegistry {
    use PageAccess::Member;
    const PROJECTS: &str = "/w/{workspace}/projects";
    const MODELS: &str = "/w/{workspace}/models";
    let project = |rest: &str| format!("{PROJECTS}{rest}");
    let model = |rest: &str| format!("{MODELS}{rest}");
    registry
        .page(Member(Role::Viewer), PROJECTS, projects::list::page)
        .form(Member(Role::Member), &project("/new"), projects::new::form, projects::new::submit)
        .form(
            Member(Role::Member),
            &project("/{id}/rename"),
            projects::rename::form,
            projects::rename::submit,
        )
        .form(
            Member(Role::Member),
            &project("/{id}/delete"),
            projects::delete::form,
            projects::delete::submit,
        )
        .form(Member(Role::Member), &project("/{id}/train"), models::train::form, models::train::submit)
        .page(Member(Role::Viewer), &project("/{id}"), projects::show::page)
        .page(Member(Role::Viewer), &project("/{id}/models"), projects::models::page)
        .sending(ARCHIVE, Member(Role::Member), &project("/{id}/images"), images::upload::submit)
        .action(Member(Role::Member), &project("/{id}/images/change"), images::change::submit)
        .page(Member(Role::Viewer), &project("/{id}/images/{image}"), images::show::page)
        .page(Member(Role::Viewer), &project("/{id}/images/{image}/file"), images::file::file)
        .form(
            Member(Role::Member),
            &project("/{id}/images/{image}/delete"),
            images::delete::form,
            images::delete::submit,
        )
        .page(Member(Role::Viewer), &project("/{id}/imports/{import}"), images::import::page)
        .page(Member(Role::Viewer), MODELS, models::list::page)
        .page(Member(Role::Viewer), &model("/{id}"), models::show::page)
        .action(Member(Role::Member), &model("/{id}/cancel"), models::cancel::submit)
        .sending(TRIED, Member(Role::Member), &model("/{id}/try"), models::predict::submit)
        .form(Member(Role::Member), &model("/{id}/rename"), models::rename::form, models::rename::submit)
        .form(Member(Role::Member), &model("/{id}/delete"), models::delete::form, models::delete::submit)
}

/// The router of all pages.
pub fn router(app: &Shared) -> Router<Shared> {
    registry()
        .finish()
        .0
        .layer(from_fn(clean_address::pages))
        .layer(from_fn_with_state(app.clone(), error::page::render))
}

/// All pages, with the role that each requires.
pub fn routes() -> Vec<PageRoute> {
    registry().finish().1
}
