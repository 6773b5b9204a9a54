//! `keyrack audit verify`: verifies an exported audit log without a server or a data folder.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use clap::Args;
use keyrack_core::history::{
    ExportDefect, ExportExtent, ExportFormat, ExportVerifier, IntactExport, Verification, entries, grouped,
};
use serde_json::{Value, json};

use crate::cli::error::CliError;

/// The longest line that is read, in bytes. Keyrack writes no longer entries, so a longer line was altered.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

#[derive(Args, Debug)]
pub(in crate::cli) struct VerifyArgs {
    /// Export to verify, JSON Lines or CSV; - reads standard input
    file: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

impl VerifyArgs {
    pub(super) fn run(self) -> Result<(), CliError> {
        let verdict = if self.file.as_os_str() == "-" {
            read(io::stdin().lock())
        } else {
            File::open(&self.file).and_then(|file| read(BufReader::new(file)))
        };
        // A file that cannot be read proves nothing about the chain, so the exit code is that of invalid use.
        let verdict = verdict.map_err(|error| {
            CliError::InvalidUse(format!("{} can't be read: {error}", self.file.display()))
        })?;
        if self.json {
            say(&in_json(&verdict).to_string())?;
        }
        match verdict {
            Verification::Intact(export) if !self.json => say(&in_words(&export)),
            Verification::Intact(_) => Ok(()),
            Verification::Damaged(wrong) => Err(CliError::Failed {
                message: format!("Verification failed at {}", wrong.title()),
                details: wrong.details(),
            }),
        }
    }
}

fn read(mut file: impl BufRead) -> io::Result<Verification> {
    // If the file has neither format, the verifier rejects its first line.
    let format =
        if file.fill_buf()?.first() == Some(&b'{') { ExportFormat::JsonLines } else { ExportFormat::Csv };
    let mut verifier = ExportVerifier::new(format);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(verifier.finish());
        }
        verifier.line(&line);
    }
}

fn say(text: &str) -> Result<(), CliError> {
    writeln!(io::stdout(), "{text}")
        .map_err(|error| CliError::with_context("The result can't be written", &error))
}

fn in_words(export: &IntactExport) -> String {
    let IntactExport { end, is_gapless, .. } = export;
    let entries = entries(end.entries);
    let description = match (end.end, end.first.zip(end.last), *is_gapless) {
        (ExportExtent::Whole, ..) => format!("OK: {entries} verified"),
        (ExportExtent::Part, None, _) => {
            "No entries: the filter of this export matches nothing that can be verified".to_owned()
        }
        (ExportExtent::Part, Some((1, _)), true) => {
            format!("OK: {entries} verified from the first entry. The export doesn't contain later entries.")
        }
        (ExportExtent::Part, Some((first, last)), true) => format!(
            "OK: {entries} verified, from entry {} to {}. The export doesn't contain earlier and later \
             entries.",
            grouped(first),
            grouped(last)
        ),
        (ExportExtent::Part, Some(_), false) => format!(
            "OK: {entries} of a filtered export verified, each against its own hash. A filtered export \
             can't show whether the entries between them were changed."
        ),
    };
    let newest = export.newest.as_ref().zip(end.last);
    let newest = newest.map(|(hash, seq)| format!("\nHash of entry {}: {}", grouped(seq), hex::encode(hash)));
    format!("{description}{}", newest.unwrap_or_default())
}

fn in_json(verdict: &Verification) -> Value {
    match verdict {
        Verification::Intact(IntactExport { end, newest, is_gapless }) => json!({
            "verified": true,
            "workspace": end.workspace,
            "entries": end.entries,
            "first": end.first,
            "last": end.last,
            "whole": end.end == ExportExtent::Whole,
            "gapless": is_gapless,
            "newestHash": newest.as_ref().map(hex::encode),
        }),
        Verification::Damaged(ExportDefect { line, seq, description, hashes }) => json!({
            "verified": false,
            "line": line,
            "seq": seq,
            "message": description,
            "expected": hashes.as_ref().map(|(expected, _)| hex::encode(expected)),
            "found": hashes.as_ref().map(|(_, found)| hex::encode(found)),
        }),
    }
}
