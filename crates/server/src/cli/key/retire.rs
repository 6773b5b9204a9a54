//! `keyrack key retire`.

use clap::Args;
use http::Method;
use keyrack_key::KeyId;

use super::path_of;
use super::pause::Changed;
use crate::cli::ask::Ask;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct Retire {
    #[command(flatten)]
    place: Place,
    /// The key's id
    id: KeyId,
}

impl Retire {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let ask = Ask::new(Method::POST, format!("{}/retire", path_of(self.id)));
        let tell = |Changed { key, propagation }: Changed| {
            let done = format!("retired what was left of older secrets of {}", key.named());
            Told::default().remark(propagation.tell(&done, "its current secret alone works"))
        };
        self.place.ask(choices, ask, tell).await
    }
}
