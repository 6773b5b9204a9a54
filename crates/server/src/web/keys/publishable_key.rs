//! `POST …/settings/api-keys/{id}/publishable-key`: creates a publishable key for the page in which a
//! secret key was exposed.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_core::OpError;
use keyrack_core::keys::exposures::origin_of;
use keyrack_core::keys::{IssuedKey, KeyDraft};
use keyrack_key::{Allowlist, Class, Origin, QuotaResource, Quotas, Rate, Restrictions, Scope};
use keyrack_store::{KeyRow, StoreError};
use serde::Deserialize;

use super::requested::{EditableKey, RequestedKey};
use super::{base, new, reveal, sent_nonce};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, sentence};
use crate::web::frame::{FlashMessage, flash};
use crate::web::person::Member;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PublishableKeyForm {
    origin: String,
    nonce: String,
}

/// The rate limit for each visitor, as requests and seconds: enough for a person, too little for a script.
const VISITOR_RATE: (u32, u32) = (60, 60);

/// Creates the key. This response is the only one that contains the secret.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    parts: Parts,
    FormBody(form): FormBody<PublishableKeyForm>,
) -> Result<Response, PageError> {
    let (_, sightings) = app.keys.exposures(&member.acting, key.id).await?;
    let origin = sightings.iter().filter_map(origin_of).find(|origin| origin.to_string() == form.origin);
    let back = |text: String, detail: String| {
        let notice = FlashMessage::warning(text).with_detail(detail);
        Ok(flash::redirect(&app, &format!("{}/{}", base(&member), key.id), &notice))
    };
    let Some(origin) = origin else {
        return back(
            format!("{} hasn't been used on that page. No key was created.", key.name),
            String::new(),
        );
    };
    match create(&app, &member, &key, origin, &form.nonce).await {
        Ok(created) => {
            let remark = new::same_name(&app, &member, &created.key.name, Some(created.key.id))
                .await
                .unwrap_or_default();
            Ok(reveal::page(&app, &member, &parts, &created, None, remark).await?)
        }
        Err(OpError::Repeated { key }) => {
            Ok(reveal::already_shown(&app, &member, &parts.headers, key).await?)
        }
        // The form has no fields for these errors. One cause is that the exposed key has expired in the meantime.
        Err(OpError::Invalid(invalid)) => {
            let says: Vec<_> = invalid.fields().map(|(_, error)| sentence(error)).collect();
            back("No key was created.".to_owned(), says.join(" "))
        }
        Err(error) => Err(error.into()),
    }
}

async fn create(
    app: &App,
    member: &Member,
    exposed: &KeyRow,
    origin: Origin,
    nonce: &str,
) -> Result<IssuedKey, OpError> {
    let latest = app.settings.policy(&member.acting).await?.latest_end(app.now());
    let ends = [exposed.terms.expires_at, latest].into_iter().flatten().min();
    let draft = KeyDraft {
        name: format!("Page on {}", origin.to_string().split_once("://").map_or("", |(_, host)| host)),
        class: Class::Publishable,
        scopes: [Scope::Inference].into_iter().collect(),
        restrictions: app.keys.without_deleted(&member.acting, restrictions(exposed, origin)?).await?,
        expires_at: ends,
        note: format!("For the page that exposed {}", exposed.name),
    };
    app.keys.create(&member.acting, draft, sent_nonce(nonce)?).await
}

/// The restrictions of the new key. It can access no more than the exposed key, but from every network, because
/// visitors have any address. Only quotas of predictions apply to a publishable key.
fn restrictions(exposed: &KeyRow, origin: Origin) -> Result<Restrictions, OpError> {
    let kept = exposed.terms.restrictions.clone().ok_or(StoreError::NotUnderstood)?;
    let (requests, seconds) = VISITOR_RATE;
    let mut quotas = Quotas::NONE;
    for quota in kept.quotas.iter().filter(|quota| quota.of == QuotaResource::Predictions) {
        // The quotas come from one valid set, so they cannot conflict.
        let _ = quotas.add(quota);
    }
    Ok(Restrictions {
        origins: Allowlist::Only([origin].into()),
        networks: Allowlist::Any,
        quotas,
        visitor_rate: kept.visitor_rate.or(Rate::new(requests, seconds).ok()),
        ..kept
    })
}
