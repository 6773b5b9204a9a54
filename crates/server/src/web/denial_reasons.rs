//! The reasons for denied requests, as sentences for pages.

use keyrack_key::{DenialReason as Reason, Permission, Scope};

/// The reason as it follows "refused:", such as "this key lacks the permission datasets:upload, which comes
/// with the scope Project".
pub(super) fn sentence(reason: &str, permission: Option<Permission>) -> String {
    let unworded = || format!("the reason is {reason}");
    let Ok(known) = reason.parse::<Reason>() else { return unworded() };
    let text = match known {
        Reason::Permission => match permission {
            Some(needed) => return lacking(needed),
            None => return unworded(),
        },
        Reason::Retired => "its secret was replaced, and has ended",
        Reason::Deleted => "this key was deleted",
        Reason::Paused => "this key is paused",
        Reason::Expired => "this key has expired",
        Reason::NotUnderstood => "this key was changed by a newer version of the server",
        Reason::Network => "this key may not be used from that network",
        Reason::Origin => "this key may not be used from that origin",
        Reason::InQuery => "the key stood in a URL, where one that holds more than Inference must not be",
        Reason::InBrowser => "it came from a browser, where one that holds more than Inference must not be",
        Reason::Rate => "this key was used too often",
        Reason::VisitorRate => "this visitor used the key too often",
        Reason::Image => "the image was larger than this key may send",
        Reason::Quota => "this key has used up its quota",
        Reason::UntrustedFacts
        | Reason::OutsideProjects
        | Reason::OutsideModels
        | Reason::Missing
        | Reason::Ambiguous
        | Reason::Malformed
        | Reason::Stale
        | Reason::Unknown => return unworded(),
    };
    text.to_owned()
}

fn lacking(needed: Permission) -> String {
    let scopes: Vec<_> = Scope::holding(needed).map(Scope::title).collect();
    format!("this key lacks the permission {needed}, which comes with the scope {}", scopes.join(" or "))
}
