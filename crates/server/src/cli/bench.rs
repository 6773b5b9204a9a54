//! `keyrack bench`: measures the cost of a check on this machine.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::CliError;
use crate::bench;

/// Arguments of `keyrack bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Largest number of keys to measure with; each takes about 160 bytes of memory
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=20_000_000))]
    keys: u32,
    /// File for a chart of the cost per number of keys (SVG)
    #[arg(long, value_name = "FILE", default_value = "keyrack-bench.svg")]
    svg: PathBuf,
}

impl BenchArgs {
    /// Measures, prints a table in Markdown to standard output, and writes the chart.
    pub fn run(self) -> Result<(), CliError> {
        let report = bench::run(self.keys as usize)
            .map_err(|error| CliError::with_context("The benchmark failed", &error))?;
        std::fs::write(&self.svg, report.svg())
            .map_err(|error| CliError::with_context("The chart can't be written", &error))?;
        let written = writeln!(io::stdout(), "{}\nChart: {}", report.text(), self.svg.display());
        written.map_err(|error| CliError::with_context("The result can't be written", &error))
    }
}
