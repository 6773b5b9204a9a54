//! One field of a form, read to its end: files as far as there is room for them, and what people type.

use axum::extract::multipart::{Field, MultipartError};
use bytes::Bytes;

use crate::predict::Held;
use crate::predict::room::{Gathering, NoRoom};

/// What people type is no longer.
const LONGEST: usize = 1_000;

/// All of a file whose `first` bytes were read, or nothing of one for which there is no room. That one is still read, so
/// that the next is found.
pub(super) async fn whole(
    mut field: Field<'_>,
    first: &[u8],
    mut gathering: Gathering,
) -> Result<Result<(Bytes, Held), NoRoom>, MultipartError> {
    let mut fits = gathering.push(first);
    while fits.is_ok()
        && let Some(chunk) = field.chunk().await?
    {
        fits = gathering.push(&chunk);
    }
    let Err(no) = fits else { return Ok(Ok(gathering.end())) };
    drop(gathering);
    while field.chunk().await?.is_some() {}
    Ok(Err(no))
}

/// A field that people type into. What nobody types is cut off.
pub(super) async fn small(mut field: Field<'_>) -> Result<String, MultipartError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        bytes.extend(chunk.iter().take(LONGEST - bytes.len()));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
