//! The command line: starts the server, creates the first owner and workspace, and manages keys.

mod audit;
mod bench;
mod client;
mod connection;
mod error;
mod expiry;
mod key;
mod output;
mod request;
mod response;
mod setup;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;

use crate::config::Choices;
use crate::{core_dumps, serve, telemetry};
use audit::AuditCommand;
use bench::BenchArgs;
use error::CliError;
use key::KeyCommand;
use output::Output;
use setup::SetupArgs;
use worker::WorkerArgs;

/// The API Keys page of a computer-vision workspace, and everything behind it.
#[derive(Debug, Parser)]
#[command(name = "keyrack", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// The options of `serve` if no command is given. With another command, they come from the environment.
    #[command(flatten)]
    choices: Choices,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the pages and the API; the default if no command is given
    Serve(Box<Choices>),
    /// Create the first owner and workspace
    Setup(SetupArgs),
    /// Create, list, show, edit, rotate, pause, and delete keys
    #[command(subcommand)]
    Key(Box<KeyCommand>),
    /// Export the audit log of a workspace, or verify an export without a server
    #[command(subcommand)]
    Audit(Box<AuditCommand>),
    /// Train queued models, alongside the workers of the server or instead of them
    Worker(Box<WorkerArgs>),
    /// Measure the cost of a check on this machine
    Bench(BenchArgs),
}

/// Runs the command that the arguments name. Exit codes: 0 for success, 1 for failure, 2 for invalid use.
pub fn run() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn dispatch(Cli { command, choices }: Cli) -> Result<(), CliError> {
    // Set before any file is created: some libraries would otherwise create files that other users can read.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    core_dumps::forbid().map_err(|error| CliError::with_context("Core dumps can't be disabled", &error))?;
    match command {
        None => serve(choices),
        Some(Command::Serve(choices)) => serve(*choices),
        Some(Command::Setup(setup)) => run_async(setup.run(choices)),
        Some(Command::Key(command)) => run_async(command.run(choices)),
        Some(Command::Audit(command)) => command.run(choices),
        Some(Command::Worker(worker)) => worker.run(choices),
        Some(Command::Bench(bench)) => bench.run(),
    }
}

fn serve(choices: Choices) -> Result<(), CliError> {
    let config = choices.complete()?;
    telemetry::start(config.log, config.log_json);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::from_error(&e))?;
    runtime.block_on(serve::serve(config)).map_err(|error| CliError::from_error(&error))
}

/// Runs one command on a runtime of its own, and prints its output.
fn run_async(command: impl Future<Output = Result<Output, CliError>>) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::from_error(&e))?;
    let output = runtime.block_on(command)?;
    output.say().map_err(|error| CliError::with_context("The result can't be written", &error))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn command_definitions_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
