//! The fields for the restrictions of a key.

use keyrack_core::numbers::counted;

use super::limits_view::RateInputs;
use crate::web::form::Field;

/// The fields of the Add New Key and Edit Scopes dialogs. With their defaults, the key is not restricted.
#[derive(Clone, Debug, Default)]
pub(crate) struct RestrictionFields {
    /// The form field `only_projects` (`any` or `these`), and a field with the value `on` for each checked ID.
    pub(crate) projects: CheckboxList,
    /// The form field `only_models`, and a field with the value `on` for each checked ID.
    pub(crate) models: CheckboxList,
    /// The form field `networks`, one network per line.
    pub(crate) networks: Field,
    /// The form field `origins`, one origin per line.
    pub(crate) origins: Field,
    /// The form field `max_image`, in megabytes.
    pub(crate) max_image: Field,
    /// The largest image that the server accepts, such as "10 MB".
    pub(crate) max_image_size: String,
}

/// Checkboxes for the projects or models of the workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckboxList {
    /// Whether the key is restricted to the checked ones.
    pub(crate) only: bool,
    pub(crate) rows: Vec<CheckboxRow>,
    /// Whether the workspace has older objects that are not listed.
    pub(crate) more: bool,
    pub(crate) error: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct CheckboxRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// A text that distinguishes objects with the same name, such as "of Bottle caps". May be empty.
    pub(crate) context: String,
    pub(crate) ticked: bool,
}

/// The fields for a publishable key.
#[derive(Clone, Debug, Default)]
pub(crate) struct PublishableFields {
    /// The form field `used`: whether it is `public` instead of `servers`.
    pub(crate) chosen: bool,
    /// The form field `public_origins`.
    pub(crate) origins: Field,
    /// The form fields `public_requests`, `public_every`, and `public_unit`.
    pub(crate) visitor: RateInputs,
    /// The form field `public_max_image`.
    pub(crate) max_image: Field,
}

impl RestrictionFields {
    /// A summary such as "all projects" or "1 project only · 2 models only".
    pub(crate) fn access_summary(&self) -> String {
        let models = self.models.only.then(|| self.models.says("model"));
        joined([Some(self.projects.says("project")), models])
    }

    pub(crate) fn access_has_error(&self) -> bool {
        self.projects.error.is_some() || self.models.error.is_some()
    }

    /// A summary such as "any IP address" or "2 networks only · 1 origin only".
    pub(crate) fn network_summary(&self) -> String {
        let networks = lines(&self.networks, "network").unwrap_or_else(|| "any IP address".to_owned());
        joined([Some(networks), lines(&self.origins, "origin")])
    }

    pub(crate) fn network_has_error(&self) -> bool {
        self.networks.error.is_some() || self.origins.error.is_some()
    }
}

fn joined(parts: [Option<String>; 2]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

impl CheckboxList {
    /// Whether there is nothing to check.
    pub(crate) fn are_missing(&self) -> bool {
        self.rows.is_empty() && !self.only && self.error.is_none()
    }

    fn says(&self, what: &str) -> String {
        let ticked = self.rows.iter().filter(|row| row.ticked).count();
        match ticked {
            _ if !self.only => format!("all {what}s"),
            0 => format!("no {what}s"),
            some => format!("{} only", counted(some as u64, what)),
        }
    }
}

fn lines(field: &Field, what: &str) -> Option<String> {
    let lines = field.value.lines().filter(|line| !line.trim().is_empty()).count();
    let is_none = field.value.trim().eq_ignore_ascii_case("none");
    (lines > 0).then(|| {
        if is_none { format!("no {what}s") } else { format!("{} only", counted(lines as u64, what)) }
    })
}
