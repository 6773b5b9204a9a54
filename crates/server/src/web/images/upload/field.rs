//! Reading of single fields of a multipart form.

use axum::extract::multipart::{Field, MultipartError};
use bytes::Bytes;
use keyrack_core::predict::MemoryPermit;
use keyrack_core::predict::memory::{BodyBuffer, MemoryDenial};

/// The longest value of a text field, in bytes.
const LONGEST: usize = 1_000;

/// Reads a file whose `first` bytes were read already, within the memory budget. If the budget does not
/// suffice, reads and drops the rest of the file, because the next field follows it, and returns `MemoryDenial`.
pub(super) async fn whole(
    mut field: Field<'_>,
    first: &[u8],
    mut buffer: BodyBuffer,
) -> Result<Result<(Bytes, MemoryPermit), MemoryDenial>, MultipartError> {
    let mut fits = buffer.push(first);
    while fits.is_ok()
        && let Some(chunk) = field.chunk().await?
    {
        fits = buffer.push(&chunk);
    }
    let Err(no) = fits else { return Ok(Ok(buffer.finish())) };
    drop(buffer);
    while field.chunk().await?.is_some() {}
    Ok(Err(no))
}

/// Reads a text field, cut to [`LONGEST`] bytes.
pub(super) async fn small(mut field: Field<'_>) -> Result<String, MultipartError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        bytes.extend(chunk.iter().take(LONGEST - bytes.len()));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
