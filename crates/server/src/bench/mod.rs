//! What a check costs in the memory of one process, measured on made-up keys: in turns, so that what disturbs one
//! figure disturbs all, and told as ratios beside the nanoseconds.

mod changes;
mod drawing;
mod filled;
mod limits;
mod quotas;
mod turns;

use std::fmt::Write as _;
use std::io;

use keyrack_key::Digest;

use changes::Histogram;
use filled::Filled;
use limits::Restricted;
use quotas::Quota;

/// All that was measured.
#[derive(Debug)]
pub struct Measured {
    sizes: Vec<Size>,
    changes: Histogram,
    restrictions: Restricted,
    quotas: Quota,
}

/// What was measured with so many keys in memory. Times are medians in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Size {
    keys: usize,
    /// One SHA-256 block: what no check can go below.
    floor: f64,
    allowed: f64,
    unknown: f64,
    mistyped: f64,
    formless: f64,
    /// How many times as many checks two threads make as one.
    two_threads: f64,
    bytes_per_key: Option<f64>,
}

/// Measures with 1,000 keys, ten times as many, and so on up to `most`.
pub fn run(most: usize) -> io::Result<Measured> {
    let mut sizes = Vec::new();
    let mut filled = Filled::empty()?;
    let steps = std::iter::successors(Some(1_000), |keys| Some(keys * 10));
    for keys in steps.take_while(|keys| *keys < most).chain([most]) {
        filled.grow(keys).map_err(io::Error::other)?;
        sizes.push(size(&filled));
    }
    let changes = changes::while_checking(&filled);
    drop(filled);
    Ok(Measured { sizes, changes, restrictions: limits::measure()?, quotas: quotas::measure()? })
}

fn size(filled: &Filled) -> Size {
    let samples = filled.samples();
    let digest = |text: &[u8]| Digest::of(text) != Digest::from_bytes([0; 32]);
    let is_allowed = |text: &[u8]| filled.check(text);
    let is_refused = |text: &[u8]| !filled.check(text);
    let [floor, allowed, unknown, mistyped, formless] = turns::medians([
        (&samples.known, &digest),
        (&samples.known, &is_allowed),
        (&samples.unknown, &is_refused),
        (&samples.mistyped, &is_refused),
        (&samples.formless, &is_refused),
    ]);
    Size {
        keys: filled.keys(),
        floor,
        allowed,
        unknown,
        mistyped,
        formless,
        two_threads: turns::of_two_threads(&samples.known, &is_allowed),
        bytes_per_key: filled.bytes_per_key(),
    }
}

impl Measured {
    /// The table, in Markdown.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "| keys | SHA-256, ns | allowed | ratio | unknown | mistyped | of no form | two threads | bytes a key |\n\
             | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for size in &self.sizes {
            let Size { keys, floor, allowed, unknown, mistyped, formless, two_threads, bytes_per_key } = size;
            let bytes = bytes_per_key.map_or_else(|| "?".to_owned(), |bytes| format!("{bytes:.0}"));
            // Writing into a string does not fail.
            let _ = writeln!(
                text,
                "| {keys} | {floor:.0} | {allowed:.0} | {:.2} | {unknown:.0} | {mistyped:.0} | {formless:.0} | {two_threads:.2} × | {bytes} |",
                allowed / floor
            );
        }
        text.push_str("\nMedians of rounds taken in turns; each check of another key, drawn at random. Bytes: what each key more took.\n");
        text.push_str(&self.changes.text());
        text.push_str(&self.restrictions.text());
        text.push_str(&self.quotas.text());
        text
    }

    /// The cost against the number of keys.
    pub fn svg(&self) -> String {
        drawing::svg(&self.sizes)
    }
}
