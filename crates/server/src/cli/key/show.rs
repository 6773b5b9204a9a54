//! `keyrack key show`.

use clap::Args;
use http::Method;
use keyrack_key::KeyId;

use super::path_of;
use super::view::Key;
use crate::cli::ask::Ask;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    place: Place,
    /// The key's id
    id: KeyId,
}

impl Show {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let ask = Ask::new(Method::GET, path_of(self.id));
        self.place.ask(choices, ask, |key: Key| Told::result(key.card())).await
    }
}
