//! The files that an import skipped: a count of all, and a list of the first ones.

/// The most files that are listed.
pub const SKIPPED_LISTED_MAX: usize = 200;

/// A skipped file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedFile {
    /// The path in the archive, shortened if it is long.
    pub name: String,
    /// The reason, for people.
    pub reason: String,
}

/// The skipped files of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkippedFiles {
    list: Vec<SkippedFile>,
    count: usize,
}

impl SkippedFiles {
    /// The first skipped files, at most [`SKIPPED_LISTED_MAX`].
    pub fn list(&self) -> &[SkippedFile] {
        &self.list
    }

    /// The number of skipped files.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the files that were skipped after this list was in the state `before`.
    #[must_use]
    pub fn added_since(&self, before: &Self) -> Self {
        let list = self.list.get(before.list.len()..).unwrap_or_default().to_vec();
        Self { list, count: self.count - before.count }
    }

    /// Appends the files of `other`.
    #[must_use]
    pub fn merged_with(mut self, other: &Self) -> Self {
        self.count += other.count;
        let room = SKIPPED_LISTED_MAX.saturating_sub(self.list.len());
        self.list.extend(other.list.iter().take(room).cloned());
        self
    }

    pub(super) fn note(&mut self, name: &str, reason: impl Into<String>) {
        self.count += 1;
        if self.list.len() < SKIPPED_LISTED_MAX {
            self.list.push(SkippedFile { name: short(name), reason: reason.into() });
        }
    }
}

/// Shortens a name for errors and lists: at most 120 characters, with control characters replaced.
pub(super) fn short(name: &str) -> String {
    let cut = name.chars().nth(120).map(|_| "…").unwrap_or_default();
    let shown = name.chars().take(120).map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter });
    shown.chain(cut.chars()).collect()
}
