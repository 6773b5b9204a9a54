//! The binary `keyrack`, which calls the library of the same package.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyrack::cli::run()
}
