//! The maps of all pictures, in 16 bits: in memory as far as that goes, and the rest in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Array2;

use super::half::{narrow, widen};
use super::net::Levels;

/// Both views of pictures, by the order in which they came.
pub(super) struct Cache {
    shapes: [(usize, usize); 3],
    /// Bytes that memory may take.
    memory: usize,
    folder: Option<PathBuf>,
    here: Vec<Box<[u16]>>,
    spill: Option<Spill>,
    count: usize,
}

impl Cache {
    /// For maps of that many channels, the finest with `cells × cells`.
    pub(super) fn new(channels: [usize; 3], cells: usize, memory: usize, folder: Option<&Path>) -> Self {
        let sides = [cells, cells / 2, cells / 4];
        let shapes = std::array::from_fn(|level| (channels[level], sides[level] * sides[level]));
        let folder = folder.map(Path::to_path_buf);
        Self { shapes, memory, folder, here: Vec::new(), spill: None, count: 0 }
    }

    /// Keeps both views of a picture, one behind the other; under what number.
    pub(super) fn keep(&mut self, views: Box<[u16]>) -> io::Result<usize> {
        let full = (self.here.len() + 1) * size_of_val(&*views) > self.memory;
        match &self.folder {
            Some(folder) if full => {
                let spill = match &mut self.spill {
                    Some(spill) => spill,
                    none => none.insert(Spill::new(folder)?),
                };
                spill.append(&views)?;
            }
            _ => self.here.push(views),
        }
        self.count += 1;
        Ok(self.count - 1)
    }

    /// View 0 or 1 of a picture.
    pub(super) fn levels(&self, number: usize, view: usize) -> io::Result<Levels> {
        let length: usize = self.shapes.iter().map(|(channels, cells)| channels * cells).sum();
        match self.here.get(number) {
            Some(views) => self.widened(views.get(view * length..).unwrap_or_default().iter().copied()),
            None => {
                let spill = self.spill.as_ref().ok_or(ErrorKind::NotFound)?;
                let at = 2 * (number - self.here.len()) + view;
                let bytes = spill.read((at * length * 2) as u64, length * 2)?;
                self.widened(bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)))
            }
        }
    }

    fn widened(&self, mut halves: impl Iterator<Item = u16>) -> io::Result<Levels> {
        let mut level = |(channels, cells): (usize, usize)| {
            let numbers = halves.by_ref().take(channels * cells).map(widen).collect();
            Array2::from_shape_vec((channels, cells), numbers).map_err(io::Error::other)
        };
        let [c3, c4, c5] = self.shapes;
        Ok([level(c3)?, level(c4)?, level(c5)?])
    }
}

/// Both views of a picture in 16 bits.
pub(super) fn narrowed(views: &[Levels; 2]) -> Box<[u16]> {
    views.iter().flatten().flatten().map(|number| narrow(*number)).collect()
}

/// A file that is gone when it is dropped, and on most systems when the process is killed.
struct Spill {
    file: Mutex<File>,
    /// Where it could not be removed while it is open.
    left: Option<PathBuf>,
}

impl Spill {
    fn new(folder: &Path) -> io::Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let process = std::process::id();
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("keyrack-features-{process}-{number}"));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let left = fs::remove_file(&path).is_err().then_some(path);
                    return Ok(Self { file: Mutex::new(file), left });
                }
                // A process with the same number was killed where open files cannot be removed.
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

impl Drop for Spill {
    fn drop(&mut self) {
        if let Some(path) = &self.left {
            // Nobody is left to tell; the name says what the file was.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spilled_comes_back_and_leaves_nothing_behind() {
        let folder = std::env::temp_dir().join(format!("keyrack-spill-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let view = |start: u16| -> Levels {
            [(2, 16), (3, 4), (1, 1)].map(|shape| {
                Array2::from_shape_fn(shape, |(a, b)| {
                    f32::from(start) + f32::from(u8::try_from(a * 20 + b).unwrap())
                })
            })
        };
        // Room for two of five.
        let mut cache = Cache::new([2, 3, 1], 4, 2 * 2 * 45 * 2, Some(&folder));
        for number in 0..5u16 {
            let views = [view(number * 100), view(number * 100 + 50)];
            assert_eq!(cache.keep(narrowed(&views)).unwrap(), usize::from(number));
        }
        assert_eq!(cache.here.len(), 2);
        for number in 0..5u16 {
            assert_eq!(cache.levels(number.into(), 0).unwrap(), view(number * 100));
            assert_eq!(cache.levels(number.into(), 1).unwrap(), view(number * 100 + 50));
        }
        assert!(cache.levels(5, 0).is_err());
        drop(cache);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn without_a_folder_all_stays_in_memory() {
        let mut cache = Cache::new([1, 1, 1], 4, 0, None);
        let view = [(1, 16), (1, 4), (1, 1)].map(Array2::ones);
        cache.keep(narrowed(&[view.clone(), view.clone()])).unwrap();
        assert_eq!(cache.levels(0, 1).unwrap(), view);
    }
}
