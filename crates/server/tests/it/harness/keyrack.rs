//! The command line.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{EMAIL, PASSWORD, WORKSPACE};

/// A command line to run. It uses no server unless it starts one.
pub(crate) struct KeyrackCommand {
    command: Command,
    stdin: String,
}

/// A command line that begins with `keyrack`.
pub(crate) fn keyrack<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> KeyrackCommand {
    KeyrackCommand { command: binary(), stdin: String::new() }.args(args)
}

/// `keyrack setup` with the owner and workspace of the tests.
pub(crate) fn setup(data: &Path) -> KeyrackCommand {
    keyrack([
        "setup",
        "--email",
        EMAIL,
        "--workspace",
        WORKSPACE,
        "--name",
        "Ada",
        "--password-stdin",
        "--data",
    ])
    .arg(data)
    .stdin(&format!("{PASSWORD}\n"))
}

impl KeyrackCommand {
    pub(crate) fn arg(self, arg: impl AsRef<OsStr>) -> Self {
        self.args([arg])
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the standard input, which is empty by default.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// Runs the command to its end.
    pub(crate) async fn run(mut self) -> CommandOutput {
        let run = move || {
            let command = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut process = command.spawn().unwrap();
            // A command that exits without reading its input closes the pipe, which isn't a failure.
            let _ = process.stdin.take().unwrap().write_all(self.stdin.as_bytes());
            process.wait_with_output().unwrap()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        CommandOutput { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The exit code and output of a command.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    /// The exit code. `None` if a signal ended the process.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl CommandOutput {
    /// Panics if the command failed.
    pub(crate) fn assert_succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Panics if the command didn't exit with this code and print this message to standard error only.
    pub(crate) fn assert_failed(self, code: i32, expected: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(expected), "{expected:?} is not in {self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        self
    }

    /// The JSON object that the command printed.
    pub(crate) fn json(self) -> Value {
        let ran = self.assert_succeeded();
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }
}

/// The binary without the developer's `KEYRACK_` environment variables.
pub(super) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyrack"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYRACK_")) {
        command.env_remove(name);
    }
    command
}
