//! The output of commands: results for programs on standard output, notes for people on standard error.

use std::fmt::Display;
use std::io::{self, Write};

/// The output of a successful command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    /// Standard output: the result that a script reads.
    pub(super) result: String,
    /// Standard error: notes for people.
    pub(super) notes: String,
}

impl Output {
    /// An output with a result, which ends with a newline, and no notes.
    pub(super) fn result(text: impl Display) -> Self {
        Self { result: format!("{text}\n"), notes: String::new() }
    }

    /// Adds a line to the notes.
    #[must_use]
    pub(super) fn note(mut self, line: impl Display) -> Self {
        self.notes.extend([line.to_string().as_str(), "\n"]);
        self
    }

    /// Prints both, the notes first, so that the result is the last line in a terminal.
    pub(super) fn say(&self) -> io::Result<()> {
        // An error here must not keep the result from being printed: the change is made, and a new secret
        // cannot be shown again.
        let _ = io::stderr().lock().write_all(self.notes.as_bytes());
        let mut out = io::stdout().lock();
        out.write_all(self.result.as_bytes())?;
        out.flush()
    }
}

/// Replaces control characters in text from others, so that it cannot control the terminal.
pub(super) fn sanitized(text: &str) -> String {
    let sanitized = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    };
    text.chars().map(sanitized).collect()
}

/// Formats a time of the API for people, in UTC. Returns other texts unchanged, but for control characters.
pub(super) fn formatted_time(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => sanitized(text),
    }
}

/// Aligns `rows` as columns, each as wide as its widest cell.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_aligns_its_columns() {
        let rows = [["ID", "NAME"], ["key_1", "été 📷"], ["k", "b"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "ID     NAME\nkey_1  été 📷\nk      b");
    }

    #[test]
    fn sanitized_text_has_no_control_characters() {
        assert_eq!(sanitized("a\u{1b}[2Jb\n"), "a\u{FFFD}[2Jb ");
        assert_eq!(formatted_time("2026-11-22T21:08:26.123456Z"), "2026-11-22 21:08:26 UTC");
        assert_eq!(formatted_time("\u{7}"), "\u{FFFD}");
    }
}
