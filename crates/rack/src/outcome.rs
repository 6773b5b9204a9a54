//! How a check of a known key can end, as it is counted.

use keyrack_key::{Denial, Permission};

/// How a check of a key ended: what was asked for, and the reason if it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    /// What was asked for; nothing where the question was only whether the key is alive.
    pub permission: Option<Permission>,
    /// The stable word for the reason ([`Denial::code`]); nothing where it was let through.
    pub refused: Option<&'static str>,
}

impl Outcome {
    /// The outcome that is told in these words, if this version knows it.
    pub fn named(permission: Option<Permission>, refused: Option<&str>) -> Option<Self> {
        let refused = match refused {
            None => None,
            Some(word) => Some(REASONS.into_iter().find(|reason| *reason == word)?),
        };
        Some(Self { permission, refused })
    }
}

/// What a known key is refused for.
const REASONS: [&str; 14] = [
    "retired_secret",
    "deleted_key",
    "expired_key",
    "newer_key",
    "network_not_allowed",
    "origin_not_allowed",
    "insufficient_scope",
    "key_in_query",
    "key_in_browser",
    "rate_limited",
    "paused_key",
    "visitor_rate_limited",
    "quota_exceeded",
    "image_too_large_for_key",
];
const ENDS: usize = REASONS.len() + 1;

/// How many outcomes there are.
pub(crate) const OUTCOMES: usize = (Permission::ALL.len() + 1) * ENDS;

/// The number of an outcome, below [`OUTCOMES`]. None for what is not the key's doing.
pub(crate) const fn number(permission: Option<Permission>, answer: Result<(), Denial>) -> Option<usize> {
    let end = match answer {
        Ok(()) => 0,
        Err(Denial::Retired(_)) => 1,
        Err(Denial::Deleted(_)) => 2,
        Err(Denial::Expired(_)) => 3,
        Err(Denial::NotUnderstood) => 4,
        Err(Denial::Network) => 5,
        Err(Denial::Origin) => 6,
        Err(Denial::Permission(_)) => 7,
        Err(Denial::InQuery) => 8,
        Err(Denial::InBrowser) => 9,
        Err(Denial::Rate { .. }) => 10,
        Err(Denial::Paused(_)) => 11,
        Err(Denial::VisitorRate { .. }) => 12,
        Err(Denial::Quota { .. }) => 13,
        Err(Denial::Image(_)) => 14,
        Err(Denial::Missing | Denial::Ambiguous | Denial::Malformed(_) | Denial::Stale | Denial::Unknown) => {
            return None;
        }
    };
    let row = match permission {
        None => 0,
        Some(permission) => permission as usize + 1,
    };
    Some(row * ENDS + end)
}

/// The outcome with this number.
pub(crate) fn outcome(number: usize) -> Outcome {
    let permission = (number / ENDS).checked_sub(1).map(|row| Permission::ALL[row]);
    let refused = (number % ENDS).checked_sub(1).map(|end| REASONS[end]);
    Outcome { permission, refused }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use keyrack_key::{Counted, Pause, Period, Quota, Rate, Standing, Timestamp};

    use super::*;

    #[test]
    fn outcome_numbers_are_unique_and_round_trip() {
        let at = Timestamp::from_micros(1);
        let quota = Quota::new(Counted::Images, 1, Period::Day).unwrap();
        let denials = [
            Denial::Retired(at),
            Denial::Deleted(at),
            Denial::Expired(at),
            Denial::NotUnderstood,
            Denial::Network,
            Denial::Origin,
            Denial::Permission(Permission::ModelsTrain),
            Denial::InQuery,
            Denial::InBrowser,
            Denial::Rate { rate: Rate::new(1, 1).unwrap(), wait: 1 },
            Denial::Paused(Pause::UNTIL_RESUMED),
            Denial::VisitorRate { rate: Rate::new(1, 1).unwrap(), wait: 1 },
            Standing { quota, used: 1, window: Period::Day.around(at) }.denial(at),
            Denial::Image(NonZeroU32::MIN),
        ];
        let answers = [Ok(())].into_iter().chain(denials.map(Err));
        let mut numbers = Vec::new();
        for answer in answers {
            for permission in [None].into_iter().chain(Permission::ALL.map(Some)) {
                let number = number(permission, answer).unwrap();
                let refused = answer.err().map(Denial::code);
                assert_eq!(outcome(number), Outcome { permission, refused });
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..OUTCOMES).collect::<Vec<_>>());
        assert_eq!(number(None, Err(Denial::Unknown)), None);
    }
}
