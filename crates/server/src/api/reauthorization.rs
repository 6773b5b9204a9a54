//! Repeated authorization for streamed responses. A key may be deleted, or a session may end, while the stream is open.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_core::AuthorizedCaller;
use keyrack_guard::Caller;

use super::RouteAccess;
use crate::app::Shared;

/// A request whose caller can be authorized again.
#[derive(Debug)]
pub struct Reauthorization {
    app: Shared,
    parts: Parts,
}

impl FromRequestParts<Shared> for Reauthorization {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        Ok(Self { app: app.clone(), parts: parts.clone() })
    }
}

impl Reauthorization {
    /// Returns the actor of the request, or `None` if the request would be denied now.
    pub async fn authorize(&self) -> Option<AuthorizedCaller> {
        let mut parts = self.parts.clone();
        if parts.extensions.remove::<Caller>().is_some() {
            let Some(RouteAccess::Guarded(permission, _)) = parts.extensions.get::<RouteAccess>().copied()
            else {
                return None;
            };
            let caller = self.app.guard.check_again(&parts, Some(permission)).ok()?;
            parts.extensions.insert(caller);
        }
        AuthorizedCaller::from_request_parts(&mut parts, &self.app).await.ok()
    }
}
