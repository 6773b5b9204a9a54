//! The data of the page that lists the audit log.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::text::DisplayTime;

#[derive(Template)]
#[template(path = "audit_log/list/list.html")]
pub(crate) struct ActivityPage {
    pub(crate) frame: Frame,
    /// `/w/{slug}/settings/audit-log`.
    pub(crate) base: String,
    /// The options of the query parameters `who` and `what`.
    pub(crate) who: Vec<SelectOption>,
    pub(crate) what: Vec<SelectOption>,
    /// The query parameter `about`: an ID, or a part of a name.
    pub(crate) about: String,
    /// The query parameters `from` and `until`: days as `YYYY-MM-DD`, both included.
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) is_filtered: bool,
    /// Whether this is not the first page.
    pub(crate) is_continued: bool,
    pub(crate) entries: Vec<ActivityRow>,
    /// The URL of the next page. `None` on the last page.
    pub(crate) next_url: Option<String>,
    /// The URLs of the filtered log as files.
    pub(crate) jsonl_url: String,
    pub(crate) csv_url: String,
}

#[derive(Clone, Debug)]
pub(crate) struct SelectOption {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

/// An entry as a sentence with its changes: "Ada" "gave the key " "line-3-camera" " a new secret".
#[derive(Clone, Debug)]
pub(crate) struct ActivityRow {
    /// The number of the entry, such as "1,204".
    pub(crate) seq: String,
    pub(crate) when: DisplayTime,
    pub(crate) who: LinkedName,
    pub(crate) verb: String,
    pub(crate) what: Option<LinkedName>,
    pub(crate) rest: String,
    pub(crate) changes: Vec<ChangeRow>,
    pub(crate) facts: Vec<FactRow>,
    pub(crate) hash: String,
}

/// A name with a link. `url` is `None` if the object has no page any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkedName {
    /// The text before the name, such as "The key ", if the name needs it.
    pub(crate) before: &'static str,
    pub(crate) name: String,
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ChangeRow {
    pub(crate) label: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

#[derive(Clone, Debug)]
pub(crate) struct FactRow {
    pub(crate) label: String,
    pub(crate) text: String,
}
