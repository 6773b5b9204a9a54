//! Who may open a page, said where the page is registered.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, get, post};
use http::Method;
use keyrack_store::Role;

use crate::app::Shared;
use crate::edge::allowance::{self, Allowance};
use crate::edge::entrance::Entrance;

/// Who may open a page. Keys open none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Anyone,
    /// Whoever is signed in.
    SignedIn,
    /// Members of the workspace in the path, from this role.
    Member(Role),
}

/// A page as it was registered.
#[derive(Clone, Debug)]
pub struct Stated {
    pub method: Method,
    /// With its parameters in braces.
    pub path: String,
    pub access: Access,
}

/// The pages so far.
#[derive(Debug, Default)]
pub(super) struct Registry {
    router: Router<Shared>,
    stated: Vec<Stated>,
}

impl Registry {
    /// A page that is only looked at.
    #[must_use]
    pub(super) fn page<H: Handler<T, Shared>, T: 'static>(self, access: Access, path: &str, page: H) -> Self {
        self.add(access, path, &[Method::GET], get(page))
    }

    /// A form and what sending it does.
    #[must_use]
    pub(super) fn form<F, FT, S, ST>(self, access: Access, path: &str, form: F, submit: S) -> Self
    where
        F: Handler<FT, Shared>,
        FT: 'static,
        S: Handler<ST, Shared>,
        ST: 'static,
    {
        self.add(access, path, &[Method::GET, Method::POST], get(form).post(submit))
    }

    /// A button.
    #[must_use]
    pub(super) fn action<H: Handler<T, Shared>, T: 'static>(
        self,
        access: Access,
        path: &str,
        action: H,
    ) -> Self {
        self.add(access, path, &[Method::POST], post(action))
    }

    /// A button that sends pictures.
    #[must_use]
    pub(super) fn sending<H: Handler<T, Shared>, T: 'static>(
        self,
        allowance: Allowance,
        access: Access,
        path: &str,
        action: H,
    ) -> Self {
        self.add_for(allowance, access, path, &[Method::POST], post(action))
    }

    fn add(self, access: Access, path: &str, methods: &[Method], routes: MethodRouter<Shared>) -> Self {
        self.add_for(allowance::SMALL, access, path, methods, routes)
    }

    fn add_for(
        mut self,
        allowance: Allowance,
        access: Access,
        path: &str,
        methods: &[Method],
        routes: MethodRouter<Shared>,
    ) -> Self {
        let stated =
            methods.iter().map(|method| Stated { method: method.clone(), path: path.to_owned(), access });
        self.stated.extend(stated);
        self.router = self
            .router
            .route(path, allowance.around(routes.layer(Entrance { access, bytes: allowance.bytes })));
        self
    }

    pub(super) fn finish(self) -> (Router<Shared>, Vec<Stated>) {
        (self.router, self.stated)
    }
}
