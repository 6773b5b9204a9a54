//! Verifies an export line by line, and reports the first line that is not as it was written.

use sha2::{Digest as _, Sha256};

use super::writer::{render, render_end};
use super::{ExportEnd, ExportExtent, ExportFormat, ExportLine, Hash, HashedEntry, line, row};

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The export is intact.
    Intact(IntactExport),
    /// The export is damaged or altered.
    Damaged(ExportDefect),
}

/// The content of an intact export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntactExport {
    pub end: ExportEnd,
    /// The hash of the last entry. `None` if there are no entries.
    pub newest: Option<Hash>,
    /// Whether the entries from the first to the last are complete.
    pub is_gapless: bool,
}

/// The first error in an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportDefect {
    /// The line of the file, from 1.
    pub line: u64,
    /// The number of the entry in the line, or of the entry that is expected there.
    pub seq: Option<u64>,
    /// The description of the error.
    pub description: String,
    /// The expected and the actual hash, if the error is about a hash.
    pub hashes: Option<(Hash, Hash)>,
}

/// An export during its verification.
pub struct ExportVerifier {
    format: ExportFormat,
    lines: u64,
    sum: Sha256,
    entries: u64,
    first: Option<u64>,
    last: Option<(u64, Hash)>,
    workspace: Option<String>,
    /// The first missing entry. This is an error only if the end does not declare a filter.
    gap: Option<ExportDefect>,
    /// Whether entries are missing between the first and the last.
    has_gaps: bool,
    report: Option<ExportDefect>,
    end: Option<ExportEnd>,
}

impl ExportVerifier {
    /// Starts the verification of an export in this format.
    pub fn new(format: ExportFormat) -> Self {
        Self {
            format,
            lines: 0,
            sum: Sha256::new(),
            entries: 0,
            first: None,
            last: None,
            workspace: None,
            gap: None,
            has_gaps: false,
            report: None,
            end: None,
        }
    }

    /// Verifies the next line. `bytes` includes the line break.
    pub fn line(&mut self, bytes: &[u8]) {
        self.lines += 1;
        if self.end.is_some() {
            return self.report(None, "The line follows the last line of the export.");
        }
        if self.format == ExportFormat::Csv && self.lines == 1 {
            if bytes != row::HEAD.as_bytes() {
                self.report(None, "The line isn't the head of an export.");
            }
            return self.sum.update(bytes);
        }
        match self.read(bytes) {
            None => {
                let belongs = self.last.map_or(1, |(seq, _)| seq + 1);
                self.report(Some(belongs), "The line doesn't have the form of an export.");
            }
            Some(ExportLine::Entry(entry)) => self.entry(&entry),
            Some(ExportLine::End(end)) => return self.check_end(end),
        }
        self.sum.update(bytes);
    }

    /// Parses a line. Returns `None` unless encoding the result gives the same bytes.
    fn read(&self, bytes: &[u8]) -> Option<ExportLine> {
        let text = std::str::from_utf8(bytes).ok()?;
        let read = match self.format {
            ExportFormat::JsonLines => line::read(text.strip_suffix('\n')?)?,
            ExportFormat::Csv => row::read(text.strip_suffix("\r\n")?)?,
        };
        let rendered = match &read {
            ExportLine::Entry(entry) => render(self.format, entry),
            ExportLine::End(end) => render_end(self.format, end),
        };
        (rendered == text).then_some(read)
    }

    fn entry(&mut self, entry: &HashedEntry) {
        let HashedEntry { link, hash } = entry;
        let Some(seq) = u64::try_from(link.seq).ok().filter(|seq| *seq > 0) else {
            return self.report(None, "Entries are numbered from 1.");
        };
        if !link.is_known() {
            let description = format!(
                "The entry has version {}, which this version of Keyrack can't verify.",
                link.version
            );
            return self.report(Some(seq), description);
        }
        let expected = link.hash();
        if expected != *hash {
            return self.report_hash(seq, "The hash doesn't match the entry.", (expected, *hash));
        }
        if self.workspace.get_or_insert_with(|| link.workspace.clone()) != &link.workspace {
            return self
                .report(Some(seq), "The entry belongs to another workspace than the previous entries.");
        }
        self.check_order(seq, link.prev);
        self.entries += 1;
        self.first = self.first.or(Some(seq));
        self.last = Some((seq, *hash));
    }

