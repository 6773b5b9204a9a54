//! Audit exports that were altered in different ways: the verifier names what is wrong.

use keyrack_core::history::{
    ExportDefect, ExportExtent, ExportFormat, ExportVerifier, ExportWriter, Verification,
};
use keyrack_store::ChainedEntry;
use proptest::prelude::*;
use serde_json::json;

const WORKSPACE: &str = "wsp_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";

/// `length` chained entries, whose details contain text that users type.
fn chain(length: i64) -> Vec<(ChainedEntry, [u8; 32])> {
    let mut prev = [0; 32];
    let names = ["line 3; =2+5", "-1+1", "a,b \"c\" \\u003b", "@cmd|' /C calc'!A0", "été 📷\n;", "\\", "'=x"];
    let entry = |seq: i64| {
        let name = names[usize::try_from(seq).unwrap() % names.len()];
        let link = ChainedEntry {
            version: 1,
            workspace: WORKSPACE.to_owned(),
            seq,
            at: 1_795_381_706_123_450 + seq * 1_000_003,
            actor: "user:usr_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".to_owned(),
            action: "key_edited".to_owned(),
            target: format!("key_{seq:032x}"),
            detail: json!({ "name": { "before": null, "after": name } }).to_string(),
            prev,
        };
        prev = link.hash();
        (link, prev)
    };
    (1..=length).map(entry).collect()
}

fn written(format: ExportFormat, entries: &[(ChainedEntry, [u8; 32])], holds: ExportExtent) -> Vec<u8> {
    let (mut writer, head) = ExportWriter::begin(format);
    let mut text = head.to_owned();
    for (link, hash) in entries {
        text.push_str(&writer.entry(link.clone(), *hash));
    }
    let length = entries.last().map_or(0, |(link, _)| link.seq.unsigned_abs());
    text.push_str(&match holds {
        ExportExtent::Whole => writer.whole(WORKSPACE.to_owned(), length),
        ExportExtent::Part => writer.part(WORKSPACE.to_owned()),
    });
    text.into_bytes()
}

fn verified(format: ExportFormat, file: &[u8]) -> Verification {
    let mut verifier = ExportVerifier::new(format);
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        verifier.line(line);
    }
    verifier.finish()
}

#[track_caller]
fn broken(format: ExportFormat, file: &[u8]) -> ExportDefect {
    match verified(format, file) {
        Verification::Damaged(wrong) => wrong,
        Verification::Intact(held) => panic!("the export verifies: {held:?}"),
    }
}

const FORMATS: [ExportFormat; 2] = [ExportFormat::JsonLines, ExportFormat::Csv];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The altered byte can be part of a value, a hash, a name, a comma, a line ending, or the last line.
    #[test]
    fn altered_byte_is_reported_with_its_line(place in any::<prop::sample::Index>(), byte in any::<u8>(), csv in any::<bool>()) {
        let format = FORMATS[usize::from(csv)];
        let mut file = written(format, &chain(9), ExportExtent::Whole);
        let place = place.index(file.len());
        prop_assume!(file[place] != byte);
        let line = line_of(&file, place);
        file[place] = byte;
        let wrong = broken(format, &file);
        prop_assert_eq!(wrong.line, line, "{:?}", wrong);
    }

    #[test]
    fn removed_duplicated_or_moved_line_is_reported(first in 0_usize..10, second in 0_usize..10, csv in any::<bool>()) {
        let format = FORMATS[usize::from(csv)];
        let file = written(format, &chain(9), ExportExtent::Whole);
        let head = usize::from(csv);
        let lines: Vec<_> = file.split_inclusive(|byte| *byte == b'\n').collect();
        let (first, second) = (first + head, second + head);
        let seq_at = |line: usize| (line - head < 9).then(|| (line - head) as u64 + 1);

        let mut without = lines.clone();
        without.remove(first);
        let wrong = broken(format, &without.concat());
        prop_assert!(wrong.seq == seq_at(first), "without line {}: {:?}", first + 1, wrong);

        let mut twice = lines.clone();
        twice.insert(first, lines[first]);
        let wrong = broken(format, &twice.concat());
        prop_assert_eq!(wrong.line, first as u64 + 2, "{:?}", wrong);

        prop_assume!(first != second);
        let mut moved = lines.clone();
        moved.swap(first, second);
        let wrong = broken(format, &moved.concat());
        prop_assert!(wrong.line <= first.max(second) as u64 + 1, "{:?}", wrong);
        prop_assert!(wrong.seq == seq_at(first.min(second)) || first.max(second) == 9 + head, "{:?}", wrong);
    }

    #[test]
    fn truncated_export_is_reported(place in any::<prop::sample::Index>(), csv in any::<bool>()) {
        let format = FORMATS[usize::from(csv)];
        let file = written(format, &chain(9), ExportExtent::Whole);
        broken(format, &file[..place.index(file.len())]);
    }

    /// A filtered export has gaps, and the remaining entries still verify.
    #[test]
    fn altered_byte_of_filtered_export_is_reported(place in any::<prop::sample::Index>(), byte in any::<u8>(), csv in any::<bool>()) {
        let format = FORMATS[usize::from(csv)];
        let every_second: Vec<_> = chain(9).into_iter().skip(1).step_by(2).collect();
        let mut file = written(format, &every_second, ExportExtent::Part);
        let place = place.index(file.len());
        prop_assume!(file[place] != byte);
        let line = line_of(&file, place);
        file[place] = byte;
        let wrong = broken(format, &file);
        prop_assert_eq!(wrong.line, line, "{:?}", wrong);
    }
}

