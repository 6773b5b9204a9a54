//! `keyrack bench`: what a check costs on this machine.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::bench::{self, Wanted};

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
        let wanted = Wanted { keys: self.keys as usize };
        let measured =
            bench::run(&wanted).map_err(|error| Failure::while_trying("cannot measure", &error))?;
        std::fs::write(&self.svg, measured.svg())
            .map_err(|error| Failure::while_trying("cannot write the drawing", &error))?;
        println_all(&measured.text(), &self.svg)
            .map_err(|error| Failure::while_trying("cannot write the answer", &error))
    }
}

fn println_all(text: &str, svg: &std::path::Path) -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}\ndrawn in {}", svg.display())
}
