//! Removes secrets from the path of a request, so that the path can be logged. People paste a key where its id belongs.

use std::borrow::Cow;

/// The random part of a secret is at least this long. No word in the server's paths is, except for ids.
const LONG: usize = 32;

/// Returns the path, with `…` in place of each segment that could be a secret.
pub fn tellable(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(may_be_secret) {
        return Cow::Borrowed(path);
    }
    let segments: Vec<_> = path.split('/').map(|one| if may_be_secret(one) { "…" } else { one }).collect();
    Cow::Owned(segments.join("/"))
}

fn may_be_secret(segment: &str) -> bool {
    let runs = segment.split(|letter: char| !letter.is_ascii_alphanumeric());
    runs.map(str::len).max().is_some_and(|longest| longest >= LONG) && !is_id(segment)
}

/// Returns whether a segment is an id, such as `key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f`.
fn is_id(segment: &str) -> bool {
    let is_hex = |hex: &str| hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    segment.split_once('_').is_some_and(|(kind, hex)| kind.len() == 3 && is_hex(hex))
}

#[cfg(test)]
mod tests {
    use super::tellable;

    #[test]
    fn path_keeps_words_and_ids_and_hides_secrets() {
        for plain in [
            "/",
            "/w/northfield-vision/settings/api-keys/key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f/edit",
            "/api/v1/projects/prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f/",
        ] {
            assert_eq!(tellable(plain), plain);
        }
        let body = "7hQzV2mXc81LpTrB0aNeKdYw5uJf3GsR";
        for secret in [
            format!("kr_sk_{body}9qEXMP"),
            format!("kr%5Fsk%5F{body}9qEXMP"),
            body.to_owned(),
            format!("key_{body}"),
            format!("\"{body}\""),
        ] {
            assert_eq!(tellable(&format!("/keys/{secret}/edit")), "/keys/…/edit");
        }
    }
}