#[test]
fn unaltered_export_verifies_with_its_range() {
    for format in FORMATS {
        let all = chain(1_204);
        let Verification::Intact(held) = verified(format, &written(format, &all, ExportExtent::Whole)) else {
            panic!("broken")
        };
        assert_eq!((held.end.entries, held.end.first, held.end.last), (1_204, Some(1), Some(1_204)));
        assert_eq!((held.newest, held.is_gapless), (Some(all[1_203].1), true));
        let Verification::Intact(held) =
            verified(format, &written(format, &all[499..700], ExportExtent::Part))
        else {
            panic!("broken")
        };
        assert_eq!((held.end.entries, held.end.first, held.end.last), (201, Some(500), Some(700)));
        assert!(held.is_gapless);
        let gaps = [all[1].clone(), all[7].clone()];
        let Verification::Intact(held) = verified(format, &written(format, &gaps, ExportExtent::Part)) else {
            panic!("broken")
        };
        assert!(!held.is_gapless);
        assert!(matches!(
            verified(format, &written(format, &[], ExportExtent::Part)),
            Verification::Intact(_)
        ));
    }
}

/// A partial export that claims to be complete, and an entry that was replaced together with its hash.
#[test]
fn omitted_or_forged_entry_is_reported() {
    for format in FORMATS {
        let all = chain(9);
        assert_eq!(broken(format, &written(format, &all[3..], ExportExtent::Whole)).seq, Some(1));
        let mut forged = all.clone();
        forged[4].0.detail = "{}".to_owned();
        let wrong = broken(format, &written(format, &forged, ExportExtent::Whole));
        assert_eq!((wrong.seq, wrong.hashes), (Some(5), Some((forged[4].0.hash(), all[4].1))));
        forged[4].1 = forged[4].0.hash();
        let wrong = broken(format, &written(format, &forged, ExportExtent::Whole));
        assert_eq!((wrong.seq, wrong.hashes), (Some(6), Some((forged[4].1, all[4].1))));
        let mut elsewhere = all.clone();
        elsewhere[8].0.workspace = WORKSPACE.replace('f', "e");
        elsewhere[8].1 = elsewhere[8].0.hash();
        assert_eq!(broken(format, &written(format, &elsewhere, ExportExtent::Whole)).seq, Some(9));
    }
}

#[test]
fn csv_cells_never_start_a_formula() {
    let mut entries = chain(14);
    // Only someone with access to the database can write these values.
    for (seq, text) in [(3, "=1+1"), (4, "\t=1"), (5, "@SUM(A1)")] {
        entries[seq].0.actor = text.to_owned();
        entries[seq].0.target = text.to_owned();
    }
    let file = String::from_utf8(written(ExportFormat::Csv, &entries, ExportExtent::Whole)).unwrap();
    // If semicolons separate the cells, quotes within a line have no effect.
    let by_semicolons = file.lines().flat_map(|line| line.split(';'));
    assert_eq!(by_semicolons.count(), file.lines().count(), "{file}");
    for row in file.lines().skip(1) {
        for cell in quoted_cells(row) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
    }
}

/// The cells of a row as a spreadsheet reads them.
fn quoted_cells(row: &str) -> Vec<String> {
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in row.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    cells.push(cell);
    cells
}

fn line_of(file: &[u8], place: usize) -> u64 {
    file[..place].split(|byte| *byte == b'\n').count() as u64
}
