//! The fields of a key that clients send, read into what they mean.

use std::collections::BTreeSet;
use std::str::FromStr;

use keyrack_key::{Only, Restrictions, Scope, Scopes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ops::Invalid;

/// What narrows a key. A list that is left out or null narrows nothing; an empty list opens nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestrictionsFields {
    /// The only projects that it opens, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"]))]
    projects: Option<Vec<String>>,
    /// The only networks that it works from (CIDR).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["10.4.0.0/16", "2001:db8::/32"]))]
    networks: Option<Vec<String>>,
    /// The only web origins that it works from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["https://app.example.org", "https://*.example.org"]))]
    origins: Option<Vec<String>>,
}

/// The longest list.
const MOST: usize = 100;

impl RestrictionsFields {
    pub fn of(restrictions: Option<&Restrictions>) -> Self {
        let Some(restrictions) = restrictions else {
            return Self::default();
        };
        Self {
            projects: texts(&restrictions.projects),
            networks: texts(&restrictions.networks),
            origins: texts(&restrictions.origins),
        }
    }

    pub fn parse(self, invalid: &mut Invalid) -> Restrictions {
        Restrictions {
            projects: only("restrictions.projects", self.projects, "expected the id of a project", invalid),
            networks: only(
                "restrictions.networks",
                self.networks,
                "expected a network such as 10.4.0.0/16 or 2001:db8::/32",
                invalid,
            ),
            origins: only(
                "restrictions.origins",
                self.origins,
                "expected an origin such as https://app.example.org",
                invalid,
            ),
        }
    }
}

fn texts<T: Ord + ToString>(only: &Only<T>) -> Option<Vec<String>> {
    match only {
        Only::Any => None,
        Only::These(these) => Some(these.iter().map(T::to_string).collect()),
    }
}

fn only<T: Ord + FromStr>(
    field: &'static str,
    texts: Option<Vec<String>>,
    expected: &str,
    invalid: &mut Invalid,
) -> Only<T> {
    let Some(texts) = texts else { return Only::Any };
    let these = if texts.len() > MOST { Err(format!("at most {MOST}")) } else { each(&texts, expected) };
    invalid.take(field, these).map_or(Only::Any, Only::These)
}

/// All of them, or what is wrong with the first that is wrong.
fn each<T: Ord + FromStr>(texts: &[String], expected: &str) -> Result<BTreeSet<T>, String> {
    let parse = |(place, text): (usize, &String)| {
        text.parse().map_err(|_| format!("{expected} (number {})", place + 1))
    };
    texts.iter().enumerate().map(parse).collect()
}

/// Scopes by their names.
pub fn parse_scopes(names: &[String], invalid: &mut Invalid) -> Scopes {
    let scopes: Result<Scopes, _> = names.iter().map(|name| name.parse::<Scope>()).collect();
    invalid.take("scopes", scopes).unwrap_or_default()
}
