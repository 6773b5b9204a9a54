//! Untrusted archives return labeled images, skip files with a reason, or return a typed error.

use std::io::{Cursor, Write};

use keyrack_vision::import::{Archive, ArchiveError, ArchiveLimits, ArchivedImage, SKIPPED_LISTED_MAX};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const JPEG: &[u8] = include_bytes!("../pictures/green-progressive.jpg");

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, stored()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Replaces every occurrence of `from` with `to`, which has the same length.
fn changed(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

fn open(bytes: Vec<u8>) -> Result<Archive<Cursor<Vec<u8>>>, ArchiveError> {
    Archive::open(Cursor::new(bytes), &ArchiveLimits::default())
}

/// Returns the images and the names and reasons of the skipped files.
fn read(bytes: Vec<u8>) -> (Vec<ArchivedImage>, Vec<(String, String)>) {
    let mut archive = open(bytes).unwrap();
    let items = archive.by_ref().collect::<Result<_, _>>().unwrap();
    let skipped = archive.skipped().list().iter().map(|skip| (skip.name.clone(), skip.reason.clone()));
    (items, skipped.collect())
}

fn reasons(bytes: Vec<u8>) -> Vec<String> {
    let (items, skipped) = read(bytes);
    assert_eq!(items, []);
    skipped.into_iter().map(|(_, reason)| reason).collect()
}

fn coco(names: &[&str]) -> String {
    let images: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(id, name)| format!(r#"{{"id": {id}, "file_name": "{name}"}}"#))
        .collect();
    let boxes: Vec<_> = (0..names.len())
        .map(|id| format!(r#"{{"image_id": {id}, "category_id": 1, "bbox": [1, 2, 3, 4]}}"#))
        .collect();
    format!(
        r#"{{"images": [{}], "annotations": [{}], "categories": [{{"id": 1, "name": "cell"}}]}}"#,
        images.join(","),
        boxes.join(",")
    )
}

#[test]
fn folders_name_classes_and_system_files_are_ignored() {
    let (items, skipped) = read(zip(&[
        ("pets/", b""),
        ("pets/cat/1.jpg", JPEG),
        ("pets\\dog\\2.jpg", JPEG),
        ("__MACOSX/pets/cat/._1.jpg", b"x"),
        ("pets/.DS_Store", b"x"),
        ("pets/readme.txt", b"hello"),
        ("pets/info.json", b"{}"),
    ]));
    let seen: Vec<_> = items.iter().map(|item| (item.name.as_str(), item.label.as_deref())).collect();
    assert_eq!(seen, [("pets/cat/1.jpg", Some("cat")), ("pets/dog/2.jpg", Some("dog"))]);
    assert!(items.iter().all(|item| item.bytes == JPEG && item.rects.is_empty()));
    let names: Vec<_> = skipped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["pets/info.json", "pets/readme.txt"]);
    assert_eq!(skipped[1].1, "This isn't a JPEG, PNG, or WebP image.");
}

#[test]
fn coco_file_describes_images_in_its_folder_and_below() {
    let train = coco(&["1.jpg", "gone.jpg"]);
    let (items, skipped) = read(zip(&[
        ("train/1.jpg", JPEG),
        ("train/2.jpg", JPEG),
        ("train/_annotations.coco.json", train.as_bytes()),
    ]));
    assert!(items.iter().all(|item| item.label.is_none()));
    assert_eq!(items.iter().map(|item| item.rects.len()).collect::<Vec<_>>(), [1, 0]);
    assert_eq!((items[0].rects[0].0.as_str(), items[0].rects[0].1.height), ("cell", 4.0));
    assert!(skipped[0].1.ends_with("imported: 1 of 2."), "{skipped:?}");

    let folders = coco(&["a/1.jpg", "b/1.jpg"]);
    let (items, skipped) = read(zip(&[
        ("set/annotations/instances_all.json", folders.as_bytes()),
        ("set/images/a/1.jpg", JPEG),
        ("set/images/b/1.jpg", JPEG),
    ]));
    assert_eq!((items.len(), skipped.len()), (2, 0));
    assert!(items.iter().all(|item| item.rects.len() == 1));
}

#[test]
fn invalid_coco_file_fails_the_import() {
    let broken = coco(&["1.jpg"]).replace("[1, 2, 3, 4]", "[1, 2, -3, 4]");
    let error = open(zip(&[("1.jpg", JPEG), ("boxes.json", broken.as_bytes())])).err().unwrap().to_string();
    assert_eq!(error, "boxes.json: annotations[0].bbox: width is -3. Use 0 pixels or more.");
}

#[test]
fn paths_leaving_the_archive_are_skipped() {
    let bytes = changed(zip(&[("aa/one.jpg", JPEG), ("bbtwo.jpg", JPEG)]), b"aa/one", b"../one");
    let bytes = changed(bytes, b"bbtwo", b"C:two");
    assert_eq!(reasons(bytes), ["The path leads out of the archive.", "The path is absolute."]);
    let bytes = changed(zip(&[("x1.jpg", JPEG), ("y1.jpg", JPEG)]), b"x1", b"/1");
    assert_eq!(read(bytes).1[0].1, "The path is absolute.");
}

#[test]
fn duplicates_links_and_encrypted_entries_are_skipped() {
    let (items, skipped) = read(changed(zip(&[("a1.jpg", JPEG), ("a2.jpg", JPEG)]), b"a2", b"a1"));
    assert_eq!((items.len(), skipped[0].1.as_str()), (1, "Another entry has the same name."));

    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("link.jpg", "/etc/passwd", stored()).unwrap();
    assert_eq!(reasons(writer.finish().unwrap().into_inner()), ["The entry is a link."]);

    // The encryption flag in the central directory (PKWARE APPNOTE, 4.4.4).
    let mut bytes = zip(&[("1.jpg", JPEG)]);
    let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[central + 8] |= 1;
    assert_eq!(reasons(bytes), ["The entry is encrypted."]);
}

#[test]
fn nested_archive_is_skipped() {
    let inner = zip(&[("1.jpg", JPEG)]);
    assert_eq!(
        reasons(zip(&[("inner.zip", &inner), ("inner.jpg", &inner)])),
        ["This isn't a JPEG, PNG, or WebP image."; 2]
    );
}

#[test]
fn zip_bomb_stops_at_the_limits() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, head) in [("zeros.jpg", &b""[..]), ("picture.jpg", JPEG)] {
        writer.start_file(name, packed).unwrap();
        writer.write_all(head).unwrap();
        let zeros = vec![0; 1 << 20];
        (0..1024).for_each(|_| writer.write_all(&zeros).unwrap());
    }
    let bomb = writer.finish().unwrap().into_inner();
    assert_eq!(
        reasons(bomb.clone()),
        ["This isn't a JPEG, PNG, or WebP image.", "The file has more than 10000000 bytes."]
    );

    let limits = ArchiveLimits { total_bytes: 1000, ..ArchiveLimits::default() };
    let mut archive = Archive::open(Cursor::new(bomb), &limits).unwrap();
    assert!(matches!(archive.next(), Some(Err(ArchiveError::TooManyBytes { most: 1000 }))));
    assert!(archive.next().is_none());
}

#[test]
fn wrong_entry_sizes_never_exceed_the_file() {
    let whole = zip(&[("1.jpg", JPEG), ("2.jpg", JPEG)]);
    let length = u32::try_from(JPEG.len()).unwrap().to_le_bytes();
    // Larger than the file, all ones (which announces zip64), smaller than the image, and zero.
    for lie in [[0xFF, 0xFF, 0xFF, 0x7F], [0xFF; 4], [20, 0, 0, 0], [0; 4]] {
        let lying = changed(whole.clone(), &[length, length].concat(), &[lie, lie].concat());
        if let Ok(archive) = open(lying) {
            for item in archive.flatten() {
                assert!(item.bytes.len() <= whole.len(), "{lie:?}");
            }
        }
    }
}

#[test]
fn too_many_entries_are_rejected_before_reading() {
    let names: Vec<String> = (0..300).map(|n| format!("{n}.txt")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let bytes = zip(&entries);
    let limits = ArchiveLimits { entries: 299, ..ArchiveLimits::default() };
    let error = Archive::open(Cursor::new(bytes.clone()), &limits).err().unwrap();
    assert!(matches!(error, ArchiveError::TooManyEntries { entries: 300, most: 299 }), "{error}");
    let mut archive = open(bytes).unwrap();
    assert!(archive.next().is_none());
    assert_eq!((archive.skipped().count(), archive.skipped().list().len()), (300, SKIPPED_LISTED_MAX));
}

#[test]
fn truncated_or_other_file_is_rejected() {
    let whole = zip(&[("1.jpg", JPEG), ("2.jpg", JPEG)]);
    for length in 0..whole.len() {
        assert!(open(whole[..length].to_vec()).is_err(), "{length}");
    }
    for other in [&b""[..], JPEG, b"PK\x03\x04", b"Rar!\x1A\x07", &[0; 4096]] {
        assert!(matches!(open(other.to_vec()), Err(ArchiveError::NotAZip(_))));
    }
}

#[test]
fn changed_bytes_never_panic() {
    let whole = zip(&[("a/1.jpg", &JPEG[..200]), ("b.json", coco(&["a/1.jpg"]).as_bytes()), ("c/", b"")]);
    for at in 0..whole.len() {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            if let Ok(archive) = open(bytes) {
                assert!(archive.count() <= 3);
            }
        }
    }
}

#[test]
fn resumed_reading_returns_the_same_images() {
    let long = format!("{}.jpg", "x".repeat(2_000));
    let bytes = zip(&[
        ("train/1.jpg", JPEG),
        ("train/_annotations.coco.json", coco(&["1.jpg", "2.jpg", "gone.jpg"]).as_bytes()),
        ("train/readme.txt", b"hello"),
        ("train/2.jpg", JPEG),
        ("../evil.jpg", JPEG),
        (&long, JPEG),
        ("train/3.jpg", JPEG),
        ("train/empty.jpg", b""),
    ]);
    let (items, skipped) = read(bytes.clone());
    assert!(items.len() >= 3 && skipped.len() >= 4, "{} {skipped:?}", items.len());
    let mut first = open(bytes.clone()).unwrap();
    let of_directory = first.skipped().count();
    let (mut received, mut left_out) = (Vec::new(), 0);
    loop {
        let position = first.read_position();
        // Resume at each position.
        let mut other = open(bytes.clone()).unwrap();
        other.resume_at(position);
        assert_eq!(other.read_position(), position);
        let rest: Vec<_> = other.by_ref().collect::<Result<_, _>>().unwrap();
        assert_eq!([received.clone(), rest].concat(), items);
        assert_eq!(left_out + other.skipped().count(), skipped.len(), "each skipped file is counted once");
        match first.next() {
            Some(item) => received.push(item.unwrap()),
            None => break,
        }
        left_out = first.skipped().count() - of_directory;
    }
    assert_eq!(
        first.read_position().unpacked,
        items.iter().map(|item| item.bytes.len() as u64).sum::<u64>() + 5
    );
}

#[test]
fn bytes_read_before_a_restart_count_against_the_limit() {
    let bytes = zip(&[("1.jpg", JPEG), ("2.jpg", JPEG), ("3.jpg", JPEG)]);
    let total_bytes = JPEG.len() as u64 * 2;
    let limits = ArchiveLimits { total_bytes, ..ArchiveLimits::default() };
    let open = || Archive::open(Cursor::new(bytes.clone()), &limits).unwrap();
    let mut first = open();
    first.next().unwrap().unwrap();
    let mut other = open();
    other.resume_at(first.read_position());
    assert!(other.next().unwrap().is_ok());
    assert!(matches!(other.next(), Some(Err(ArchiveError::TooManyBytes { .. }))));
}
