//! Reads labeled images from a zip archive, one at a time. Trusts neither the paths nor the sizes in it.

use std::collections::HashSet;
use std::io::{self, Read, Seek};
use std::vec::IntoIter;

use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::annotation_files::{ANNOTATION_FILES_MAX, AnnotationFiles, AnnotationMatch};
use super::skipped::short;
use super::{Coco, CocoError, SkippedFiles, layout};
use crate::{Format, Rect};

/// The limits for reading an archive. They apply to actual bytes, not to what headers announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// The most entries, folders included.
    pub entries: usize,
    /// The most bytes of an image, uncompressed.
    pub picture_bytes: usize,
    /// The most bytes of a COCO file, uncompressed.
    pub annotation_bytes: usize,
    /// The most bytes of all entries together, uncompressed.
    pub total_bytes: u64,
}

impl Default for ArchiveLimits {
    /// 100,000 entries; pictures of 10 MB and COCO files of 100 MB; 20 GB in all.
    fn default() -> Self {
        Self {
            entries: 100_000,
            picture_bytes: 10_000_000,
            annotation_bytes: 100_000_000,
            total_bytes: 20_000_000_000,
        }
    }
}

/// Why an archive can't be read, or can't be read further.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file isn't a zip archive, or its end is missing.
    #[error("This isn't a valid .zip file, or it is incomplete ({0}).")]
    NotAZip(String),
    /// The archive has more entries than the limit.
    #[error("The archive has {entries} entries. Use {most} or fewer.")]
    TooManyEntries {
        /// The number of entries that the archive announces.
        entries: usize,
        most: usize,
    },
    /// The archive holds more uncompressed bytes than the limit.
    #[error("The archive has more than {most} bytes when unpacked. Split it into smaller archives.")]
    TooManyBytes { most: u64 },
    /// A COCO file is invalid. Without it, its images would be imported without their boxes.
    #[error("{name}: {source}")]
    Coco {
        /// The file's path in the archive.
        name: String,
        /// What is wrong with the file.
        source: CocoError,
    },
    /// The archive has more COCO files than the limit.
    #[error("The archive has more than {ANNOTATION_FILES_MAX} COCO files. Split it into smaller archives.")]
    TooManyCocoFiles,
    /// The archive couldn't be read from its source.
    #[error("The .zip file can't be read.")]
    Io(#[from] io::Error),
}

/// An image from an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedImage {
    /// The path in the archive: with forward slashes, never absolute, never with `..`.
    pub name: String,
    /// The file's bytes. They start like a JPEG, PNG, or WebP, but may not decode.
    pub bytes: Vec<u8>,
    /// The class that the image's folder names. `None` if a COCO file describes the folder.
    pub label: Option<String>,
    /// The labels and boxes from a COCO file, not clipped to the image.
    pub rects: Vec<(String, Rect)>,
}

/// A position between two entries of an archive. It is valid for the same archive with the same limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchivePosition {
    /// The number of entries before this position.
    pub entries: usize,
    /// The number of uncompressed bytes that were read from them.
    pub unpacked: u64,
}

/// An iterator over the images of a zip archive, in the order of its directory. Images are labeled by class folders,
/// by COCO files, or not at all.
///
/// The iterator ends after the first error. [`Archive::skipped`] lists files that aren't images. Holds in memory the
/// directory, the boxes of all COCO files, and one image.
pub struct Archive<R> {
    reader: LimitedZip<R>,
    entries: IntoIter<NamedEntry>,
    /// The number of entries, and the bytes that may be read from them.
    end: ArchivePosition,
    annotations: AnnotationFiles,
    top: String,
    skipped: SkippedFiles,
    ended: bool,
}

struct NamedEntry {
    name: String,
    entry: ZipFileEntry<'static>,
}

