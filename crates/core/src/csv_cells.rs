//! Cells of CSV files that are safe in spreadsheets, which never compute their text.

use csv::{QuoteStyle, Terminator, WriterBuilder};

/// Spreadsheets interpret cells that start with these characters as formulas. A leading apostrophe prevents this.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// Returns the text for a cell that a spreadsheet shows as it is.
pub fn neutral(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

/// Returns the text that [`neutral`] received.
pub fn original(cell: &str) -> String {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(cell).to_owned()
}

/// Returns a row with quotes only where RFC 4180 requires them, line break included.
pub fn row(cells: &[String]) -> String {
    write(cells, QuoteStyle::Necessary)
}

/// Returns a row with quotes around each cell, line break included. In many locales spreadsheets split rows at
/// semicolons. The first cell may then contain any neutral text, because its quote is the first character of the row.
pub fn quoted_row(cells: &[String]) -> String {
    write(cells, QuoteStyle::Always)
}

fn write(cells: &[String], quotes: QuoteStyle) -> String {
    let mut writer =
        WriterBuilder::new().terminator(Terminator::CRLF).quote_style(quotes).from_writer(Vec::new());
    // A write to memory does not fail, and all cells are UTF-8.
    let _ = writer.write_record(cells);
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formula_becomes_text_and_is_restored() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("'=1", "''=1"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(neutral(cell), written);
            assert_eq!(original(written), cell);
        }
    }

    #[test]
    fn quoted_row_keeps_semicolons_and_quotes_within_its_first_cell() {
        let cells = ["a\";=cmd".to_owned(), "b".to_owned()];
        assert_eq!(quoted_row(&cells), "\"a\"\";=cmd\",\"b\"\r\n");
        assert_eq!(row(&cells[1..]), "b\r\n");
    }
}
