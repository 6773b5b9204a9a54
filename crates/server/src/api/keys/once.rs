//! `Idempotency-Key`: a client's name for a request, so that sending it twice does it once.

use http::HeaderMap;
use keyrack_core::{Invalid, OpError};

/// Reads the header: 1 to 200 visible ASCII characters.
pub fn once(headers: &HeaderMap) -> Result<Option<String>, OpError> {
    let mut sent = headers.get_all("idempotency-key").iter();
    let (first, second) = (sent.next(), sent.next());
    let Some(first) = first else { return Ok(None) };
    let text = first.to_str().unwrap_or_default().trim();
    if second.is_some() || text.is_empty() || text.len() > 200 {
        return Err(
            Invalid::field("Idempotency-Key", "expected one, of 1 to 200 visible ASCII characters").into()
        );
    }
    Ok(Some(text.to_owned()))
}
