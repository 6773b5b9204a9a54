//! `GET /activity/verify`: verifies the hash chain of the audit log.

use axum::Json;
use axum::extract::State;
use keyrack_core::AuthorizedCaller;
use keyrack_store::ChainStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::ApiError;
use crate::app::Shared;

/// The result of verifying the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerification {
    /// Whether the hash chain is intact. False if an entry was changed or removed.
    verified: bool,
    /// The number of entries. Null if the chain is broken.
    entries: Option<u64>,
    /// The `seq` of the first entry that was changed or is missing. Null if the chain is intact.
    first_invalid: Option<u64>,
    /// The hash of the newest entry. Keep it outside of the server to detect a replaced chain later.
    newest_hash: Option<String>,
}

/// Verify the audit log
///
/// Computes the hashes of all entries again and compares them with the stored hashes.
#[utoipa::path(get, path = "/activity/verify", tag = "Activity", operation_id = "verifyActivity",
    responses(
        (status = 200, description = "The result.", body = AuditVerification),
        (status = 503, description = "Another verification is running. Retry after `Retry-After` seconds.")))]
pub async fn verify(
    State(app): State<Shared>,
    by: AuthorizedCaller,
) -> Result<Json<AuditVerification>, ApiError> {
    let result = app.activity.verify(&by).await?;
    let (verified, entries, first_invalid) = match result.chain {
        ChainStatus::Whole { entries } => (true, Some(entries), None),
        ChainStatus::Broken { seq } => (false, None, Some(seq)),
    };
    let newest_hash = result.newest.map(|newest| hex::encode(newest.hash));
    Ok(Json(AuditVerification { verified, entries, first_invalid, newest_hash }))
}
