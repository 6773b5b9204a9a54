//! `GET /activity/verify`: whether the history is as it was written.

use axum::Json;
use axum::extract::State;
use keyrack_core::Acting;
use keyrack_core::history::hex;
use keyrack_store::ChainStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::ApiError;
use crate::app::Shared;

/// What a look at the whole chain found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditVerification)]
pub struct VerifyBody {
    /// Whether every entry is as it was written.
    holds: bool,
    /// How many entries there are, if all of them are.
    entries: Option<u64>,
    /// The first entry that was altered or is missing.
    first_broken: Option<u64>,
    /// The hash of the newest entry. Kept elsewhere, it shows whether the whole chain was made anew since.
    newest_hash: Option<String>,
}

/// Verify the history
///
/// Computes the chain of all entries anew.
#[utoipa::path(get, path = "/activity/verify", tag = "Activity", operation_id = "verifyActivity",
    responses(
        (status = 200, description = "What was found", body = VerifyBody),
        (status = 503, description = "Somebody else's verification is under way")))]
pub async fn verify(State(app): State<Shared>, by: Acting) -> Result<Json<VerifyBody>, ApiError> {
    let verified = app.activity.verify(&by).await?;
    let (holds, entries, first_broken) = match verified.chain {
        ChainStatus::Whole { entries } => (true, Some(entries), None),
        ChainStatus::Broken { seq } => (false, None, Some(seq)),
    };
    let newest_hash = verified.newest.map(|newest| hex(&newest.hash));
    Ok(Json(VerifyBody { holds, entries, first_broken, newest_hash }))
}
