//! Bodies that are pictures: counted as they come, as far as there is room for them.

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http_body::Body as _;
use http_body_util::BodyExt;

use super::{is_silence, refuse};
use crate::api::ApiError;
use crate::predict::room::NoRoom;
use crate::predict::{Held, Room};

/// All of a body of at most `most` bytes, and the right to hold it. `no` says what it means that it was not taken in.
pub async fn gather(
    mut body: Body,
    room: &Room,
    most: usize,
    no: impl Fn(NoRoom) -> ApiError,
) -> Result<(Bytes, Held), ApiError> {
    let announced = body.size_hint().lower();
    if announced > most as u64 {
        return Err(no(NoRoom::TooMany));
    }
    let mut gathering = room.gather(most, Some(announced));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if is_silence(&error) {
                refuse(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not arrive in time")
            } else {
                refuse(StatusCode::BAD_REQUEST, "bad_request", "the body did not arrive whole")
            }
        })?;
        frame.data_ref().map_or(Ok(()), |data| gathering.push(data)).map_err(&no)?;
    }
    Ok(gathering.end())
}
