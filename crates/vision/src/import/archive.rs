//! Labelled pictures out of a zip, one at a time. Neither its paths nor its sizes are believed.

use std::collections::HashSet;
use std::io::{self, Read, Seek};
use std::vec::IntoIter;

use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::annotated::{Annotated, MOST_FILES, Said};
use super::skipped::short;
use super::{Coco, CocoError, Skipped, layout};
use crate::{Format, Rect};

/// The most that is taken out of an archive, whatever its headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Entries, folders and all.
    pub entries: usize,
    /// Bytes of one picture, unpacked.
    pub picture_bytes: usize,
    /// Bytes of one COCO file, unpacked.
    pub annotation_bytes: usize,
    /// Bytes of all that is unpacked.
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

/// Why an archive is not read, or not read on.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// No zip, or one without its end.
    #[error("the file is not a zip archive, or it is cut off: {0}")]
    NotAZip(String),
    /// More entries than the limit.
    #[error("the archive has {entries} entries; at most {most} are accepted")]
    TooManyEntries {
        /// As the archive announces it.
        entries: usize,
        /// The limit.
        most: usize,
    },
    /// More bytes came out than the limit.
    #[error("more than {most} bytes came out of the archive; at most that many are accepted")]
    TooManyBytes {
        /// The limit.
        most: u64,
    },
    /// A COCO file that cannot be used: its pictures would come without their boxes.
    #[error("{name}: {source}")]
    Coco {
        /// Its path in the archive.
        name: String,
        /// What is wrong with it.
        source: CocoError,
    },
    /// More COCO files than anyone has.
    #[error("the archive has more than {MOST_FILES} COCO files; at most that many are accepted")]
    TooManyCocoFiles,
    /// The archive itself could not be read.
    #[error("the archive cannot be read")]
    Io(#[from] io::Error),
}

/// A picture out of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its path in the archive: slashes forward, never absolute, never out of it.
    pub name: String,
    /// The bytes of a JPEG, PNG or WebP, by their beginning. Whether they can be decoded is not known.
    pub bytes: Vec<u8>,
    /// The class that its folder names; never where a COCO file speaks about the folder.
    pub label: Option<String>,
    /// Labels and boxes of a COCO file, not clipped to the picture.
    pub rects: Vec<(String, Rect)>,
}

/// Where the reading of an archive has come to. In the same archive, with the same limits, it is the same place again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchivePosition {
    /// Entries that are done with.
    pub entries: usize,
    /// Bytes that came out of them.
    pub unpacked: u64,
}

/// A zip of pictures in folders by class, of pictures with COCO files, or of pictures alone.
///
/// An iterator over its pictures, in the order of its directory; it ends after the first error. What is
/// no picture is left out and listed in [`Archive::skipped`]. In memory: the directory, the COCO files' boxes,
/// and one picture.
pub struct Archive<R> {
    reader: Unpacked<R>,
    entries: IntoIter<Named>,
    /// Entries when the reading began, and how many bytes were allowed to come out of them.
    all: ArchivePosition,
    annotated: Annotated,
    top: String,
    skipped: Skipped,
    ended: bool,
}

struct Named {
    name: String,
    entry: ZipFileEntry<'static>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the archive's directory and its COCO files.
    pub fn open(reader: R, limits: &ArchiveLimits) -> Result<Self, ArchiveError> {
        let zip = ZipIterable::try_new(reader, Config::default()).map_err(refused)?;
        if zip.len() > limits.entries {
            return Err(ArchiveError::TooManyEntries { entries: zip.len(), most: limits.entries });
        }
        let mut reader = Unpacked { zip, limits: *limits, left: limits.total_bytes };
        let mut skipped = Skipped::default();
        let (json, pictures): (Vec<_>, Vec<_>) =
            reader.directory(&mut skipped)?.into_iter().partition(|named| layout::is_json(&named.name));
        let mut annotated = Annotated::default();
        for named in json {
            let name = named.name.clone();
            match reader.coco(named)? {
                Ok(_) if annotated.len() == MOST_FILES => return Err(ArchiveError::TooManyCocoFiles),
                Ok(coco) => annotated.add(&name, coco),
                Err(reason) => skipped.note(&name, reason),
            }
        }
        let top = layout::top(&pictures.iter().map(|named| named.name.as_str())).to_owned();
        let all = ArchivePosition { entries: pictures.len(), unpacked: reader.left };
        Ok(Self { reader, entries: pictures.into_iter(), all, annotated, top, skipped, ended: false })
    }

    /// Where the reading has come to: behind the picture that came last, and all that was left out before it.
    pub fn reached(&self) -> ArchivePosition {
        ArchivePosition {
            entries: self.all.entries - self.entries.len(),
            unpacked: self.all.unpacked - self.reader.left,
        }
    }

