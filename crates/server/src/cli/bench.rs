//! `keyrack bench`: what a check costs on this machine.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::bench;

/// How much is measured.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Measure with up to so many keys in memory; 160 bytes are needed for each
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=20_000_000))]
    keys: u32,
    /// Draw the cost against the number of keys into this file
    #[arg(long, value_name = "FILE", default_value = "keyrack-bench.svg")]
    svg: PathBuf,
}

impl BenchArgs {
    /// Measures, prints a table and draws.
    pub fn run(self) -> Result<(), Failure> {
        let measured = bench::run(self.keys as usize)
            .map_err(|error| Failure::while_trying("cannot measure", &error))?;
        std::fs::write(&self.svg, measured.svg())
            .map_err(|error| Failure::while_trying("cannot write the drawing", &error))?;
        let said = writeln!(io::stdout(), "{}\ndrawn in {}", measured.text(), self.svg.display());
        said.map_err(|error| Failure::while_trying("cannot write the answer", &error))
    }
}
