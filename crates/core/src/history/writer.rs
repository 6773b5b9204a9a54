//! Writes an export line by line. Keeps only a running hash and counts in memory.

use keyrack_store::ChainedEntry;
use sha2::{Digest as _, Sha256};

use super::{ExportEnd, ExportExtent, ExportFormat, Hash, HashedEntry, line, row};

/// An export in progress.
pub struct ExportWriter {
    format: ExportFormat,
    sum: Sha256,
    entries: u64,
    first: Option<u64>,
    last: Option<u64>,
}

impl ExportWriter {
    /// Starts an export in this format. Returns the writer and the head of the file.
    pub fn begin(format: ExportFormat) -> (Self, &'static str) {
        let head = match format {
            ExportFormat::JsonLines => "",
            ExportFormat::Csv => row::HEAD,
        };
        let sum = Sha256::new().chain_update(head);
        (Self { format, sum, entries: 0, first: None, last: None }, head)
    }

    /// Returns the text of the next entry.
    pub fn entry(&mut self, link: ChainedEntry, hash: Hash) -> String {
        let seq = link.seq.unsigned_abs();
        let text = render(self.format, &HashedEntry { link, hash });
        self.sum.update(&text);
        self.entries += 1;
        self.first = self.first.or(Some(seq));
        self.last = Some(seq);
        text
    }

    /// Returns the end of a file with the whole audit log up to entry `length`. The end declares all entries, so that
    /// the file fails verification if an entry is missing.
    pub fn whole(self, workspace: String, length: u64) -> String {
        let (first, last) = ((length > 0).then_some(1), (length > 0).then_some(length));
        self.end(ExportEnd {
            end: ExportExtent::Whole,
            workspace,
            entries: length,
            first,
            last,
            sum: String::new(),
        })
    }

    /// Returns the end of a file with the entries that match a filter.
    pub fn part(self, workspace: String) -> String {
        let Self { entries, first, last, .. } = self;
        self.end(ExportEnd { end: ExportExtent::Part, workspace, entries, first, last, sum: String::new() })
    }

    fn end(self, end: ExportEnd) -> String {
        render_end(self.format, &end.with_sum(self.sum))
    }
}

pub(super) fn render(format: ExportFormat, entry: &HashedEntry) -> String {
    match format {
        ExportFormat::JsonLines => line::write(entry),
        ExportFormat::Csv => row::write(entry),
    }
}

pub(super) fn render_end(format: ExportFormat, end: &ExportEnd) -> String {
    match format {
        ExportFormat::JsonLines => line::write_end(end),
        ExportFormat::Csv => row::write_end(end),
    }
}
