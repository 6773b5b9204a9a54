//! The fields that narrow a key: what it may open, from where, and with what.

use super::{Field, RateFields};
use crate::numbers::counted;

/// The fields of Add New Key and Edit scopes. What is left as it is narrows nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct NarrowFields {
    /// POST `only_projects`: `any`, `these`; and each id that is ticked, as `on`.
    pub(crate) projects: Ticks,
    /// POST `only_models`, in the same way.
    pub(crate) models: Ticks,
    /// POST `networks`: one a line.
    pub(crate) networks: Field,
    /// POST `origins`: one a line.
    pub(crate) origins: Field,
    /// POST `max_image`: megabytes.
    pub(crate) max_image: Field,
    /// "10 MB": what the server takes.
    pub(crate) most: String,
}

/// Things of the workspace, of which a key may name some.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticks {
    /// Only those that are ticked.
    pub(crate) only: bool,
    pub(crate) rows: Vec<TickRow>,
    /// Whether there are older ones that are not listed.
    pub(crate) more: bool,
    pub(crate) error: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct TickRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// "of Bottle caps": what tells it from others of its name; may be empty.
    pub(crate) beside: String,
    pub(crate) ticked: bool,
}

/// What is offered beside a key for public pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct PublicFields {
    /// POST `used`: `servers`, `public`
    pub(crate) chosen: bool,
    /// POST `public_origins`
    pub(crate) origins: Field,
    /// POST `public_requests`, `public_every`, `public_unit`
    pub(crate) visitor: RateFields,
    /// POST `public_max_image`
    pub(crate) max_image: Field,
}

impl NarrowFields {
    /// Whether something is narrowed, or wrong.
    pub(crate) fn is_touched(&self) -> bool {
        let fields = [&self.networks, &self.origins, &self.max_image];
        [&self.projects, &self.models].into_iter().any(|ticks| ticks.only || ticks.error.is_some())
            || fields.into_iter().any(|field| !field.value.is_empty() || field.error.is_some())
    }

    /// "all projects · any network", or how few. The module says the same while it is changed.
    pub(crate) fn reach(&self) -> String {
        let models = self.models.only.then(|| self.models.says("model"));
        let origins = lines(&self.origins, "origin");
        [
            Some(self.projects.says("project")),
            models,
            Some(lines(&self.networks, "network").unwrap_or_else(|| "any network".to_owned())),
            origins,
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
    }
}

impl Ticks {
    /// Whether there is nothing that could be ticked, and nothing was.
    pub(crate) fn are_missing(&self) -> bool {
        self.rows.is_empty() && !self.only && self.error.is_none()
    }

    fn says(&self, what: &str) -> String {
        let ticked = self.rows.iter().filter(|row| row.ticked).count();
        match ticked {
            _ if !self.only => format!("all {what}s"),
            0 => format!("no {what} at all"),
            some => format!("{} only", counted(some as u64, what)),
        }
    }
}

fn lines(field: &Field, what: &str) -> Option<String> {
    let lines = field.value.lines().filter(|line| !line.trim().is_empty()).count();
    let is_none = field.value.trim().eq_ignore_ascii_case("none");
    (lines > 0).then(|| {
        if is_none { format!("no {what} at all") } else { format!("{} only", counted(lines as u64, what)) }
    })
}
