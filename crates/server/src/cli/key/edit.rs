//! `keyrack key edit`.

use clap::Args;
use http::Method;
use keyrack_key::{KeyId, Scope};
use serde::Serialize;

use super::path_of;
use super::view::Key;
use crate::cli::ask::Ask;
use crate::cli::expiry::Expiry;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
use crate::clock;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct Edit {
    #[command(flatten)]
    place: Place,
    /// The key's id
    id: KeyId,
    #[command(flatten)]
    changes: Changes,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// All that it opens from now on: project, inference or keys (again for more)
    #[arg(long)]
    scope: Vec<Scope>,
    /// When it ends by itself: a span from now such as 90d, a time, or never
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// Another note; an empty one takes it away
    #[arg(long)]
    note: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Patch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes: &'a [Scope],
    /// Null: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl Edit {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let Changes { name, scope, expires, note } = &self.changes;
        let patch = Patch {
            name: name.as_deref(),
            scopes: scope,
            expires_at: expires.map(|expiry| expiry.at(clock::now())),
            note: note.as_deref(),
        };
        let ask = Ask::with(Method::PATCH, path_of(self.id), &patch)?;
        self.place.ask(choices, ask, |key: Key| Told::result(key.card())).await
    }
}