impl<R: Read + Seek> Archive<R> {
    /// Opens an archive and reads its directory and COCO files.
    pub fn open(reader: R, limits: &ArchiveLimits) -> Result<Self, ArchiveError> {
        let zip = ZipIterable::try_new(reader, Config::default()).map_err(zip_error)?;
        if zip.len() > limits.entries {
            return Err(ArchiveError::TooManyEntries { entries: zip.len(), most: limits.entries });
        }
        let mut reader = LimitedZip { zip, limits: *limits, bytes_left: limits.total_bytes };
        let mut skipped = SkippedFiles::default();
        let (json, pictures): (Vec<_>, Vec<_>) =
            reader.directory(&mut skipped)?.into_iter().partition(|entry| layout::is_json(&entry.name));
        let mut annotations = AnnotationFiles::default();
        for entry in json {
            let name = entry.name.clone();
            match reader.coco(entry)? {
                Ok(_) if annotations.len() == ANNOTATION_FILES_MAX => {
                    return Err(ArchiveError::TooManyCocoFiles);
                }
                Ok(coco) => annotations.add(&name, coco),
                Err(reason) => skipped.note(&name, reason),
            }
        }
        let top = layout::common_folder(&pictures.iter().map(|entry| entry.name.as_str())).to_owned();
        let end = ArchivePosition { entries: pictures.len(), unpacked: reader.bytes_left };
        Ok(Self { reader, entries: pictures.into_iter(), end, annotations, top, skipped, ended: false })
    }

    /// Returns the position behind the last image and everything skipped before it.
    pub fn read_position(&self) -> ArchivePosition {
        ArchivePosition {
            entries: self.end.entries - self.entries.len(),
            unpacked: self.end.unpacked - self.reader.bytes_left,
        }
    }

    /// Resumes at a position of an earlier reader, without decompressing the entries before it.
    pub fn resume_at(&mut self, position: ArchivePosition) {
        let done = position.entries.saturating_sub(self.read_position().entries);
        for entry in self.entries.by_ref().take(done) {
            // Each COCO file counts which of its images the archive contains.
            self.annotations.find(&entry.name);
        }
        self.reader.bytes_left =
            self.end.unpacked.saturating_sub(position.unpacked).min(self.reader.bytes_left);
    }

