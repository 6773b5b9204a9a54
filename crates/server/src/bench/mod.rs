//! The cost of a check in the memory of one process, measured with generated keys. Measurements alternate, so
//! that a disturbance affects all of them, and the report states ratios next to nanoseconds.

mod changes;
mod chart;
mod limits;
mod quotas;
mod rack;
mod rounds;

use std::fmt::Write as _;
use std::io;

use keyrack_key::Digest;

use changes::Histogram;
use limits::RestrictionCosts;
use quotas::QuotaCost;
use rack::BenchRack;

/// The results of all measurements.
#[derive(Debug)]
pub struct BenchReport {
    sizes: Vec<SizeResult>,
    changes: Histogram,
    restrictions: RestrictionCosts,
    quotas: QuotaCost,
}

/// The results for one number of keys. Times are medians in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct SizeResult {
    keys: usize,
    /// The cost of hashing one SHA-256 block, which every check includes.
    floor: f64,
    allowed: f64,
    unknown: f64,
    mistyped: f64,
    formless: f64,
    /// The throughput of two threads relative to one thread.
    two_threads: f64,
    bytes_per_key: Option<f64>,
}

/// Measures with 1,000 keys, then ten times as many, and so on up to `most`. Takes minutes, and about 160 bytes
/// of memory per key.
pub fn run(most: usize) -> io::Result<BenchReport> {
    let mut sizes = Vec::new();
    let mut filled = BenchRack::empty()?;
    let steps = std::iter::successors(Some(1_000), |keys| Some(keys * 10));
    for keys in steps.take_while(|keys| *keys < most).chain([most]) {
        filled.grow(keys).map_err(io::Error::other)?;
        sizes.push(size(&filled));
    }
    let changes = changes::while_checking(&filled);
    drop(filled);
    Ok(BenchReport { sizes, changes, restrictions: limits::measure()?, quotas: quotas::measure()? })
}

fn size(filled: &BenchRack) -> SizeResult {
    let samples = filled.samples();
    let digest = |text: &[u8]| Digest::of(text) != Digest::from_bytes([0; 32]);
    let is_allowed = |text: &[u8]| filled.check(text);
    let is_refused = |text: &[u8]| !filled.check(text);
    let [floor, allowed, unknown, mistyped, formless] = rounds::medians([
        (&samples.known, &digest),
        (&samples.known, &is_allowed),
        (&samples.unknown, &is_refused),
        (&samples.mistyped, &is_refused),
        (&samples.formless, &is_refused),
    ]);
    SizeResult {
        keys: filled.keys(),
        floor,
        allowed,
        unknown,
        mistyped,
        formless,
        two_threads: rounds::two_thread_speedup(&samples.known, &is_allowed),
        bytes_per_key: filled.bytes_per_key(),
    }
}

impl BenchReport {
    /// The report, in Markdown.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "| keys | SHA-256, ns | allowed | ratio | unknown | mistyped | malformed | two threads | bytes \
             per key |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for size in &self.sizes {
            let SizeResult { keys, floor, allowed, unknown, mistyped, formless, two_threads, bytes_per_key } =
                size;
            let bytes = bytes_per_key.map_or_else(|| "?".to_owned(), |bytes| format!("{bytes:.0}"));
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "| {keys} | {floor:.0} | {allowed:.0} | {:.2} | {unknown:.0} | {mistyped:.0} | {formless:.0} | {two_threads:.2} × | {bytes} |",
                allowed / floor
            );
        }
        text.push_str(
            "\nMedians of interleaved rounds. Each check uses another random key. Bytes: memory \
             per additional key.\n",
        );
        text.push_str(&self.changes.text());
        text.push_str(&self.restrictions.text());
        text.push_str(&self.quotas.text());
        text
    }

    /// A chart of the cost per number of keys, as SVG.
    pub fn svg(&self) -> String {
        chart::svg(&self.sizes)
    }
}
