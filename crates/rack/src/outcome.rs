//! The outcomes of checks, numbered so that they can be counted.

use keyrack_key::{Denial, DenialReason, Permission};

/// How the check of a known key ended: the required permission, and the denial if there was one.
///
/// # Examples
///
/// ```
/// use keyrack_key::Permission;
/// use keyrack_rack::Outcome;
///
/// let denied = Outcome::from_names(Some(Permission::ModelsTrain), Some("insufficient_scope"));
/// assert!(denied.is_some());
/// assert_eq!(Outcome::from_names(None, Some("unknown_code")), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    /// The permission that the route required; `None` if any valid key was enough.
    pub permission: Option<Permission>,
    /// The code of the denial ([`Denial::code`]); `None` if the request was allowed.
    pub denied: Option<&'static str>,
}

impl Outcome {
    /// Restores an outcome from names. Returns `None` if this version does not know the code.
    pub fn from_names(permission: Option<Permission>, denied: Option<&str>) -> Option<Self> {
        let denied = match denied {
            None => None,
            Some(word) => {
                let mut codes = REASONS.into_iter().map(DenialReason::code);
                Some(codes.find(|code| *code == word)?)
            }
        };
        Some(Self { permission, denied })
    }
}

/// The reasons of all denials that a known key can have. The order determines the numbers.
const REASONS: [DenialReason; 14] = [
    DenialReason::Retired,
    DenialReason::Deleted,
    DenialReason::Expired,
    DenialReason::NotUnderstood,
    DenialReason::Network,
    DenialReason::Origin,
    DenialReason::Permission,
    DenialReason::InQuery,
    DenialReason::InBrowser,
    DenialReason::Rate,
    DenialReason::Paused,
    DenialReason::VisitorRate,
    DenialReason::Quota,
    DenialReason::Image,
];
const RESULTS: usize = REASONS.len() + 1;

/// The number of different outcomes.
pub(crate) const OUTCOMES: usize = (Permission::ALL.len() + 1) * RESULTS;

/// Returns the number of an outcome, less than [`OUTCOMES`]. Returns `None` if the denial
/// does not concern a known key.
pub(crate) const fn number(permission: Option<Permission>, answer: Result<(), Denial>) -> Option<usize> {
    let result = match answer {
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
    Some(row * RESULTS + result)
}

/// Returns the outcome with this number.
pub(crate) fn outcome(number: usize) -> Outcome {
    let permission = (number / RESULTS).checked_sub(1).map(|row| Permission::ALL[row]);
    let denied = (number % RESULTS).checked_sub(1).map(|result| REASONS[result].code());
    Outcome { permission, denied }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use keyrack_key::{Pause, Period, Quota, QuotaResource, QuotaState, Rate, Timestamp};

    use super::*;

    #[test]
    fn outcome_numbers_are_unique_and_round_trip() {
        let at = Timestamp::from_micros(1);
        let quota = Quota::new(QuotaResource::Images, 1, Period::Day).unwrap();
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
            QuotaState { quota, used: 1, window: Period::Day.around(at) }.denial(at),
            Denial::Image(NonZeroU32::MIN),
        ];
        let answers = [Ok(())].into_iter().chain(denials.map(Err));
        let mut numbers = Vec::new();
        for answer in answers {
            for permission in [None].into_iter().chain(Permission::ALL.map(Some)) {
                let number = number(permission, answer).unwrap();
                let denied = answer.err().map(Denial::code);
                assert_eq!(outcome(number), Outcome { permission, denied });
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..OUTCOMES).collect::<Vec<_>>());
        assert_eq!(number(None, Err(Denial::Unknown)), None);
    }
}