    /// Reads an entry and returns its image, or `None` if the entry is skipped. Unlike [`next`](Self::next), this returns
    /// after each entry, so that a caller can stop among many skipped ones.
    pub fn next_entry(&mut self) -> Option<Result<Option<ArchivedImage>, ArchiveError>> {
        if self.ended {
            return None;
        }
        let Some(named) = self.entries.next() else {
            self.ended = true;
            self.annotations.note_missing(&mut self.skipped);
            return None;
        };
        let name = named.name.clone();
        match self.item(named) {
            Ok(Ok(item)) => Some(Ok(Some(item))),
            Ok(Err(reason)) => {
                self.skipped.note(&name, reason);
                Some(Ok(None))
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }

    /// The files that were skipped so far.
    pub fn skipped(&self) -> &SkippedFiles {
        &self.skipped
    }

    /// Reads the image of an entry, or returns the reason for skipping the entry.
    fn item(&mut self, named: NamedEntry) -> Result<Result<ArchivedImage, String>, ArchiveError> {
        let NamedEntry { name, entry } = named;
        let most = self.reader.limits.picture_bytes;
        let bytes = match self.reader.unpack(entry, most, |head| Format::of(head).is_some())? {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        };
        let (label, rects) = match self.annotations.find(&name) {
            AnnotationMatch::NoFile => (layout::class_of(&name, &self.top), Vec::new()),
            AnnotationMatch::Boxes(rects) => (None, rects),
            AnnotationMatch::Ambiguous(one, other) => {
                return Ok(Err(format!("{one} and {other} both describe this image.")));
            }
        };
        Ok(Ok(ArchivedImage { name, bytes, label, rects }))
    }
}

impl<R: Read + Seek> Iterator for Archive<R> {
    type Item = Result<ArchivedImage, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_entry()? {
                Ok(Some(item)) => return Some(Ok(item)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// A zip archive, and the number of bytes that may still be read from it.
struct LimitedZip<R> {
    zip: ZipIterable<R>,
    limits: ArchiveLimits,
    bytes_left: u64,
}

impl<R: Read + Seek> LimitedZip<R> {
    /// Lists the entries that may be images or COCO files.
    fn directory(&mut self, skipped: &mut SkippedFiles) -> Result<Vec<NamedEntry>, ArchiveError> {
        let (mut entries, mut names) = (Vec::new(), HashSet::new());
        for entry in self.zip.files().map_err(zip_error)? {
            let entry = entry.map_err(zip_error)?;
            let name = match entry.name() {
                Ok(name) => layout::normalize(&name),
                Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
            };
            if entry.is_dir() || name.ends_with('/') {
                continue;
            }
            if let Some(reason) = layout::path_error(&name) {
                skipped.note(&name, reason);
            } else if layout::is_system_file(&name) {
            } else if entry.is_symlink() {
                skipped.note(&name, "The entry is a link.");
            } else if entry.encrypted() {
                skipped.note(&name, "The entry is encrypted.");
            } else if !names.insert(name.clone()) {
                skipped.note(&name, "Another entry has the same name.");
            } else {
                entries.push(NamedEntry { name, entry });
            }
        }
        Ok(entries)
    }

    /// Parses a JSON file, or returns the reason for skipping the file.
    fn coco(&mut self, named: NamedEntry) -> Result<Result<Coco, String>, ArchiveError> {
        let most = self.limits.annotation_bytes;
        let bytes = match self.unpack(named.entry, most, |_| true)? {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        };
        match Coco::parse(&bytes, most) {
            Ok(coco) => Ok(Ok(coco)),
            Err(source @ CocoError::NotCoco) => Ok(Err(source.to_string())),
            Err(source) => Err(ArchiveError::Coco { name: short(&named.name), source }),
        }
    }

    /// Reads an entry of at most `most` bytes whose first bytes satisfy `wanted`, or returns the
    /// reason for skipping the entry.
    fn unpack(
        &mut self,
        entry: ZipFileEntry<'static>,
        most: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Result<Vec<u8>, String>, ArchiveError> {
        let total = self.limits.total_bytes;
        let reader = self.zip.files().map_err(zip_error)?.reader_mut();
        let file = match entry.with_reader(reader, ZipReadOptions::new()) {
            Ok(file) => file,
            Err(ZipError::Io(error)) => return skip_or_fail(error),
            Err(error) => return Ok(Err(error.to_string())),
        };
        // Read one byte more than allowed, to detect longer entries.
        let room = self.bytes_left.saturating_add(1);
        let mut file = file.take(room.min(most as u64 + 1));
        let mut bytes = Vec::new();
        let read = file.by_ref().take(16).read_to_end(&mut bytes).and_then(|_| {
            if wanted(&bytes) { file.read_to_end(&mut bytes).map(|_| true) } else { Ok(false) }
        });
        match self.bytes_left.checked_sub(bytes.len() as u64) {
            Some(left) => self.bytes_left = left,
            None => return Err(ArchiveError::TooManyBytes { most: total }),
        }
        match read {
            Err(error) => skip_or_fail(error),
            Ok(false) => Ok(Err("This isn't a JPEG, PNG, or WebP image.".into())),
            Ok(true) if bytes.len() > most => Ok(Err(format!("The file has more than {most} bytes."))),
            Ok(true) => Ok(Ok(bytes)),
        }
    }
}

/// Skips a broken entry. Returns an error if the archive can't be read from its source.
fn skip_or_fail<T>(error: io::Error) -> Result<Result<T, String>, ArchiveError> {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof, Unsupported};
    match error.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof | Unsupported => {
            Ok(Err(format!("The entry is damaged ({error}).")))
        }
        _ => Err(ArchiveError::Io(error)),
    }
}

fn zip_error(error: ZipError) -> ArchiveError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => ArchiveError::Io(error),
        error => ArchiveError::NotAZip(error.to_string()),
    }
}
