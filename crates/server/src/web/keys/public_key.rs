//! `…/settings/api-keys/{id}/public-key`: a public key for the page on which another key was seen, by one click.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_key::{Class, Only, Origin, Rate, Restrictions, Scope};
use keyrack_store::{KeyRow, StoreError};
use serde::Deserialize;

use super::chosen::{Chosen, Living};
use super::{base, new, reveal, sent_nonce};
use crate::app::{App, Shared};
use crate::ops::OpError;
use crate::ops::keys::sightings::origin_of;
use crate::ops::keys::{Draft, Handed};
use crate::web::error::PageError;
use crate::web::flash;
use crate::web::form::Form;
use crate::web::person::Member;
use crate::web::view::{Notice, Tone};

/// What the button sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Taken {
    origin: String,
    nonce: String,
}

/// How often each visitor of the page may ask: a person who plays with it, and no program that lives off it.
const EACH_VISITOR: (u32, u32) = (60, 60);

/// Makes it: the secret is in this answer and in no other.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    Living(Chosen { member, key }): Living,
    parts: Parts,
    Form(form): Form<Taken>,
) -> Result<Response, PageError> {
    let (_, seen) = app.keys.sightings(&member.acting, key.id).await?;
    let origin = seen.iter().filter_map(origin_of).find(|origin| origin.to_string() == form.origin);
    let Some(origin) = origin else {
        let notice = Notice {
            tone: Tone::Warning,
            text: format!("{} was not seen there, so no key was made.", key.name),
            detail: String::new(),
        };
        return Ok(flash::redirect(&app, &format!("{}/{}", base(&member), key.id), &notice));
    };
    match create(&app, &member, &key, origin, &form.nonce).await {
        Ok(handed) => {
            let remark = new::remark(&app, &member, &handed).await.unwrap_or_default();
            Ok(reveal::page(&app, &member, &parts, &handed, None, remark)?)
        }
        Err(OpError::Repeated { key }) => {
            Ok(reveal::already_shown(&app, &member, &parts.headers, key).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn create(
    app: &App,
    member: &Member,
    seen: &KeyRow,
    origin: Origin,
    nonce: &str,
) -> Result<Handed, OpError> {
    let draft = Draft {
        name: format!("Page on {}", origin.to_string().split_once("://").map_or("", |(_, host)| host)),
        class: Class::Publishable,
        scopes: [Scope::Inference].into_iter().collect(),
        restrictions: narrowed(seen, origin)?,
        expires_at: None,
        note: format!("For the page on which {} was seen", seen.name),
    };
    app.keys.create(&member.acting, draft, sent_nonce(nonce)?).await
}

/// It opens no more than the key whose place it takes; but visitors come from every network.
fn narrowed(seen: &KeyRow, origin: Origin) -> Result<Restrictions, OpError> {
    let kept = seen.terms.restrictions.clone().ok_or(StoreError::NotUnderstood)?;
    let (requests, seconds) = EACH_VISITOR;
    Ok(Restrictions {
        origins: Only::These([origin].into()),
        networks: Only::Any,
        visitor_rate: kept.visitor_rate.or(Rate::new(requests, seconds).ok()),
        ..kept
    })
}
