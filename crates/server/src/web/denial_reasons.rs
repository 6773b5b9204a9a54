//! The reasons for denied requests, as sentences for pages.

use keyrack_key::{Permission, Scope};

/// The reason as it follows "refused:", such as "this key lacks the permission datasets:upload, which comes
/// with the scope Project".
pub(super) fn sentence(reason: &str, permission: Option<Permission>) -> String {
    let says = match (reason, permission) {
        ("insufficient_scope", Some(needed)) => return lacking(needed),
        ("retired_secret", _) => "its secret was replaced, and has ended",
        ("deleted_key", _) => "this key was deleted",
        ("paused_key", _) => "this key is paused",
        ("expired_key", _) => "this key has expired",
        ("newer_key", _) => "this key was changed by a newer version of the server",
        ("network_not_allowed", _) => "this key may not be used from that network",
        ("origin_not_allowed", _) => "this key may not be used from that origin",
        ("key_in_query", _) => "the key stood in a URL, where one that holds more than Inference must not be",
        ("key_in_browser", _) => {
            "it came from a browser, where one that holds more than Inference must not be"
        }
        ("rate_limited", _) => "this key was used too often",
        ("visitor_rate_limited", _) => "this visitor used the key too often",
        ("image_too_large_for_key", _) => "the image was larger than this key may send",
        ("quota_exceeded", _) => "this key has used up its quota",
        (other, _) => return format!("the reason is {other}"),
    };
    says.to_owned()
}

fn lacking(needed: Permission) -> String {
    let scopes: Vec<_> = Scope::holding(needed).map(Scope::title).collect();
    format!("this key lacks the permission {needed}, which comes with the scope {}", scopes.join(" or "))
}
