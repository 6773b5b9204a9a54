//! `POST …/settings/api-keys/{id}/recommendations`: applies a recommendation for a key. Also turns recommendations into
//! rows for the key's page.

use axum::extract::State;
use axum::response::Response;
use keyrack_core::OpError;
use keyrack_core::keys::advice::Advice;
use keyrack_key::{KeyId, Scope};
use keyrack_store::KeyRow;
use serde::Deserialize;

use super::base;
use super::requested::{EditableKey, RequestedKey};
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::form::FormBody;
use crate::web::frame::{FlashMessage, flash};
use crate::web::keys::show::RecommendationRow;
use crate::web::text;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RecommendationForm {
    code: String,
}

/// The recommendations as rows with buttons. `base` is the path of the API Keys page. The exposure of a key is
/// left out, because the page shows it separately.
pub(super) fn lines(
    advice: &[Advice],
    base: &str,
    key: KeyId,
    now: keyrack_key::Timestamp,
) -> Vec<RecommendationRow> {
    let line = |advice: &Advice| {
        let (label, below) = button(*advice);
        RecommendationRow {
            code: advice.code(),
            text: advice.sentence(now),
            urgent: matches!(advice, Advice::Expires { within: 1 | 7, .. }),
            label,
            url: below.map(|below| format!("{base}/{key}/{below}")),
        }
    };
    advice.iter().filter(|one| !matches!(one, Advice::Exposed(_))).map(line).collect()
}

/// The label of the button, and the path below the key's page that it leads to. `None` if the button applies
/// the recommendation directly.
fn button(advice: Advice) -> (&'static str, Option<&'static str>) {
    match advice {
        Advice::OnlyPredicts { .. } => ("Change to Inference", None),
        Advice::Exposed(_) | Advice::Old { .. } => ("Rotate key", Some("rotate")),
        Advice::Unused { .. } => ("Delete key", Some("delete")),
        Advice::Expires { .. } => ("Change expiration", Some("edit#f-expiry")),
        Advice::AnyOrigin => ("Set allowed origins", Some("edit#f-origins")),
        Advice::NoLimit => ("Set a limit", Some("edit#f-rate_requests")),
    }
}

/// Applies the recommendation with this code.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    FormBody(form): FormBody<RecommendationForm>,
) -> Result<Response, PageError> {
    let url = format!("{}/{}", base(&member), key.id);
    let notice = match app.keys.apply_advice(&member.acting, key.id, &form.code, app.window()).await {
        Ok((key, propagation)) => {
            let took = text::short_duration(propagation.took);
            FlashMessage::good(format!("{} now has {}.", key.name, titles(&key)))
                .with_detail(format!("The change applies from the next request ({took})."))
        }
        // The key was used or changed in the meantime, so the recommendation no longer applies.
        Err(OpError::Conflict) => {
            FlashMessage::warning("This recommendation no longer applies. Nothing was changed.")
        }
        Err(error) => return Err(error.into()),
    };
    Ok(flash::redirect(&app, &url, &notice))
}

fn titles(key: &KeyRow) -> String {
    key.scopes.iter().map(Scope::title).collect::<Vec<_>>().join(" and ")
}
