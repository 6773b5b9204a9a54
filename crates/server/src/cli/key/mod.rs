//! `keyrack key`: each command sends the same request to the API that any program with a key can send.

mod create;
mod delete;
mod edit;
mod limits;
mod list;
mod pause;
mod propagation;
mod rate;
mod restrictions;
mod retire;
mod rotate;
mod show;
mod view;

use clap::Subcommand;
use keyrack_key::KeyId;

use super::error::CliError;
use super::output::Output;
use crate::config::Choices;

const KEYS: &str = "/api/v1/keys";

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Create a key; its secret key is shown only once
    Create(create::CreateArgs),
    /// List keys, newest first
    List(list::ListArgs),
    /// Show a key without its secret
    Show(show::ShowArgs),
    /// Change a key; settings without a flag stay as they are
    Edit(edit::EditArgs),
    /// Replace the secret of a key; the new secret key is shown only once
    Rotate(rotate::RotateArgs),
    /// Revoke the old secret of a rotated key before its grace period ends
    Retire(retire::RetireArgs),
    /// Deny requests with a key for some time, or until it is resumed
    Pause(pause::PauseArgs),
    /// Resume a paused key
    Resume(pause::ResumeArgs),
    /// Delete a key immediately and permanently
    Delete(delete::DeleteArgs),
}

impl KeyCommand {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
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
