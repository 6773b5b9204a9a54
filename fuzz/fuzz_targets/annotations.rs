//! Bytes as a COCO file, as an archive, as the numbers of a box.
#![no_main]

use std::io::Cursor;

use keyrack_vision::import::{Archive, ArchiveLimits, Coco};
use keyrack_vision::{Rect, clip};
use libfuzzer_sys::fuzz_target;

const LIMITS: ArchiveLimits =
    ArchiveLimits { entries: 100, picture_bytes: 10_000, annotation_bytes: 10_000, total_bytes: 100_000 };

fuzz_target!(|bytes: &[u8]| {
    if let Ok(coco) = Coco::parse(bytes, 10_000) {
        for (_, rect) in coco.files().filter_map(|name| coco.boxes(name)).flatten() {
            clipped(rect, 100, 100);
        }
    }
    if let Ok(archive) = Archive::open(Cursor::new(bytes), &LIMITS) {
        let mut total = 0;
        for item in archive.flatten() {
            assert!(item.bytes.len() <= LIMITS.picture_bytes);
            assert!(!item.name.starts_with('/') && item.name.split('/').all(|part| part != ".."));
            total += item.bytes.len() as u64;
        }
        assert!(total <= LIMITS.total_bytes);
    }
    if let Some((numbers, sizes)) = bytes.split_first_chunk::<32>() {
        let number = |at: usize| f64::from_le_bytes(std::array::from_fn(|byte| numbers[at * 8 + byte]));
        let size = |at: usize| u32::from(sizes.get(at).copied().unwrap_or(9));
        clipped(Rect { left: number(0), top: number(1), width: number(2), height: number(3) }, size(0), size(1));
    }
});

fn clipped(rect: Rect, width: u32, height: u32) {
    if let Ok(Some(inside)) = clip(rect, width, height) {
        assert!(inside.left >= 0.0 && inside.top >= 0.0 && inside.width > 0.0 && inside.height > 0.0);
        assert!(inside.left + inside.width <= width.into() && inside.top + inside.height <= height.into());
    }
}
