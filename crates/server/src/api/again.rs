//! Asking once more who calls, for answers that last: a key may be deleted and a session may end while they do.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_core::Acting;
use keyrack_guard::Caller;

use super::Access;
use crate::app::Shared;

/// A request, to be decided about again.
#[derive(Debug)]
pub struct Again {
    app: Shared,
    parts: Parts,
}

impl FromRequestParts<Shared> for Again {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        Ok(Self { app: app.clone(), parts: parts.clone() })
    }
}

impl Again {
    /// Who calls, if the same request would be let in now.
    pub async fn decide(&self) -> Option<Acting> {
        let mut parts = self.parts.clone();
        if parts.extensions.remove::<Caller>().is_some() {
            let Some(Access::Guarded(permission, _)) = parts.extensions.get::<Access>().copied() else {
                return None;
            };
            let caller = self.app.guard.check_again(&parts, Some(permission)).ok()?;
            parts.extensions.insert(caller);
        }
        Acting::from_request_parts(&mut parts, &self.app).await.ok()
    }
}
