//! The Activity page, and what verifying it found.

use askama::Template;

use super::{Frame, Moment};

#[derive(Template)]
#[template(path = "activity.html")]
pub(crate) struct Activity {
    pub(crate) frame: Frame,
    /// `/w/{slug}/settings/activity`
    pub(crate) base: String,
    /// GET `who`, `what`: what can be picked.
    pub(crate) who: Vec<Picked>,
    pub(crate) what: Vec<Picked>,
    /// GET `about`: an id, or part of a name.
    pub(crate) about: String,
    /// GET `from`, `until`: `YYYY-MM-DD`, both included.
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) is_filtered: bool,
    /// Not the first page.
    pub(crate) is_continued: bool,
    pub(crate) entries: Vec<Entry>,
    /// The following page, when there is one.
    pub(crate) next_url: Option<String>,
    /// What is being looked for, as files.
    pub(crate) jsonl_url: String,
    pub(crate) csv_url: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Picked {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

/// "Ada" "gave the key " "line-3-camera" " a new secret", and what changed.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// "1,204"
    pub(crate) seq: String,
    pub(crate) when: Moment,
    pub(crate) who: Thing,
    pub(crate) says: String,
    pub(crate) what: Option<Thing>,
    pub(crate) rest: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) hash: String,
}

/// Somebody or something that can be gone to, if it is still there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thing {
    /// "The key ", where the name alone would not tell.
    pub(crate) before: &'static str,
    pub(crate) name: String,
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) label: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) text: String,
}

#[derive(Template)]
#[template(path = "activity_verify.html")]
pub(crate) struct VerifyActivity {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    /// "1,204 entries"
    pub(crate) entries: String,
    /// The first entry that is not as it was written.
    pub(crate) broken: Option<String>,
    pub(crate) newest_hash: String,
}
