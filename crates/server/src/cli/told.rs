//! What a command says in the end: its result to programs, remarks to people.

use std::fmt::Display;
use std::io::{self, Write};

/// Words for both outputs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// To standard output: what a script reads.
    pub(super) result: String,
    /// To standard error: what a person wants to know beside it.
    pub(super) remarks: String,
}

impl Told {
    /// A result, on lines of its own.
    pub(super) fn result(text: impl Display) -> Self {
        Self { result: format!("{text}\n"), remarks: String::new() }
    }

    /// Adds a line for people.
    #[must_use]
    pub(super) fn remark(mut self, line: impl Display) -> Self {
        self.remarks.extend([line.to_string().as_str(), "\n"]);
        self
    }

    /// Writes both, remarks first, so that in a terminal the result stands last.
    pub(super) fn say(&self) -> io::Result<()> {
        // It is done by now: the result matters, and a secret in it is not to be had again.
        let _ = io::stderr().lock().write_all(self.remarks.as_bytes());
        let mut out = io::stdout().lock();
        out.write_all(self.result.as_bytes())?;
        out.flush()
    }
}

/// Text that somebody else wrote, without what would steer a terminal.
pub(super) fn harmless(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    };
    text.chars().map(harmless).collect()
}

/// A time of the API as people read it.
pub(super) fn moment(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => harmless(text),
    }
}

/// Rows under each other, as wide as their widest cell.
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
    fn columns_stand_under_each_other() {
        let rows = [["ID", "NAME"], ["key_1", "été 📷"], ["k", "b"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "ID     NAME\nkey_1  été 📷\nk      b");
    }

    #[test]
    fn what_others_wrote_does_not_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\n"), "a\u{FFFD}[2Jb ");
        assert_eq!(moment("2026-11-22T21:08:26.123456Z"), "2026-11-22 21:08:26 UTC");
        assert_eq!(moment("\u{7}"), "\u{FFFD}");
    }
}
