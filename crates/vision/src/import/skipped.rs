//! What an import left out, and why: all of it counted, the first of it listed.

/// At most so many are listed; the rest is counted.
pub const LISTED: usize = 200;

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Its path in the archive, cut where it is long.
    pub name: String,
    /// Why, for people.
    pub reason: String,
}

/// What was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    list: Vec<Skip>,
    count: usize,
}

impl Skipped {
    /// The first ones, [`LISTED`] at most.
    pub fn list(&self) -> &[Skip] {
        &self.list
    }

    /// All of them.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What was noted since this was `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let list = self.list.get(before.list.len()..).unwrap_or_default().to_vec();
        Self { list, count: self.count - before.count }
    }

    /// Both, one after the other.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.count += other.count;
        let room = LISTED.saturating_sub(self.list.len());
        self.list.extend(other.list.iter().take(room).cloned());
        self
    }

    pub(super) fn note(&mut self, name: &str, reason: impl Into<String>) {
        self.count += 1;
        if self.list.len() < LISTED {
            self.list.push(Skip { name: short(name), reason: reason.into() });
        }
    }
}

/// A name that an error or a list can hold: at most 120 letters, nothing that ends a line.
pub(super) fn short(name: &str) -> String {
    let cut = name.chars().nth(120).map(|_| "…").unwrap_or_default();
    let shown = name.chars().take(120).map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter });
    shown.chain(cut.chars()).collect()
}
