//! The status of a key and its usage in a few figures, at the top of its page.

use keyrack_core::keys::usage::RecentUsage;
use keyrack_core::numbers::{counted, grouped};
use keyrack_key::Timestamp;
use keyrack_store::KeyRow;

use super::view::{KeyFigures, KeyStatusBadge};

/// The status of a key. A paused key that has also expired counts as paused, as in the list of keys.
pub(super) fn status(key: &KeyRow, now: Timestamp) -> KeyStatusBadge {
    let (label, class) = if key.deletion.is_some() {
        ("Deleted", "status-failed")
    } else if key.paused_at(now).is_some() {
        ("Paused", "status-running")
    } else if key.has_expired(now) {
        ("Expired", "status-failed")
    } else {
        ("Active", "status-ready")
    };
    KeyStatusBadge { label, class }
}

pub(super) fn figures(measured: &RecentUsage) -> KeyFigures {
    let (allowed, denied) = (measured.allowed(), measured.denied());
    KeyFigures {
        window: counted(measured.days.into(), "day"),
        requests: grouped(allowed + denied),
        denied: grouped(denied),
        denied_share: share(denied, allowed + denied),
    }
}

/// A share such as "1.6% of requests". Empty if `part` is 0.
#[expect(clippy::cast_precision_loss, reason = "one place after the point")]
fn share(part: u64, all: u64) -> String {
    match part as f64 / all as f64 * 100.0 {
        _ if part == 0 => String::new(),
        percent if percent < 0.1 => "Under 0.1% of requests".to_owned(),
        // 99.96% would round to 100.0%.
        percent if percent > 99.9 && part < all => "Over 99.9% of requests".to_owned(),
        percent if percent >= 99.95 => "All requests".to_owned(),
        percent => format!("{percent:.1}% of requests"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_is_never_rounded_to_nothing_or_everything() {
        let shares =
            [(0, 0), (0, 9), (1, 9_999), (1, 3), (9_999, 10_000), (7, 7)].map(|(part, all)| share(part, all));
        let expected =
            ["", "", "Under 0.1% of requests", "33.3% of requests", "Over 99.9% of requests", "All requests"];
        assert_eq!(shares, expected);
    }
}
