//! The restrictions of a key in its forms: checkboxes for projects and models, one network or origin per line,
//! and the largest image.

use keyrack_core::Invalid;
use keyrack_key::{Allowlist, Restrictions, parse_network};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::options::{OptionList, RestrictionOptions};
use super::restrictions_view::{CheckboxList, RestrictionFields};
use crate::web::form::{Field, field, sentence};
use crate::web::text;

/// The submitted restrictions. A missing field keeps the current restriction, so that a page that was opened
/// before an upgrade does not remove restrictions without notice.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web::keys) struct RestrictionsForm {
    /// `these` to restrict the key to the checked projects, and anything else to restrict nothing.
    only_projects: Option<String>,
    only_models: Option<String>,
    networks: Option<String>,
    pub(in crate::web::keys) origins: Option<String>,
    /// The largest image, in megabytes.
    pub(in crate::web::keys) max_image: Option<String>,
    /// The IDs of the checked projects and models, each with the value `on`, and unknown fields.
    #[serde(flatten)]
    ticked: BTreeMap<String, String>,
}

/// The largest number of entries in a list.
const MOST: usize = 100;
/// The text for an empty list, because an empty field means no restriction.
const NONE: &str = "none";

const PROJECTS: &str = "restrictions.projects";
const MODELS: &str = "restrictions.models";
const NETWORKS: &str = "restrictions.networks";
const ORIGINS: &str = "restrictions.origins";
const MAX_IMAGE: &str = "restrictions.maxImageBytes";

impl RestrictionsForm {
    /// A form with the restrictions of a key.
    pub(in crate::web::keys) fn of(own: &Restrictions) -> Self {
        let these = |is_any: bool| Some(if is_any { "any" } else { "these" }.to_owned());
        let ids = texts(&own.projects).into_iter().chain(texts(&own.models));
        Self {
            only_projects: these(own.projects.is_any()),
            only_models: these(own.models.is_any()),
            networks: Some(lines(&own.networks)),
            origins: Some(lines(&own.origins)),
            max_image: Some(own.max_image_bytes.map(in_megabytes).unwrap_or_default()),
            ticked: ids.map(|id| (id, "on".to_owned())).collect(),
        }
    }

    /// Parses the restrictions. Missing fields keep the restrictions in `has`. Returns all errors at once.
    pub(in crate::web::keys) fn parse_with(&self, has: &Restrictions) -> Result<Restrictions, Invalid> {
        let mut invalid = Invalid::default();
        let projects =
            self.these(self.only_projects.as_deref(), &has.projects, ("project", PROJECTS), &mut invalid);
        let models = self.these(self.only_models.as_deref(), &has.models, ("model", MODELS), &mut invalid);
        let networks = match &self.networks {
            Some(text) => invalid.take(NETWORKS, read_lines(text, parse_network)),
            None => Some(has.networks.clone()),
        };
        let origins = match &self.origins {
            Some(text) => invalid.take(ORIGINS, read_lines(text, str::parse)),
            None => Some(has.origins.clone()),
        };
        let max_image = match &self.max_image {
            Some(text) => invalid.take(MAX_IMAGE, size(text)),
            None => Some(has.max_image_bytes),
        };
        match (projects, models, networks, origins, max_image) {
            (Some(projects), Some(models), Some(networks), Some(origins), Some(max_image_bytes)) => {
                Ok(Restrictions { projects, models, networks, origins, max_image_bytes, ..has.clone() })
            }
            _ => Err(invalid),
        }
    }

