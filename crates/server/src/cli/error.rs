//! Errors of commands, and their exit codes.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::config::ConfigError;

/// The reason why a command failed.
#[derive(Debug)]
pub(super) enum CliError {
    /// The arguments, the environment, or the configuration file are invalid. Exit code 2.
    InvalidUse(String),
    /// The command ran and failed, or the server denied it. Exit code 1.
    Failed { message: String, details: Vec<String> },
}

impl CliError {
    /// A failure without details.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), details: Vec::new() }
    }

    /// A failure with the message of `error` and of its causes.
    pub(super) fn from_error(error: &dyn Error) -> Self {
        Self::failed(with_causes(error))
    }

    /// A failure of the form "`what`: `error`".
    pub(super) fn with_context(what: &str, error: &dyn Error) -> Self {
        Self::failed(format!("{what}: {}", with_causes(error)))
    }

    /// Prints the message and its details to standard error, and returns the exit code.
    pub(super) fn report(self) -> ExitCode {
        let (message, details, code) = match self {
            Self::InvalidUse(message) => (message, Vec::new(), 2),
            Self::Failed { message, details } => (message, details, 1),
        };
        // A validation error with one field repeats its message in the details.
        let details = details.into_iter().filter(|detail| *detail != message);
        let lines: Vec<_> = std::iter::once(format!("keyrack: {message}")).chain(details).collect();
        // If standard error is closed, the exit code still reports the failure.
        let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n  "));
        ExitCode::from(code)
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::InvalidUse(error.to_string())
    }
}

/// The messages of an error and its causes. Some errors repeat their cause, so a cause whose message is part of
/// the text is left out.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            let _ = write!(text, ": {message}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Layer {
        #[error("inner")]
        Inner,
        #[error("silent")]
        Silent(#[source] Box<Layer>),
        #[error("repeats {0}")]
        Repeats(#[source] Box<Layer>),
    }

    #[test]
    fn error_message_names_each_cause_once() {
        let error = Layer::Silent(Box::new(Layer::Repeats(Box::new(Layer::Inner))));
        assert_eq!(with_causes(&error), "silent: repeats inner");
    }
}
