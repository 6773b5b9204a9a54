//! `…/settings/api-keys/{id}`: one key and its facts.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_key::Class;

use super::base;
use super::chosen::Chosen;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, show};
use crate::web::view::{Here, KeyPage};
use crate::web::words;

/// Shows a key, deleted or not.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    Chosen { member, key }: Chosen,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let now = app.now();
    let deletion = key.deletion.as_ref();
    let view = KeyPage {
        frame: frame::of_member(&app, &member, Here::ApiKeys, &headers),
        base: base(&member),
        can_manage: member.manages_keys(),
        id: key.id.to_string(),
        name: key.name.clone(),
        masked: words::masked_key(&app.config.brands, &key),
        retiring: words::retiring_says(&key, now),
        scopes: words::scopes(key.scopes),
        created: words::by(&key.created_by, key.created_at, now),
        last_use: words::last_use(&key, now),
        expires: words::expires(&key, now),
        limits: key.terms.restrictions.as_ref().map(words::limits).unwrap_or_default(),
        public: key.class == Class::Publishable,
        note: key.note.clone().unwrap_or_default(),
        deleted: deletion.map(|deletion| words::by(&deletion.by, deletion.at, now)),
        deleted_because: deletion.and_then(|deletion| deletion.reason.clone()),
    };
    Ok(show!(&app, view)?)
}
