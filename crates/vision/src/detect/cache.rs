//! Caches the feature maps of all images in 16 bits, in memory up to a limit and in a file beyond.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Array2;

use super::half::{from_half, to_half};
use super::net::Levels;

/// Both views of each image, in the order in which they were added.
pub(super) struct FeatureCache {
    shapes: [(usize, usize); 3],
    /// The most bytes in memory.
    memory: usize,
    folder: Option<PathBuf>,
    in_memory: Vec<Box<[u16]>>,
    spill: Option<SpillFile>,
    count: usize,
}

impl FeatureCache {
    /// `channels` has the channels of each map. The finest map has `cells × cells` cells.
    pub(super) fn new(channels: [usize; 3], cells: usize, memory: usize, folder: Option<&Path>) -> Self {
        let sides = [cells, cells / 2, cells / 4];
        let shapes = std::array::from_fn(|level| (channels[level], sides[level] * sides[level]));
        let folder = folder.map(Path::to_path_buf);
        Self { shapes, memory, folder, in_memory: Vec::new(), spill: None, count: 0 }
    }

    /// Adds both views of an image, one behind the other. Returns the index of the image.
    pub(super) fn push(&mut self, views: Box<[u16]>) -> io::Result<usize> {
        let full = (self.in_memory.len() + 1) * size_of_val(&*views) > self.memory;
        match &self.folder {
            Some(folder) if full => {
                let spill = match &mut self.spill {
                    Some(spill) => spill,
                    none => none.insert(SpillFile::new(folder)?),
                };
                spill.append(&views)?;
            }
            _ => self.in_memory.push(views),
        }
        self.count += 1;
        Ok(self.count - 1)
    }

    /// Returns view 0 or 1 of an image.
    pub(super) fn read_levels(&self, number: usize, view: usize) -> io::Result<Levels> {
        let length: usize = self.shapes.iter().map(|(channels, cells)| channels * cells).sum();
        match self.in_memory.get(number) {
            Some(views) => self.to_levels(views.get(view * length..).unwrap_or_default().iter().copied()),
            None => {
                let spill = self.spill.as_ref().ok_or(ErrorKind::NotFound)?;
                let at = 2 * (number - self.in_memory.len()) + view;
                let bytes = spill.read((at * length * 2) as u64, length * 2)?;
                self.to_levels(bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)))
            }
        }
    }

    fn to_levels(&self, mut halves: impl Iterator<Item = u16>) -> io::Result<Levels> {
        let mut level = |(channels, cells): (usize, usize)| {
            let numbers = halves.by_ref().take(channels * cells).map(from_half).collect();
            Array2::from_shape_vec((channels, cells), numbers).map_err(io::Error::other)
        };
        let [c3, c4, c5] = self.shapes;
        Ok([level(c3)?, level(c4)?, level(c5)?])
    }
}

/// Converts both views of an image to 16 bits.
pub(super) fn to_halves(views: &[Levels; 2]) -> Box<[u16]> {
    views.iter().flatten().flatten().map(|number| to_half(*number)).collect()
}

/// A temporary file. It is removed on drop and, on most systems, when the process is killed.
struct SpillFile {
    file: Mutex<File>,
    /// The path to remove on drop, if the system can't remove a file while it is open.
    remove_on_drop: Option<PathBuf>,
}

impl SpillFile {
    fn new(folder: &Path) -> io::Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let process = std::process::id();
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("keyrack-features-{process}-{number}"));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let remove_on_drop = fs::remove_file(&path).is_err().then_some(path);
                    return Ok(Self { file: Mutex::new(file), remove_on_drop });
                }
                // A killed process with the same ID left this file behind.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn append(&self, halves: &[u16]) -> io::Result<()> {
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        let mut file = self.file.lock().map_err(|_| ErrorKind::Other)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&bytes)
    }

    fn read(&self, from: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut file = self.file.lock().map_err(|_| ErrorKind::Other)?;
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        if let Some(path) = &self.remove_on_drop {
            // There is no caller to return an error to. The name shows what the file was for.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spilled_features_read_back_and_the_file_is_removed() {
        let folder = std::env::temp_dir().join(format!("keyrack-spill-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let view = |start: u16| -> Levels {
            [(2, 16), (3, 4), (1, 1)].map(|shape| {
                Array2::from_shape_fn(shape, |(a, b)| {
                    f32::from(start) + f32::from(u8::try_from(a * 20 + b).unwrap())
                })
            })
        };
        // The memory holds two of five images.
        let mut cache = FeatureCache::new([2, 3, 1], 4, 2 * 2 * 45 * 2, Some(&folder));
        for number in 0..5u16 {
            let views = [view(number * 100), view(number * 100 + 50)];
            assert_eq!(cache.push(to_halves(&views)).unwrap(), usize::from(number));
        }
        assert_eq!(cache.in_memory.len(), 2);
        for number in 0..5u16 {
            assert_eq!(cache.read_levels(number.into(), 0).unwrap(), view(number * 100));
            assert_eq!(cache.read_levels(number.into(), 1).unwrap(), view(number * 100 + 50));
        }
        assert!(cache.read_levels(5, 0).is_err());
        drop(cache);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn cache_without_folder_stays_in_memory() {
        let mut cache = FeatureCache::new([1, 1, 1], 4, 0, None);
        let view = [(1, 16), (1, 4), (1, 1)].map(Array2::ones);
        cache.push(to_halves(&[view.clone(), view.clone()])).unwrap();
        assert_eq!(cache.read_levels(0, 1).unwrap(), view);
    }
}
