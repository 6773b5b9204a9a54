//! Extractors for the key that the path names, with the member who requests it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_store::KeyRow;

use crate::app::Shared;
use crate::ops::OpError;
use crate::web::error::PageError;
use crate::web::person::{Member, in_path};

/// A key of the member's workspace, deleted or not.
pub(in crate::web) struct Chosen {
    pub(super) member: Member,
    pub(super) key: KeyRow,
}

/// A key of the member's workspace that is not deleted. For a deleted key, redirects to its page.
pub(in crate::web) struct Living(pub(super) Chosen);

impl FromRequestParts<Shared> for Chosen {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let member = Member::from_request_parts(parts, app).await?;
        // A malformed ID names no key.
        let id = in_path(parts, "id").await.parse().map_err(|_| OpError::NotFound("key"))?;
        let key = app.keys.read(&member.acting, id).await?;
        Ok(Self { member, key })
    }
}

impl FromRequestParts<Shared> for Living {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let chosen = Chosen::from_request_parts(parts, app).await?;
        if chosen.key.deletion.is_some() {
            // The page shows who deleted the key, and when.
            let url = format!("{}/{}", super::base(&chosen.member), chosen.key.id);
            return Err(PageError::Elsewhere { url });
        }
        Ok(Self(chosen))
    }
}
