//! `…/settings/api-keys/{id}/retire`: revokes the old secret of a key before its grace period ends.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::chosen::{Chosen, Living};
use super::{base, still_using};
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::flash;
use crate::web::frame::{self, show};
use crate::web::view::{Here, Notice, RetireSecret, Tone};
use crate::web::words;

/// Asks for confirmation.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    Living(Chosen { member, key }): Living,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let now = app.now();
    let view = RetireSecret {
        frame: frame::of_member(&app, &member, Here::ApiKeys, &headers),
        base: base(&member),
        id: key.id.to_string(),
        key_name: key.name.clone(),
        retiring: words::retiring_says(&key, now),
        still_using: still_using(&app, &member, &key).await?.unwrap_or_default(),
    };
    Ok(show!(&app, view)?)
}

/// Revokes the old secret, and shows which nodes have confirmed the change.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    Living(Chosen { member, key }): Living,
) -> Result<Response, PageError> {
    let retiring = key.retiring_at(app.now()).map(|(secret, _)| secret.hint);
    let (key, propagation) = app.keys.retire(&member.acting, key.id).await?;
    let tone = if propagation.unconfirmed.is_empty() { Tone::Good } else { Tone::Warning };
    let notice = match retiring {
        Some(hint) => Notice {
            tone,
            text: format!("The old secret …{hint} of {} was retired.", key.name),
            detail: words::arrived(&propagation, app.now()),
        },
        None => Notice {
            tone: Tone::Good,
            text: format!("No old secret of {} works any more.", key.name),
            detail: String::new(),
        },
    };
    Ok(flash::redirect(&app, &format!("{}/{}", base(&member), key.id), &notice))
}
