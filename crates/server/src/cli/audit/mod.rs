//! `keyrack audit`: exports the audit log, and verifies exports.

mod export;
mod verify;

use clap::Subcommand;

use super::error::CliError;
use super::run_async;
use crate::config::Choices;

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is only one, and it lives until the program exits")]
pub(super) enum AuditCommand {
    /// Export the audit log of a workspace, oldest entry first
    Export(export::ExportArgs),
    /// Verify an export without a server: check that no entry was altered
    Verify(verify::VerifyArgs),
}

impl AuditCommand {
    pub(super) fn run(self, choices: Choices) -> Result<(), CliError> {
        match self {
            Self::Export(command) => run_async(command.run(choices)),
            Self::Verify(command) => command.run(),
        }
    }
}
