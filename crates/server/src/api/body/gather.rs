//! Large bodies, whose bytes count against the caller's share of a memory budget while they arrive.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError};
use keyrack_core::predict::memory::{BodyBuffer, MemoryDenial};
use keyrack_core::predict::{MemoryBudget, MemoryPermit};
use keyrack_core::shares::Claimant;

use super::{has_cause, is_timeout, problem};
use crate::api::ApiError;
use crate::http::entrance;

/// Reads a body of at most `most` bytes. The memory budget counts the bytes until the returned permit is dropped.
///
/// `no` makes the error if the body is too large or the budget is exhausted. Errors with 408 if the body stalls, and with 400 if
/// the connection breaks.
pub async fn gather(
    headers: &HeaderMap,
    body: Body,
    budget: &MemoryBudget,
    claimant: Claimant,
    most: usize,
    no: impl Fn(MemoryDenial) -> ApiError,
) -> Result<(Bytes, MemoryPermit), ApiError> {
    // The header is used because the layers around the body lose its size hint.
    let announced = entrance::announced(headers);
    if announced.is_some_and(|bytes| bytes > most as u64) {
        return Err(no(MemoryDenial::TooLarge));
    }
    collect(body, budget.collect(claimant, most, announced), no).await
}

/// Reads a body into `buffer`. Errors like [`gather`].
pub(super) async fn collect(
    mut body: Body,
    mut buffer: BodyBuffer,
    no: impl Fn(MemoryDenial) -> ApiError,
) -> Result<(Bytes, MemoryPermit), ApiError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if is_timeout(&error) {
                problem(
                    StatusCode::REQUEST_TIMEOUT,
                    "too_slow",
                    "The request body was not received in time. Send it again.",
                )
            } else if has_cause::<LengthLimitError>(&error) {
                no(MemoryDenial::TooLarge)
            } else {
                problem(
                    StatusCode::BAD_REQUEST,
                    "bad_request",
                    "The request body is incomplete. Send it again.",
                )
            }
        })?;
        frame.data_ref().map_or(Ok(()), |data| buffer.push(data)).map_err(&no)?;
    }
    Ok(buffer.finish())
}
