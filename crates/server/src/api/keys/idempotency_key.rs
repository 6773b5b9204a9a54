//! The header `Idempotency-Key`: a unique name of a request, so that a repeated request has no second effect.

use http::HeaderMap;
use keyrack_core::{Invalid, OpError};

/// Returns the value of the header, or `None` if it is missing. Errors if the header occurs twice, or if its value isn't 1 to 200
/// visible ASCII characters.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, OpError> {
    let mut sent = headers.get_all("idempotency-key").iter();
    let (first, second) = (sent.next(), sent.next());
    let Some(first) = first else { return Ok(None) };
    let text = first.to_str().unwrap_or_default().trim();
    if second.is_some() || text.is_empty() || text.len() > 200 {
        return Err(
            Invalid::field("Idempotency-Key", "Use one key of 1 to 200 visible ASCII characters.").into()
        );
    }
    Ok(Some(text.to_owned()))
}
