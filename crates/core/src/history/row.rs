//! The CSV format: a row is an entry or the end. Cells are safe in spreadsheets, which never compute their text.

use keyrack_key::Timestamp;
use keyrack_store::ChainedEntry;

use super::{ExportEnd, ExportLine, HashedEntry, unhex};
use crate::csv_cells::{neutral, original, row};
use crate::times::{parse as parse_time, rfc3339};

/// The header row.
pub(super) const HEAD: &str = "seq,version,workspace,at,actor,action,target,detail,prev,hash\r\n";

const COLUMNS: usize = 10;
const DETAIL: usize = 7;
const END: &str = "end";

/// Returns the row of an entry, line break included.
pub(super) fn write(entry: &HashedEntry) -> String {
    let HashedEntry { link, hash } = entry;
    row(&[
        link.seq.to_string(),
        link.version.to_string(),
        neutral(&link.workspace),
        rfc3339(Timestamp::from_micros(link.at)),
        neutral(&link.actor),
        neutral(&link.action),
        neutral(&link.target),
        neutral(&without_semicolons(&link.detail)),
        hex::encode(link.prev),
        hex::encode(hash),
    ])
}

/// Returns the last row, line break included.
pub(super) fn write_end(end: &ExportEnd) -> String {
    let mut cells: [String; COLUMNS] = Default::default();
    END.clone_into(&mut cells[0]);
    cells[DETAIL] = end.json();
    row(&cells)
}

/// Parses a row without its line break. Returns `None` if the row is malformed.
pub(super) fn read(text: &str) -> Option<ExportLine> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let cells = reader.records().next()?.ok()?;
    let cells: [String; COLUMNS] = cells.iter().map(str::to_owned).collect::<Vec<_>>().try_into().ok()?;
    if cells[0] == END {
        return serde_json::from_str(&cells[DETAIL]).ok().map(ExportLine::End);
    }
    let [seq, version, workspace, at, actor, action, target, detail, prev, hash] = cells;
    let link = ChainedEntry {
        version: version.parse().ok()?,
        workspace: original(&workspace),
        seq: seq.parse().ok()?,
        at: parse_time(&at).ok()?.micros(),
        actor: original(&actor),
        action: original(&action),
        target: original(&target),
        detail: with_semicolons(&original(&detail)),
        prev: unhex(&prev)?,
    };
    Some(ExportLine::Entry(HashedEntry { link, hash: unhex(&hash)? }))
}

/// Escapes semicolons in JSON. In many locales spreadsheets split rows at semicolons, and text from users after a
/// semicolon could start a new cell.
fn without_semicolons(json: &str) -> String {
    json.replace(';', SEMICOLON)
}

const SEMICOLON: &str = "\\u003b";

fn with_semicolons(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut rest = json;
    while let Some((before, _)) = rest.split_once('\\') {
        text.push_str(before);
        let escape = &rest[before.len()..];
        if let Some(after) = escape.strip_prefix(SEMICOLON) {
            text.push(';');
            rest = after;
        } else {
            // Copy the backslash and the character after it together, so that an escaped backslash does not start an escape.
            let length: usize = escape.chars().take(2).map(char::len_utf8).sum();
            text.push_str(&escape[..length]);
            rest = &escape[length..];
        }
    }
    text.push_str(rest);
    text
}
