//! The registry of pages. Each page is registered together with the role that it requires.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, get, post};
use http::Method;
use keyrack_store::Role;

use crate::app::Shared;
use crate::http::allowance::{self, Allowance};
use crate::http::entrance::Entrance;

/// Who may open a page. No page accepts API keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageAccess {
    /// Everyone, signed in or not.
    Anyone,
    /// Every signed-in user.
    SignedIn,
    /// Members of the workspace in the path who have at least this role.
    Member(Role),
}

/// A registered method and path.
#[derive(Clone, Debug)]
pub struct PageRoute {
    pub method: Method,
    /// The path with its parameters in braces, such as `/w/{workspace}`.
    pub path: String,
    pub access: PageAccess,
}

/// Collects the pages.
#[derive(Debug, Default)]
pub(super) struct PageRegistry {
    router: Router<Shared>,
    routes: Vec<PageRoute>,
}

impl PageRegistry {
    /// Adds a page without a form.
    #[must_use]
    pub(super) fn page<H: Handler<T, Shared>, T: 'static>(
        self,
        access: PageAccess,
        path: &str,
        page: H,
    ) -> Self {
        self.add(access, path, &[Method::GET], get(page))
    }

    /// Adds a page with a form: GET shows the form, POST submits it.
    #[must_use]
    pub(super) fn form<F, FT, S, ST>(self, access: PageAccess, path: &str, form: F, submit: S) -> Self
    where
        F: Handler<FT, Shared>,
        FT: 'static,
        S: Handler<ST, Shared>,
        ST: 'static,
    {
        self.add(access, path, &[Method::GET, Method::POST], get(form).post(submit))
    }

    /// Adds an action that a button submits with POST.
    #[must_use]
    pub(super) fn action<H: Handler<T, Shared>, T: 'static>(
        self,
        access: PageAccess,
        path: &str,
        action: H,
    ) -> Self {
        self.add(access, path, &[Method::POST], post(action))
    }

    /// Adds an action whose body may be as large as `allowance`, for uploads.
    #[must_use]
    pub(super) fn sending<H: Handler<T, Shared>, T: 'static>(
        self,
        allowance: Allowance,
        access: PageAccess,
        path: &str,
        action: H,
    ) -> Self {
        self.add_for(allowance, access, path, &[Method::POST], post(action))
    }

    fn add(self, access: PageAccess, path: &str, methods: &[Method], routes: MethodRouter<Shared>) -> Self {
        self.add_for(allowance::SMALL, access, path, methods, routes)
    }

    fn add_for(
        mut self,
        allowance: Allowance,
        access: PageAccess,
        path: &str,
        methods: &[Method],
        routes: MethodRouter<Shared>,
    ) -> Self {
        let registered =
            methods.iter().map(|method| PageRoute { method: method.clone(), path: path.to_owned(), access });
        self.routes.extend(registered);
        self.router = self
            .router
            .route(path, allowance.around(routes.layer(Entrance { access, bytes: allowance.bytes })));
        self
    }

    pub(super) fn finish(self) -> (Router<Shared>, Vec<PageRoute>) {
        (self.router, self.routes)
    }
}
