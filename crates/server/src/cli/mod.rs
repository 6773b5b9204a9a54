//! The command line: a server, its first owner, and keys from a shell.

mod answer;
mod ask;
mod audit;
mod bench;
mod door;
mod expiry;
mod failure;
mod key;
mod place;
mod setup;
mod told;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;

use crate::config::Choices;
use crate::{core_dumps, serve, telemetry};
use audit::AuditCommand;
use bench::BenchArgs;
use failure::Failure;
use key::KeyCommand;
use setup::Setup;
use told::Told;
use worker::WorkerArgs;

/// The API Keys page of a computer-vision workspace, and everything behind it.
#[derive(Debug, Parser)]
#[command(name = "keyrack", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Given without a command, those of `serve`; beside a command, what the environment says.
    #[command(flatten)]
    choices: Choices,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the pages and the API; the same as no command
    Serve(Box<Choices>),
    /// Make the first owner and workspace
    Setup(Setup),
    /// Make, list, show, edit, rotate and delete keys
    #[command(subcommand)]
    Key(Box<KeyCommand>),
    /// Export what happened in a workspace, and verify an export without any server
    #[command(subcommand)]
    Audit(Box<AuditCommand>),
    /// Train models that wait, beside the server's own workers or in their place
    Worker(Box<WorkerArgs>),
    /// Measure what a check costs on this machine
    Bench(BenchArgs),
}

/// Does what the arguments say. 0: done, 1: refused, 2: wrong use.
pub fn run() -> ExitCode {
    match carry_out(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn carry_out(Cli { command, choices }: Cli) -> Result<(), Failure> {
    // Before anything is written: files are for their owner alone, whichever library makes them.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    core_dumps::forbid().map_err(|error| Failure::while_trying("cannot forbid core dumps", &error))?;
    match command {
        None => serve(choices),
        Some(Command::Serve(choices)) => serve(*choices),
        Some(Command::Setup(setup)) => once(setup.run(choices)),
        Some(Command::Key(command)) => once(command.run(choices)),
        Some(Command::Audit(command)) => command.run(choices),
        Some(Command::Worker(worker)) => worker.run(choices),
        Some(Command::Bench(bench)) => bench.run(),
    }
}

fn serve(choices: Choices) -> Result<(), Failure> {
    let config = choices.complete()?;
    telemetry::start(config.log, config.log_json);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| Failure::of(&e))?;
    runtime.block_on(serve::serve(config)).map_err(|error| Failure::of(&error))
}

/// Runs one command to its end and says what came of it.
fn once(command: impl Future<Output = Result<Told, Failure>>) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| Failure::of(&e))?;
    let told = runtime.block_on(command)?;
    told.say().map_err(|error| Failure::while_trying("cannot write the answer", &error))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_commands_fit_together() {
        super::Cli::command().debug_assert();
    }
}
