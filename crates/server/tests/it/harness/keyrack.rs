//! The command line.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{EMAIL, PASSWORD, WORKSPACE};

/// A command line to be run, without a server unless it starts one.
pub(crate) struct Keyrack {
    command: Command,
    stdin: String,
}

/// `keyrack …`.
pub(crate) fn keyrack<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Keyrack {
    Keyrack { command: binary(), stdin: String::new() }.args(args)
}

/// `keyrack setup` of the owner and workspace of tests.
pub(crate) fn setup(data: &Path) -> Keyrack {
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

impl Keyrack {
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

    /// What it reads from standard input; nothing unless told otherwise.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// Runs it to its end.
    pub(crate) async fn run(mut self) -> Ran {
        let run = move || {
            let command = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut process = command.spawn().unwrap();
            // Whoever ends without reading closes the pipe, and that is no failure of the test.
            let _ = process.stdin.take().unwrap().write_all(self.stdin.as_bytes());
            process.wait_with_output().unwrap()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// How a command line ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Ran {
    /// None: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Demands that it did what it was told.
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Demands that it ended with this code and said this to people.
    pub(crate) fn failed(self, code: i32, says: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(says), "{says:?} is not in {self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        self
    }

    /// The one JSON object that it printed.
    pub(crate) fn json(self) -> Value {
        let ran = self.succeeded();
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }
}

/// The binary, free of what the developer's own environment says to it.
pub(super) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyrack"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYRACK_")) {
        command.env_remove(name);
    }
    command
}
