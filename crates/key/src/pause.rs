//! A pause: the key is denied until the pause ends, and then works as before.

use crate::Timestamp;

/// The end of a pause. No event happens at this time: each decision compares the pause with its own clock.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Pause, Timestamp};
///
/// let pause = Pause::until(Some(Timestamp::from_micros(1_000)));
/// assert!(pause.is_active(Timestamp::from_micros(999)));
/// assert!(!pause.is_active(Timestamp::from_micros(1_000)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause(Timestamp);

/// Represents a pause without an end. An `Option` would take twice the space in each
/// [`Denial`](crate::Denial).
const RESUMED: Timestamp = Timestamp::from_micros(i64::MAX);

impl Pause {
    /// A pause that lasts until a person resumes the key.
    pub const UNTIL_RESUMED: Self = Self(RESUMED);

    /// Creates a pause that lasts until `end`, or until a person resumes the key if `end` is `None`.
    pub fn until(end: Option<Timestamp>) -> Self {
        Self(end.unwrap_or(RESUMED))
    }

    /// Returns the end; `None` if only a person ends the pause.
    pub fn ends_at(self) -> Option<Timestamp> {
        (self != Self::UNTIL_RESUMED).then_some(self.0)
    }

    /// Returns `true` if the key is paused at `now`.
    pub fn is_active(self, now: Timestamp) -> bool {
        self == Self::UNTIL_RESUMED || self.0 > now
    }

    /// Returns `true` if this pause ends earlier than `other`, so that replacing `other` with it
    /// gives the key access sooner.
    pub fn ends_before(self, other: Self) -> bool {
        self.0 < other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_is_active_until_its_end() {
        let at = Timestamp::from_micros;
        let pause = Pause::until(Some(at(5)));
        assert!(pause.is_active(at(4)) && !pause.is_active(at(5)));
        assert_eq!((pause.ends_at(), Pause::UNTIL_RESUMED.ends_at()), (Some(at(5)), None));
        assert!(Pause::until(None).is_active(at(i64::MAX)));
        assert!(pause.ends_before(Pause::UNTIL_RESUMED) && !Pause::UNTIL_RESUMED.ends_before(pause));
        assert!(!pause.ends_before(pause));
    }
}
