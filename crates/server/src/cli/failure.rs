//! Why a command did not do what it was told, and the exit code that says so.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::config::ConfigError;

/// A command that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The arguments, the environment or the configuration are not as they should be.
    Wrong(String),
    /// It was asked, and the answer is no. One line, then the details.
    Refused { message: String, details: Vec<String> },
}

impl Failure {
    /// A refusal without details.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), details: Vec::new() }
    }

    /// An error, with what caused it.
    pub(super) fn of(error: &dyn Error) -> Self {
        Self::refused(with_causes(error))
    }

    /// An error and what was tried when it came up.
    pub(super) fn while_trying(what: &str, error: &dyn Error) -> Self {
        Self::refused(format!("{what}: {}", with_causes(error)))
    }

    /// Tells it on standard error.
    pub(super) fn report(self) -> ExitCode {
        let (message, details, code) = match self {
            Self::Wrong(message) => (message, Vec::new(), 2),
            Self::Refused { message, details } => (message, details, 1),
        };
        // Of one wrong field, the message says all.
        let details = details.into_iter().filter(|detail| *detail != message);
        let lines: Vec<_> = std::iter::once(format!("keyrack: {message}")).chain(details).collect();
        // Where nobody listens, the exit code still tells.
        let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n  "));
        ExitCode::from(code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Wrong(error.to_string())
    }
}

/// An error with its causes, each said once: some errors repeat their cause in their own words.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let says = error.to_string();
        if !text.contains(&says) {
            let _ = write!(text, ": {says}");
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
    fn every_cause_is_said_once() {
        let error = Layer::Silent(Box::new(Layer::Repeats(Box::new(Layer::Inner))));
        assert_eq!(with_causes(&error), "silent: repeats inner");
    }
}
