//! Bodies that may be large: counted as they arrive, as far as the caller's share of the memory reaches.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError};
use keyrack_core::predict::room::{Gathering, NoRoom};
use keyrack_core::predict::{Held, Room};
use keyrack_core::shares::Claimant;

use super::{has_cause, is_silence, refuse};
use crate::api::ApiError;
use crate::edge::entrance;

/// All of the body of a request with these headers, of at most `most` bytes, and the right to hold it. `no` says what it means that it was not taken in.
pub async fn gather(
    headers: &HeaderMap,
    body: Body,
    room: &Room,
    claimant: Claimant,
    most: usize,
    no: impl Fn(NoRoom) -> ApiError,
) -> Result<(Bytes, Held), ApiError> {
    // Not by the body's own hint, which the layers around it lose.
    let announced = entrance::announced(headers);
    if announced.is_some_and(|bytes| bytes > most as u64) {
        return Err(no(NoRoom::TooMany));
    }
    collect(body, room.gather(claimant, most, announced), no).await
}

/// All of a body. `no` says what it means that it was not taken in.
pub(super) async fn collect(
    mut body: Body,
    mut gathering: Gathering,
    no: impl Fn(NoRoom) -> ApiError,
) -> Result<(Bytes, Held), ApiError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if is_silence(&error) {
                refuse(
                    StatusCode::REQUEST_TIMEOUT,
                    "too_slow",
                    "The request body did not arrive in time. Send it again.",
                )
            } else if has_cause::<LengthLimitError>(&error) {
                no(NoRoom::TooMany)
            } else {
                refuse(
                    StatusCode::BAD_REQUEST,
                    "bad_request",
                    "The request body did not arrive whole. Send it again.",
                )
            }
        })?;
        frame.data_ref().map_or(Ok(()), |data| gathering.push(data)).map_err(&no)?;
    }
    Ok(gathering.end())
}