    /// Verifies that the entry can follow the last entry.
    fn check_order(&mut self, seq: u64, prev: Hash) {
        let (last, end) = self.last.unwrap_or((0, Hash::default()));
        if seq <= last {
            self.report(Some(seq), format!("The entry follows entry {last}."));
        } else if seq == last + 1 {
            if prev != end {
                let description = if last == 0 {
                    "An entry before it is missing.".to_owned()
                } else {
                    format!("The entry isn't linked to entry {last} before it.")
                };
                self.report_hash(seq, description, (end, prev));
            }
        } else {
            self.has_gaps |= last > 0;
            let description = format!("The entry is missing. Entry {seq} is in its place.");
            self.gap.get_or_insert(ExportDefect {
                line: self.lines,
                seq: Some(last + 1),
                description,
                hashes: None,
            });
        }
    }

    fn check_end(&mut self, end: ExportEnd) {
        let (first, last) = (self.first, self.last.map(|(seq, _)| seq));
        if let Some(gap) = self.gap.take().filter(|_| end.end == ExportExtent::Whole) {
            let is_first = self.report.as_ref().is_none_or(|wrong| gap.line <= wrong.line);
            self.report = if is_first { Some(gap) } else { self.report.take() };
        }
        if self.workspace.as_ref().is_some_and(|own| *own != end.workspace) {
            self.report(None, "The line names another workspace than the entries.");
        } else if last < end.last {
            let missing = last.map_or(1, |last| last + 1);
            let description =
                format!("The entry is missing. The export ends with entry {}.", shown(end.last));
            self.report(Some(missing), description);
        } else if (self.entries, first, last) != (end.entries, end.first, end.last) {
            let description =
                format!("The line counts {} entries, but the export has {}.", end.entries, self.entries);
            self.report(None, description);
        } else if !end.has_valid_sum(self.sum.clone()) {
            self.report(None, "The checksum doesn't match the export.");
        }
        self.end = Some(end);
    }

    /// Returns the result after the last line.
    pub fn finish(mut self) -> Verification {
        let newest = self.last.map(|(_, hash)| hash);
        let Some(end) = self.end.take() else { return Verification::Damaged(self.truncation()) };
        match self.report {
            None => Verification::Intact(IntactExport { end, newest, is_gapless: !self.has_gaps }),
            Some(wrong) => Verification::Damaged(wrong),
        }
    }

    fn truncation(self) -> ExportDefect {
        let description = match self.last {
            Some((seq, _)) => format!("The export is cut off after entry {seq}. Its last line is missing."),
            None => "The file contains no export.".to_owned(),
        };
        match self.report {
            // An unreadable last line is as likely the end as an entry.
            Some(wrong) if wrong.line == self.lines && wrong.hashes.is_none() => {
                ExportDefect { seq: None, ..wrong }
            }
            Some(wrong) => wrong,
            None => ExportDefect { line: self.lines + 1, seq: None, description, hashes: None },
        }
    }

    fn report(&mut self, seq: Option<u64>, description: impl Into<String>) {
        self.keep_first(ExportDefect {
            line: self.lines,
            seq,
            description: description.into(),
            hashes: None,
        });
    }

    fn report_hash(&mut self, seq: u64, description: impl Into<String>, hashes: (Hash, Hash)) {
        self.keep_first(ExportDefect {
            line: self.lines,
            seq: Some(seq),
            description: description.into(),
            hashes: Some(hashes),
        });
    }

    /// Keeps only the first error, because later errors may be its consequences.
    fn keep_first(&mut self, wrong: ExportDefect) {
        self.report.get_or_insert(wrong);
    }
}

fn shown(seq: Option<u64>) -> String {
    seq.map_or_else(|| "none".to_owned(), |seq| seq.to_string())
}

impl ExportDefect {
    /// "entry 5 (line 5): its hash does not fit what it says".
    pub fn title(&self) -> String {
        match self.seq {
            Some(seq) => format!("entry {seq} (line {}): {}", self.line, self.description),
            None => format!("line {}: {}", self.line, self.description),
        }
    }

    /// Returns the expected and the actual hash as lines. Empty if the error is not about a hash.
    pub fn details(&self) -> Vec<String> {
        self.hashes
            .iter()
            .flat_map(|(expected, found)| {
                [format!("computed: {}", hex::encode(expected)), format!("found:    {}", hex::encode(found))]
            })
            .collect()
    }
}
