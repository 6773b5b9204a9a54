//! `POST …/settings/api-keys/{id}/advice`: applies a recommendation for a key. Also turns recommendations into
//! rows for the key's page.

use axum::extract::State;
use axum::response::Response;
use keyrack_key::{KeyId, Scope};
use keyrack_store::KeyRow;
use serde::Deserialize;

use super::base;
use super::chosen::{Chosen, Living};
use crate::app::Shared;
use crate::ops::OpError;
use crate::ops::keys::advice::Advice;
use crate::web::error::PageError;
use crate::web::flash;
use crate::web::form::Form;
use crate::web::view::{AdviceLine, Notice, Tone};
use crate::web::words;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Taken {
    code: String,
}

/// The recommendations as rows with buttons. `base` is the path of the API Keys page. The exposure of a key is
/// left out, because the page shows it separately.
pub(super) fn lines(
    advice: &[Advice],
    base: &str,
    key: KeyId,
    now: keyrack_key::Timestamp,
) -> Vec<AdviceLine> {
    let line = |advice: &Advice| {
        let (label, below) = click(*advice);
        AdviceLine {
            code: advice.code(),
            says: advice.says(now),
            urgent: matches!(advice, Advice::Expires { within: 1 | 7, .. }),
            label,
            url: below.map(|below| format!("{base}/{key}/{below}")),
        }
    };
    advice.iter().filter(|one| !matches!(one, Advice::Seen(_))).map(line).collect()
}

/// The label of the button, and the path below the key's page that it leads to. `None` if the button applies
/// the recommendation directly.
fn click(advice: Advice) -> (&'static str, Option<&'static str>) {
    match advice {
        Advice::OnlyPredicts { .. } => ("Make it Inference", None),
        Advice::Seen(_) | Advice::Old { .. } => ("Rotate it", Some("rotate")),
        Advice::Unused { .. } => ("Delete it", Some("delete")),
        Advice::Expires { .. } => ("Change its expiry", Some("edit#f-expiry")),
        Advice::AnyOrigin => ("Name its origins", Some("edit#f-origins")),
        Advice::NoLimit => ("Give it a limit", Some("edit#f-rate_requests")),
    }
}

/// Applies the recommendation with this code.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    Living(Chosen { member, key }): Living,
    Form(form): Form<Taken>,
) -> Result<Response, PageError> {
    let url = format!("{}/{}", base(&member), key.id);
    let notice = match app.keys.take_advice(&member.acting, key.id, &form.code, app.window()).await {
        Ok((key, propagation)) => Notice {
            tone: Tone::Good,
            text: format!("{} holds {} now.", key.name, titles(&key)),
            detail: format!("The next request with it is decided anew ({}).", words::took(propagation.took)),
        },
        // The key was used or changed in the meantime, so the recommendation no longer applies.
        Err(OpError::Conflict) => Notice {
            tone: Tone::Warning,
            text: "That advice does not hold any more, so nothing was changed.".to_owned(),
            detail: String::new(),
        },
        Err(error) => return Err(error.into()),
    };
    Ok(flash::redirect(&app, &url, &notice))
}

fn titles(key: &KeyRow) -> String {
    key.scopes.iter().map(Scope::title).collect::<Vec<_>>().join(" and ")
}