    /// The checked IDs. An empty selection is an error, unless the key has an empty list already, because it is
    /// hardly what the user wants.
    fn these<T: Copy + Ord + FromStr>(
        &self,
        only: Option<&str>,
        has: &Allowlist<T>,
        (what, name): (&str, &'static str),
        invalid: &mut Invalid,
    ) -> Option<Allowlist<T>> {
        match only {
            None => return Some(has.clone()),
            Some("these") => {}
            Some(_) => return Some(Allowlist::Any),
        }
        let these: BTreeSet<T> = self.ticked();
        let stays_nothing = matches!(has, Allowlist::Only(before) if before.is_empty());
        let result = if these.is_empty() && !stays_nothing {
            Err(format!("Select at least one {what}, or choose all {what}s."))
        } else if these.len() > MOST {
            Err(format!("Select {MOST} or fewer."))
        } else {
            Ok(Allowlist::Only(these))
        };
        invalid.take(name, result)
    }

    fn ticked<T: Ord + FromStr>(&self) -> BTreeSet<T> {
        let ticked = self.ticked.iter().filter(|(_, value)| *value == "on");
        ticked.filter_map(|(id, _)| id.parse().ok()).collect()
    }

    /// The fields for the page, with the errors next to them.
    pub(in crate::web::keys) fn fields(
        &self,
        offered: &RestrictionOptions,
        most: usize,
        invalid: Option<&Invalid>,
    ) -> RestrictionFields {
        RestrictionFields {
            projects: self.ticks(self.only_projects.as_deref(), &offered.projects, PROJECTS, invalid),
            models: self.ticks(self.only_models.as_deref(), &offered.models, MODELS, invalid),
            networks: field(self.networks.as_deref().unwrap_or_default(), invalid, NETWORKS),
            origins: self.origins(invalid),
            max_image: self.max_image(invalid),
            max_image_size: text::bytes(most as u64),
        }
    }

    pub(in crate::web::keys) fn origins(&self, invalid: Option<&Invalid>) -> Field {
        field(self.origins.as_deref().unwrap_or_default(), invalid, ORIGINS)
    }

    pub(in crate::web::keys) fn max_image(&self, invalid: Option<&Invalid>) -> Field {
        field(self.max_image.as_deref().unwrap_or_default().trim(), invalid, MAX_IMAGE)
    }

    fn ticks<T: Copy + Ord + ToString + FromStr>(
        &self,
        only: Option<&str>,
        offer: &OptionList<T>,
        name: &str,
        invalid: Option<&Invalid>,
    ) -> CheckboxList {
        CheckboxList {
            only: only == Some("these"),
            rows: offer.rows(&self.ticked()),
            more: offer.more,
            error: invalid.and_then(|invalid| invalid.of(name)).map(|error| sentence(&error)),
        }
    }
}

/// Parses one entry per line. An empty text means no restriction.
fn read_lines<T: Ord, E: Display>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Allowlist<T>, String> {
    let typed = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let typed: Vec<_> = typed.collect();
    match typed.as_slice() {
        [] => return Ok(Allowlist::Any),
        [(_, line)] if line.eq_ignore_ascii_case(NONE) => return Ok(Allowlist::Only(BTreeSet::new())),
        more if more.len() > MOST => return Err(format!("Enter {MOST} lines or fewer.")),
        _ => {}
    }
    let one = |(at, line): (usize, &str)| {
        parse(line).map_err(|expected| format!("line {}, “{}”: {expected}", at + 1, shortened(line)))
    };
    typed.into_iter().map(one).collect::<Result<_, _>>().map(Allowlist::Only)
}

/// The visible characters of a line, cut to 40, for an error message.
fn shortened(line: &str) -> String {
    const LONGEST: usize = 40;
    let visible = keyrack_core::invalid::visible(line);
    match visible.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &visible[..end]),
        None => visible,
    }
}

fn lines<T: Ord + ToString>(only: &Allowlist<T>) -> String {
    match only {
        Allowlist::Any => String::new(),
        Allowlist::Only(these) if these.is_empty() => NONE.to_owned(),
        Allowlist::Only(_) => texts(only).join("\n"),
    }
}

fn texts<T: Ord + ToString>(only: &Allowlist<T>) -> Vec<String> {
    match only {
        Allowlist::Any => Vec::new(),
        Allowlist::Only(these) => these.iter().map(T::to_string).collect(),
    }
}

fn in_megabytes(bytes: NonZeroU32) -> String {
    text::megabytes(bytes.get()).trim_end_matches(" MB").to_owned()
}

/// Parses megabytes with up to six decimals, which is exact to the byte. `None` if the text is empty.
fn size(text: &str) -> Result<Option<NonZeroU32>, &'static str> {
    const EXPECTED: &str = "Enter a size in megabytes, such as 2 or 0.5.";
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, rest) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(rest) || rest.len() > 6 {
        return Err(EXPECTED);
    }
    let bytes = format!("{whole}{rest:0<6}").parse().ok().and_then(NonZeroU32::new);
    bytes.map(Some).ok_or(EXPECTED)
}

#[cfg(test)]
mod tests;
