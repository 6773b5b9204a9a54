//! `keyrack audit`: what happened, taken along and verified elsewhere.

mod export;
mod verify;

use clap::Subcommand;

use super::failure::Failure;
use super::once;
use crate::config::Choices;

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of them, for as long as the program runs")]
pub(super) enum AuditCommand {
    /// Write what happened in a workspace, oldest first, to standard output or a file
    Export(export::Export),
    /// Check an export without any server: whether every entry is as it was written
    Verify(verify::Verify),
}

impl AuditCommand {
    pub(super) fn run(self, choices: Choices) -> Result<(), Failure> {
        match self {
            Self::Export(command) => once(command.run(choices)),
            Self::Verify(command) => command.run(),
        }
    }
}
