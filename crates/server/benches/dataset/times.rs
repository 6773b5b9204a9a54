//! Many durations in two numbers.

use std::fmt;
use std::time::Duration;

/// Durations, printed as their median and their 99th percentile in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, one: Duration) {
        self.0.push(one);
    }

    fn quantile(&self, hundredths: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() - 1) * hundredths / 100].as_secs_f64() * 1e3
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "median {:.1}, p99 {:.1} of {}", self.quantile(50), self.quantile(99), self.0.len())
    }
}
