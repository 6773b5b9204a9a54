//! Access to routes. Each route states who may call it where it is registered; a key opens no other route.

use std::sync::Arc;

use http::Method;
use keyrack_guard::{Guard, GuardLayer};
use keyrack_key::{Permission, Scope};
use keyrack_store::Role;
use tower::ServiceBuilder;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::failures;
use crate::app::Shared;
use crate::http::allowance::{self, Allowance};
use crate::http::entrance::Entrance;

/// The names of the security schemes in the OpenAPI document.
pub const BEARER: &str = "bearer";
pub const API_KEY: &str = "apiKey";
pub const SESSION: &str = "session";

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteAccess {
    /// Everyone, without credentials.
    Open,
    /// Every client that sends a valid signature in the URL.
    Signed,
    /// Every client that sends a key. The route verifies that key for another service.
    VerifiesKey,
    /// Keys with the permission, and members with at least the role.
    Guarded(Permission, Role),
}

/// A registered route.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: Method,
    /// The path below the API's prefix, with parameters in braces.
    pub path: String,
    pub access: RouteAccess,
}

/// Registers routes. Each route is added to the router and to the OpenAPI document in one step.
pub struct RouteRegistry {
    guard: Arc<Guard>,
    router: OpenApiRouter<Shared>,
    routes: Vec<Route>,
}

impl RouteRegistry {
    /// Creates a registry without routes.
    pub fn new(guard: Arc<Guard>) -> Self {
        Self { guard, router: OpenApiRouter::new(), routes: Vec::new() }
    }

    /// Registers an endpoint with the request limits of small JSON bodies.
    #[must_use]
    pub fn route(self, access: RouteAccess, endpoint: UtoipaMethodRouter<Shared>) -> Self {
        self.route_for(allowance::SMALL, access, endpoint)
    }

    /// Registers an endpoint with the request limits of `allowance`.
    #[must_use]
    pub fn route_for(
        mut self,
        allowance: Allowance,
        access: RouteAccess,
        endpoint: UtoipaMethodRouter<Shared>,
    ) -> Self {
        let (schemas, mut paths, methods) = endpoint;
        let entrance = Entrance { access, bytes: allowance.bytes };
        // Other methods stay outside of the guard: a preflight with a key in its query must not count as usage.
        let methods = match access {
            RouteAccess::Open | RouteAccess::Signed | RouteAccess::VerifiesKey => {
                methods.route_layer(entrance)
            }
            RouteAccess::Guarded(permission, _) => {
                let guard = GuardLayer::new(Arc::clone(&self.guard), permission).or_without_key();
                methods.route_layer(ServiceBuilder::new().layer(guard).layer(entrance))
            }
        };
        let methods = allowance.around(methods);
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                describe(operation, access);
                self.routes.push(Route { method, path: path.clone(), access });
            }
        }
        self.router = self.router.routes((schemas, paths, methods));
        self
    }

    /// Returns the router with its OpenAPI document, and the list of its routes.
    pub fn finish(self) -> (OpenApiRouter<Shared>, Vec<Route>) {
        (self.router, self.routes)
    }
}

fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    [
        (Method::GET, item.get.as_mut()),
        (Method::POST, item.post.as_mut()),
        (Method::PUT, item.put.as_mut()),
        (Method::PATCH, item.patch.as_mut()),
        (Method::DELETE, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
    .collect()
}

/// Documents the access of an operation. The guard and the document read the same `access`, so they can't differ.
fn describe(operation: &mut Operation, access: RouteAccess) {
    let scheme = |name: &str| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    let text = match access {
        RouteAccess::Open => "everyone".to_owned(),
        RouteAccess::Signed => "everyone with the signed URL".to_owned(),
        RouteAccess::VerifiesKey => {
            operation.security = Some(vec![scheme(BEARER), scheme(API_KEY)]);
            "everyone with the key to verify".to_owned()
        }
        RouteAccess::Guarded(permission, role) => {
            let scopes: Vec<_> = Scope::holding(permission).map(Scope::title).collect();
            operation.security = Some(vec![scheme(BEARER), scheme(API_KEY), scheme(SESSION)]);
            format!(
                "keys with the scope {} ({permission}); members with the role {role} or higher",
                scopes.join(" or ")
            )
        }
    };
    let extension = ExtensionsBuilder::new().add("x-keyrack-access", text).build();
    operation.extensions = Some(extension);
    failures::describe(operation, access);
}
