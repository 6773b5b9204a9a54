//! `GET /scopes`: what can be picked for a key.

use axum::Json;
use keyrack_key::{Class, Scope};
use serde::Serialize;
use utoipa::ToSchema;

/// A scope.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Scope)]
pub struct ScopeBody {
    /// The word to send.
    #[schema(value_type = crate::api::schema::ScopeName)]
    name: &'static str,
    /// The word on the page.
    #[schema(example = "Inference")]
    title: &'static str,
    /// What it provides.
    description: &'static str,
    /// The permissions that a key gets with it.
    #[schema(value_type = Vec<crate::api::schema::PermissionName>)]
    permissions: Vec<&'static str>,
    /// Whether a publishable key may hold it.
    publishable: bool,
}

/// All scopes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScopeList {
    items: Vec<ScopeBody>,
}

impl From<Scope> for ScopeBody {
    fn from(scope: Scope) -> Self {
        Self {
            name: scope.name(),
            title: scope.title(),
            description: scope.says(),
            permissions: scope.permissions().iter().map(keyrack_key::Permission::name).collect(),
            publishable: scope.permissions().is_within(Class::Publishable.ceiling()),
        }
    }
}

/// List the scopes
///
/// What each scope permits, and whether a publishable key may hold it.
#[utoipa::path(get, path = "/scopes", tag = "Keys", operation_id = "listScopes",
    responses((status = 200, description = "The scopes", body = ScopeList)))]
pub async fn list() -> Json<ScopeList> {
    Json(ScopeList { items: Scope::ALL.map(ScopeBody::from).into() })
}
