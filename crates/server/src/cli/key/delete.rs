//! `keyrack key delete`.

use clap::Args;
use http::Method;
use keyrack_key::KeyId;
use serde::Deserialize;
use serde_json::json;

use super::path_of;
use super::propagation::Propagation;
use crate::cli::ask::Ask;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
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

impl Delete {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let id = self.id;
        let ask = match &self.reason {
            Some(reason) => Ask::with(Method::DELETE, path_of(id), &json!({ "reason": reason }))?,
            None => Ask::new(Method::DELETE, path_of(id)),
        };
        let tell = |deleted: Deleted| {
            Told::default()
                .remark(deleted.propagation.tell(&format!("deleted {id}"), "no server accepts it any more"))
        };
        self.place.ask(choices, ask, tell).await
    }
}
