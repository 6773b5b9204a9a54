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
        Reason::Retired => "this secret key was rotated and no longer works",
        Reason::Deleted => "this key was deleted",
        Reason::Paused => "this key is paused",
        Reason::Expired => "this key has expired",
        Reason::NotUnderstood => "this key was changed by a newer version of the server",
        Reason::Network => "its IP address isn't allowed",
        Reason::Origin => "its origin isn't allowed",
        Reason::InQuery => "secret keys with more than Inference can't be sent in a URL",
        Reason::InBrowser => "secret keys with more than Inference can't be used in a browser",
        Reason::Rate => "rate limit exceeded",
        Reason::VisitorRate => "limit per visitor exceeded",
        Reason::Image => "the image is larger than this key allows",
        Reason::Quota => "quota exceeded",
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
    format!("it needs the permission {needed} (scope: {})", scopes.join(" or "))
}
