//! The binary `keyrack`: everything is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyrack::cli::run()
}
