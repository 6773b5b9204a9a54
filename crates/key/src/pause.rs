//! A key that is refused for a while, and works again as it was afterwards.

use crate::Timestamp;

/// Until when a key is paused. There is nothing to be done at its end: whoever checks looks at the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause(Timestamp);

/// No pause with an end lasts so long. In place of an `Option`, which would take twice the space in each denial.
const RESUMED: Timestamp = Timestamp::from_micros(i64::MAX);

impl Pause {
    /// Until somebody resumes the key.
    pub const UNTIL_RESUMED: Self = Self(RESUMED);

    /// Until `end`, by itself; nothing: until somebody resumes the key.
    pub fn until(end: Option<Timestamp>) -> Self {
        Self(end.unwrap_or(RESUMED))
    }

    /// When it ends by itself, if it does.
    pub fn ends_at(self) -> Option<Timestamp> {
        (self != Self::UNTIL_RESUMED).then_some(self.0)
    }

    /// Whether it goes on at `now`.
    pub fn holds(self, now: Timestamp) -> bool {
        self == Self::UNTIL_RESUMED || self.0 > now
    }

    /// Whether it ends before `other` does: whoever puts it in the place of that one lets the key work sooner.
    pub fn ends_before(self, other: Self) -> bool {
        self.0 < other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_holds_until_its_end_and_one_without_an_end_forever() {
        let at = Timestamp::from_micros;
        let pause = Pause::until(Some(at(5)));
        assert!(pause.holds(at(4)) && !pause.holds(at(5)));
        assert_eq!((pause.ends_at(), Pause::UNTIL_RESUMED.ends_at()), (Some(at(5)), None));
        assert!(Pause::until(None).holds(at(i64::MAX)));
        assert!(pause.ends_before(Pause::UNTIL_RESUMED) && !Pause::UNTIL_RESUMED.ends_before(pause));
        assert!(!pause.ends_before(pause));
    }
}
