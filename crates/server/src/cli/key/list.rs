//! `keyrack key list`: all pages as one.

use clap::Args;
use clap::builder::PossibleValuesParser;
use http::Method;
use keyrack_key::{Class, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::KEYS;
use super::view::{self, Key};
use crate::cli::ask::Ask;
use crate::cli::door::Door;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Args, Debug)]
struct Filter {
    /// Only those [default: any]
    #[arg(long, value_parser = PossibleValuesParser::new(["live", "paused", "expired", "deleted", "any"]))]
    status: Option<String>,
    /// Only those with this scope: project, inference, keys or node
    #[arg(long)]
    scope: Option<Scope>,
    /// Only those of this class: secret or publishable
    #[arg(long)]
    class: Option<Class>,
    /// Part of the name, or the last four characters of a secret
    #[arg(long, value_name = "TEXT")]
    q: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

impl List {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let all = self.place.with(choices, async |door| self.filter.all(door).await).await?;
        if self.place.json {
            let page = Page { items: all, next_cursor: None };
            return serde_json::to_string(&page).map(Told::result).map_err(|error| Failure::of(&error));
        }
        let keys: Result<Vec<Key>, _> = all.into_iter().map(serde_json::from_value).collect();
        let keys = keys.map_err(|error| {
            Failure::while_trying("the answer is not one of a Keyrack of this version", &error)
        })?;
        Ok(view::list(&keys))
    }
}

impl Filter {
    async fn all(&self, door: &Door) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let ask = Ask::new(Method::GET, format!("{KEYS}?{}", self.query(cursor.as_deref())));
            let page: Page = door.ask(ask).await?.read()?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    fn query(&self, cursor: Option<&str>) -> String {
        let fields = [
            ("status", self.status.as_deref()),
            ("scope", self.scope.map(Scope::name)),
            ("class", self.class.map(Class::name)),
            ("q", self.q.as_deref()),
            ("cursor", cursor),
            ("limit", Some("200")),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }
}
