//! Who may call a route, said where the route is registered. A route that is not registered here opens to no key.

use std::sync::Arc;

use http::Method;
use keyrack_guard::{Guard, GuardLayer};
use keyrack_key::{Permission, Scope};
use keyrack_store::Role;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::failures;
use crate::app::Shared;
use crate::edge::allowance::{self, Allowance};
use crate::edge::entrance::Entrance;

/// The names of the ways to authenticate, in the description of the API.
pub const BEARER: &str = "bearer";
pub const API_KEY: &str = "apiKey";
pub const SESSION: &str = "session";

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whoever holds the URL, which is signed.
    Signed,
    /// Anybody; a key that comes along is what is asked about.
    AsksAboutKey,
    /// Keys with the permission, and members with at least the role.
    Guarded(Permission, Role),
}

/// A route as it was registered.
#[derive(Clone, Debug)]
pub struct Stated {
    pub method: Method,
    /// With its parameters in braces, below the API's prefix.
    pub path: String,
    pub access: Access,
}

/// The routes so far, with their description: one cannot be registered without the other.
pub struct Registry {
    guard: Arc<Guard>,
    router: OpenApiRouter<Shared>,
    stated: Vec<Stated>,
}

impl Registry {
    /// No routes yet.
    pub fn new(guard: Arc<Guard>) -> Self {
        Self { guard, router: OpenApiRouter::new(), stated: Vec::new() }
    }

    /// Registers an endpoint that takes JSON behind what `access` demands.
    #[must_use]
    pub fn route(self, access: Access, endpoint: UtoipaMethodRouter<Shared>) -> Self {
        self.route_for(allowance::SMALL, access, endpoint)
    }

    /// Registers an endpoint that takes more.
    #[must_use]
    pub fn route_for(
        mut self,
        allowance: Allowance,
        access: Access,
        endpoint: UtoipaMethodRouter<Shared>,
    ) -> Self {
        let (schemas, mut paths, methods) = endpoint;
        let methods = methods.layer(Entrance { access, bytes: allowance.bytes });
        let methods = match access {
            Access::Open | Access::Signed | Access::AsksAboutKey => methods,
            Access::Guarded(permission, _) => {
                // Not around what answers to other methods: a preflight may carry a key in its query, and is no use of it.
                methods.route_layer(GuardLayer::new(Arc::clone(&self.guard), permission).or_without_key())
            }
        };
        let methods = allowance.around(methods);
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                describe(operation, access);
                self.stated.push(Stated { method, path: path.clone(), access });
            }
        }
        self.router = self.router.routes((schemas, paths, methods));
        self
    }

    /// The router with its description, and the list of its routes.
    pub fn finish(self) -> (OpenApiRouter<Shared>, Vec<Stated>) {
        (self.router, self.stated)
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

/// Writes into the description what the route asks for, so that readers learn it from the same line as the guard.
fn describe(operation: &mut Operation, access: Access) {
    let scheme = |name: &str| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    let says = match access {
        Access::Open => "anybody".to_owned(),
        Access::Signed => "anybody who holds the signed URL".to_owned(),
        Access::AsksAboutKey => {
            operation.security = Some(vec![scheme(BEARER), scheme(API_KEY)]);
            "anybody who holds the key in question".to_owned()
        }
        Access::Guarded(permission, role) => {
            let scopes: Vec<_> = Scope::holding(permission).map(Scope::title).collect();
            operation.security = Some(vec![scheme(BEARER), scheme(API_KEY), scheme(SESSION)]);
            format!(
                "keys with the scope {} ({permission}); members from the role {role}",
                scopes.join(" or ")
            )
        }
    };
    let extension = ExtensionsBuilder::new().add("x-who-may-call", says).build();
    operation.extensions = Some(extension);
    failures::describe(operation, access);
}
