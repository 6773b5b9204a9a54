//! `keyrack key delete`.

use std::fmt;

use clap::Args;
use http::Method;
use keyrack_key::KeyId;
use serde::Deserialize;
use serde_json::json;

use super::path_of;
use crate::cli::ask::Ask;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::{Told, harmless};
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    place: Place,
    /// The key's id
    id: KeyId,
    /// Why; kept in the history
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Deleted {
    propagation: Propagation,
}

#[derive(Deserialize)]
struct Propagation {
    unconfirmed: Vec<Unconfirmed>,
}

#[derive(Deserialize)]
struct Unconfirmed {
    name: String,
    until: String,
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (it can still accept it until {})", self.name, self.until)
    }
}

impl Delete {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let id = self.id;
        let ask = match &self.reason {
            Some(reason) => Ask::with(Method::DELETE, path_of(id), &json!({ "reason": reason }))?,
            None => Ask::new(Method::DELETE, path_of(id)),
        };
        let tell = |deleted: Deleted| {
            let late: Vec<_> = deleted.propagation.unconfirmed.iter().map(ToString::to_string).collect();
            Told::default().remark(match late.as_slice() {
                [] => format!("deleted {id}: no server accepts it any more"),
                late => format!("deleted {id}; not confirmed yet by {}", harmless(&late.join(", "))),
            })
        };
        self.place.ask(choices, ask, tell).await
    }
}
