//! `keyrack audit verify`: no server, no folder, nothing but the file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::history::{Format, Held, Holds, Verdict, Verifier, Wrong, entries, grouped, hex};

/// No entry is longer; what is was altered.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

#[derive(Args, Debug)]
pub(in crate::cli) struct Verify {
    /// An export, JSON Lines or CSV; - reads standard input
    file: PathBuf,
    /// Print what was found as one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let verdict = if self.file.as_os_str() == "-" {
            read(io::stdin().lock())
        } else {
            File::open(&self.file).and_then(|file| read(BufReader::new(file)))
        };
        // A file that cannot be read says nothing about a chain: that is wrong use, and no verdict.
        let verdict = verdict
            .map_err(|error| Failure::Wrong(format!("cannot read {}: {error}", self.file.display())))?;
        if self.json {
            say(&in_json(&verdict).to_string())?;
        }
        match verdict {
            Verdict::Holds(held) if !self.json => say(&in_words(&held)),
            Verdict::Holds(_) => Ok(()),
            Verdict::Broken(wrong) => Err(Failure::Refused {
                message: format!("the chain is broken at {}", wrong.title()),
                details: wrong.details(),
            }),
        }
    }
}

fn read(mut file: impl BufRead) -> io::Result<Verdict> {
    // Whichever it is, the first line tells when it is neither.
    let format = if file.fill_buf()?.first() == Some(&b'{') { Format::JsonLines } else { Format::Csv };
    let mut verifier = Verifier::new(format);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(verifier.finish());
        }
        verifier.line(&line);
    }
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::while_trying("cannot write the answer", &error))
}

fn in_words(held: &Held) -> String {
    let Held { end, is_gapless, .. } = held;
    let entries = entries(end.entries);
    let says = match (end.end, end.first.zip(end.last), *is_gapless) {
        (Holds::Whole, ..) => format!("{entries}, the chain holds"),
        (Holds::Part, None, _) => {
            "no entries: the filter of this export left nothing that could be verified".to_owned()
        }
        (Holds::Part, Some((1, _)), true) => {
            format!("{entries}, the chain holds from the beginning; later entries are not in this export")
        }
        (Holds::Part, Some((first, last)), true) => format!(
            "{entries}, the chain holds from entry {} to {}; what was before and after is not in this export",
            grouped(first),
            grouped(last)
        ),
        (Holds::Part, Some(_), false) => format!(
            "{entries} of a filtered export, each as it was written; whether others between them are as they were cannot be seen here"
        ),
    };
    let newest = held.newest.as_ref().zip(end.last);
    let newest = newest.map(|(hash, seq)| format!("\nentry {} has the hash {}", grouped(seq), hex(hash)));
    format!("{says}{}", newest.unwrap_or_default())
}

fn in_json(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Holds(Held { end, newest, is_gapless }) => json!({
            "holds": true,
            "workspace": end.workspace,
            "entries": end.entries,
            "first": end.first,
            "last": end.last,
            "whole": end.end == Holds::Whole,
            "gapless": is_gapless,
            "newestHash": newest.as_ref().map(hex),
        }),
        Verdict::Broken(Wrong { line, seq, says, hashes }) => json!({
            "holds": false,
            "line": line,
            "seq": seq,
            "message": says,
            "expected": hashes.as_ref().map(|(expected, _)| hex(expected)),
            "found": hashes.as_ref().map(|(_, found)| hex(found)),
        }),
    }
}