    /// Goes on at a position that an earlier reading had come to, without unpacking what lies before it.
    pub fn go_on_at(&mut self, position: ArchivePosition) {
        let done = position.entries.saturating_sub(self.reached().entries);
        for named in self.entries.by_ref().take(done) {
            // The COCO files count which of their pictures they have spoken about.
            self.annotated.said(&named.name);
        }
        self.reader.left = self.all.unpacked.saturating_sub(position.unpacked).min(self.reader.left);
    }

    /// Reads one entry: its picture, or `None` if it is left out. Unlike [`next`](Self::next), it returns after each entry,
    /// so that a reader of many entries that are left out can stop in between.
    pub fn next_entry(&mut self) -> Option<Result<Option<Item>, ArchiveError>> {
        if self.ended {
            return None;
        }
        let Some(named) = self.entries.next() else {
            self.ended = true;
            self.annotated.note_missing(&mut self.skipped);
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

    /// What was left out so far.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// The picture of an entry, or why it is left out.
    fn item(&mut self, named: Named) -> Result<Result<Item, String>, ArchiveError> {
        let Named { name, entry } = named;
        let most = self.reader.limits.picture_bytes;
        let bytes = match self.reader.unpack(entry, most, |head| Format::of(head).is_some())? {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        };
        let (label, rects) = match self.annotated.said(&name) {
            Said::Nothing => (layout::class(&name, &self.top), Vec::new()),
            Said::Boxes(rects) => (None, rects),
            Said::Twice(one, other) => return Ok(Err(format!("{one} and {other} both name it"))),
        };
        Ok(Ok(Item { name, bytes, label, rects }))
    }
}

impl<R: Read + Seek> Iterator for Archive<R> {
    type Item = Result<Item, ArchiveError>;

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

/// A zip, and how much more may come out of it.
struct Unpacked<R> {
    zip: ZipIterable<R>,
    limits: ArchiveLimits,
    left: u64,
}

impl<R: Read + Seek> Unpacked<R> {
    /// The entries that may hold something.
    fn directory(&mut self, skipped: &mut Skipped) -> Result<Vec<Named>, ArchiveError> {
        let (mut entries, mut names) = (Vec::new(), HashSet::new());
        for entry in self.zip.files().map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let name = match entry.name() {
                Ok(name) => layout::plain(&name),
                Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
            };
            if entry.is_dir() || name.ends_with('/') {
                continue;
            }
            if let Some(reason) = layout::refusal(&name) {
                skipped.note(&name, reason);
            } else if layout::is_litter(&name) {
            } else if entry.is_symlink() {
                skipped.note(&name, "it is a link");
            } else if entry.encrypted() {
                skipped.note(&name, "it is encrypted");
            } else if !names.insert(name.clone()) {
                skipped.note(&name, "another entry has the same name");
            } else {
                entries.push(Named { name, entry });
            }
        }
        Ok(entries)
    }

    /// What a JSON file says if it is of COCO, or why it is left out.
    fn coco(&mut self, named: Named) -> Result<Result<Coco, String>, ArchiveError> {
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

    /// The bytes of an entry whose first ones are `wanted`, at most `most`; or why they are left out.
    fn unpack(
        &mut self,
        entry: ZipFileEntry<'static>,
        most: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Result<Vec<u8>, String>, ArchiveError> {
        let total = self.limits.total_bytes;
        let reader = self.zip.files().map_err(refused)?.reader_mut();
        let file = match entry.with_reader(reader, ZipReadOptions::new()) {
            Ok(file) => file,
            Err(ZipError::Io(error)) => return left_out(error),
            Err(error) => return Ok(Err(error.to_string())),
        };
        // One more than may be, so that more shows.
        let room = self.left.saturating_add(1);
        let mut file = file.take(room.min(most as u64 + 1));
        let mut bytes = Vec::new();
        let read = file.by_ref().take(16).read_to_end(&mut bytes).and_then(|_| {
            if wanted(&bytes) { file.read_to_end(&mut bytes).map(|_| true) } else { Ok(false) }
        });
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(ArchiveError::TooManyBytes { most: total }),
        }
        match read {
            Err(error) => left_out(error),
            Ok(false) => Ok(Err("it is not a JPEG, PNG or WebP image".into())),
            Ok(true) if bytes.len() > most => Ok(Err(format!("it has more than {most} bytes"))),
            Ok(true) => Ok(Ok(bytes)),
        }
    }
}

/// A broken entry is left out; a disk that cannot be read ends everything.
fn left_out<T>(error: io::Error) -> Result<Result<T, String>, ArchiveError> {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof, Unsupported};
    match error.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof | Unsupported => {
            Ok(Err(format!("it is broken: {error}")))
        }
        _ => Err(ArchiveError::Io(error)),
    }
}

fn refused(error: ZipError) -> ArchiveError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => ArchiveError::Io(error),
        error => ArchiveError::NotAZip(error.to_string()),
    }
}
