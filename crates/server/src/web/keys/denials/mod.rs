//! `…/settings/api-keys/denied-requests`: explains why a request was denied.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use keyrack_core::denials::{CheckOutcome, DenialExplanation, EditLocation, is_request_id};
use keyrack_core::numbers::counted;
use keyrack_core::{Invalid, OpError};
use keyrack_store::DENIALS_PER_HOUR_MAX;
use serde::Deserialize;

use super::base;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, NavItem, show};
use crate::web::person::{Member, in_path};
use crate::web::text;
use view::{CheckRow, CheckState, DenialPage, FindDenialPage};

/// The fields of the form. They are sent in the body and not in the URL, because users may paste a key here,
/// and URLs are logged.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FindDenialForm {
    request: String,
}

/// Shows the form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    Ok(question(&app, &member, &headers, "", None)?)
}

fn question(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    typed: &str,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    show!(
        app,
        FindDenialPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            request: field(typed, invalid, "request"),
            hint: format!(
                "Starts with req_. Keyrack stores the last {DENIALS_PER_HOUR_MAX} denied requests per key and hour for {}. Requests without a known key are only counted.",
                counted(app.config.usage_days.into(), "day")
            ),
        }
    )
}

/// Redirects to the explanation, or shows the form again with an error.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
    FormBody(form): FormBody<FindDenialForm>,
) -> Result<Response, PageError> {
    let request = form.request.trim();
    let error = if is_request_id(request) {
        match app.denials.explain(&member.acting, request).await {
            Ok(_) => {
                let url = format!("{}/denied-requests/{request}", base(&member));
                return Err(PageError::Elsewhere { url });
            }
            Err(OpError::NotFound(_)) => "No denied request in this workspace has this ID, or it is too old.",
            Err(error) => return Err(error.into()),
        }
    } else {
        "Enter a request ID: req_ and 24 characters, as in the response."
    };
    // Responses never contain a secret key, so the form repeats nothing that may be one pasted by mistake, with or without its prefix.
    let typed = if resembles_request_id(request) { request } else { "" };
    let again = question(&app, &member, &headers, typed, Some(&Invalid::field("request", error)))?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
}

/// Whether `text` is a request ID with at most some characters too many or too few. A secret key has other letters.
fn resembles_request_id(text: &str) -> bool {
    text.strip_prefix("req_").unwrap_or(text).bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Shows the explanation.
pub(in crate::web) async fn show(
    State(app): State<Shared>,
    member: Member,
    mut parts: Parts,
) -> Result<Response, PageError> {
    let request = in_path(&mut parts, "id").await;
    if !is_request_id(&request) {
        return Err(OpError::NotFound("denied request").into());
    }
    let explained = app.denials.explain(&member.acting, &request).await?;
    let base = base(&member);
    let DenialExplanation { denied, key, .. } = &explained;
    let change = explained.location.path(&base, key.id);
    let may_change =
        member.manages_keys() && key.deletion.is_none() || explained.location == EditLocation::Key;
    let view = DenialPage {
        frame: frame::of_member(&app, &member, NavItem::ApiKeys, &parts.headers),
        request: denied.request.clone(),
        key_id: key.id.to_string(),
        key_name: key.name.clone(),
        check: explained.failed_check().to_owned(),
        why: text::denial_reason(&denied.code),
        actual: explained.actual.clone(),
        expected: explained.expected.clone(),
        advice: explained.advice.to_owned(),
        change: may_change.then(|| (change, label(explained.location))),
        passes_now: explained.passes_now,
        when: text::moment(denied.at, app.now()),
        facts: facts(&explained),
        steps: explained
            .checks
            .iter()
            .map(|step| CheckRow { name: step.name, state: state(step.result) })
            .collect(),
        base,
    };
    Ok(show!(&app, view)?)
}

fn facts(explained: &DenialExplanation) -> Vec<(&'static str, String)> {
    let denied = &explained.denied;
    let all = [
        ("Request", format!("{} {}", denied.method, denied.route)),
        ("Permission", denied.permission.map(|one| one.to_string()).unwrap_or_default()),
        ("IP address", denied.address.map(|address| address.to_string()).unwrap_or_default()),
        ("Origin", denied.origin.clone().unwrap_or_default()),
        ("User agent", denied.agent.clone()),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

const fn state(result: CheckOutcome) -> CheckState {
    match result {
        CheckOutcome::Passed => CheckState::Passed,
        CheckOutcome::Failed => CheckState::Failed,
        CheckOutcome::NotReached => CheckState::NotReached,
    }
}

const fn label(place: EditLocation) -> &'static str {
    match place {
        EditLocation::Field(_) => "Edit key",
        EditLocation::Key => "View key",
        EditLocation::Rotate => "Rotate key",
        EditLocation::New => "Add New Key",
    }
}
