//! `GET /scopes`: lists the scopes that a key can have.

use axum::Json;
use keyrack_key::{Class, Scope};
use serde::Serialize;
use utoipa::ToSchema;

/// A set of permissions that a key can have.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Scope)]
pub struct ScopeBody {
    /// The name that requests use.
    #[schema(value_type = crate::api::schema::ScopeName)]
    name: &'static str,
    /// The name that pages show.
    #[schema(example = "Inference")]
    title: &'static str,
    /// What a key with this scope can do.
    description: &'static str,
    /// The permissions that a key gets with this scope.
    #[schema(value_type = Vec<crate::api::schema::PermissionName>)]
    permissions: Vec<&'static str>,
    /// Whether a publishable key can have this scope.
    publishable: bool,
}

/// The list of all scopes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScopeList {
    items: Vec<ScopeBody>,
}

impl From<Scope> for ScopeBody {
    fn from(scope: Scope) -> Self {
        Self {
            name: scope.name(),
            title: scope.title(),
            description: scope.description(),
            permissions: scope.permissions().iter().map(keyrack_key::Permission::name).collect(),
            publishable: scope.permissions().is_within(Class::Publishable.ceiling()),
        }
    }
}

/// List scopes
///
/// Returns all scopes with their permissions. The list is the same for every workspace.
#[utoipa::path(get, path = "/scopes", tag = "Keys", operation_id = "listScopes",
    responses((status = 200, description = "The scopes.", body = ScopeList)))]
pub async fn list() -> Json<ScopeList> {
    Json(ScopeList { items: Scope::ALL.map(ScopeBody::from).into() })
}
