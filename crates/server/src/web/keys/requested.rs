//! Extractors for the key that the path names, with the member who requests it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_store::KeyRow;

use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::person::{Member, id_in_path};

/// A key of the member's workspace, deleted or not.
pub(in crate::web) struct RequestedKey {
    pub(super) member: Member,
    pub(super) key: KeyRow,
}

/// A key of the member's workspace that is not deleted. For a deleted key, redirects to its page.
pub(in crate::web) struct EditableKey(pub(super) RequestedKey);

impl FromRequestParts<Shared> for RequestedKey {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let member = Member::from_request_parts(parts, app).await?;
        let id = id_in_path(parts, "id", "key").await?;
        let key = app.keys.read(&member.acting, id).await?;
        Ok(Self { member, key })
    }
}

impl FromRequestParts<Shared> for EditableKey {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let chosen = RequestedKey::from_request_parts(parts, app).await?;
        if chosen.key.deletion.is_some() {
            // The page shows who deleted the key, and when.
            let url = format!("{}/{}", super::base(&chosen.member), chosen.key.id);
            return Err(PageError::Elsewhere { url });
        }
        Ok(Self(chosen))
    }
}
