//! `keyrack key`: each command asks one thing of the API, the same that a program with a key would ask.

mod create;
mod delete;
mod edit;
mod limits;
mod list;
mod narrow;
mod pause;
mod propagation;
mod rate;
mod retire;
mod rotate;
mod show;
mod view;

use clap::Subcommand;
use keyrack_key::KeyId;

use super::failure::Failure;
use super::told::Told;
use crate::config::Choices;

const KEYS: &str = "/api/v1/keys";

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key; its secret is shown this once
    Create(create::Create),
    /// List keys, newest first
    List(list::List),
    /// Show a key; never its secret
    Show(show::Show),
    /// Change a key; what is not named stays
    Edit(edit::Edit),
    /// Give a key a new secret; it is shown this once
    Rotate(rotate::Rotate),
    /// End the old secret of a rotated key before its time
    Retire(retire::Retire),
    /// Have a key refused for a while, or until it is resumed
    Pause(pause::Pause),
    /// Let a paused key work again
    Resume(pause::Resume),
    /// Delete a key, at once and for good
    Delete(delete::Delete),
}

impl KeyCommand {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        match self {
            Self::Create(command) => command.run(choices).await,
            Self::List(command) => command.run(choices).await,
            Self::Show(command) => command.run(choices).await,
            Self::Edit(command) => command.run(choices).await,
            Self::Rotate(command) => command.run(choices).await,
            Self::Retire(command) => command.run(choices).await,
            Self::Pause(command) => command.run(choices).await,
            Self::Resume(command) => command.run(choices).await,
            Self::Delete(command) => command.run(choices).await,
        }
    }
}

fn path_of(id: KeyId) -> String {
    format!("{KEYS}/{id}")
}
