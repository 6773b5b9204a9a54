//! Generated images as files that a browser can upload, and archives of them.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::json;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Browser;

pub(super) const RED: [u8; 3] = [200, 40, 50];
pub(super) const BLUE: [u8; 3] = [40, 70, 210];
const SIDE: u32 = 96;

/// A temporary folder with the generated files.
pub(super) struct TestImages {
    folder: TempDir,
}

impl TestImages {
    pub(super) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes `count` images of one color.
    pub(super) fn solid_images(&self, name: &str, colour: [u8; 3], count: usize) -> Vec<PathBuf> {
        (0..count).map(|at| self.file(&format!("{name}-{at}.png"), &image(colour, at))).collect()
    }

    /// Writes an archive with images of two colors in one folder each, and a text file.
    pub(super) fn class_archive(&self) -> PathBuf {
        let mut files = vec![("caps/red/notes.txt".to_owned(), b"no picture".to_vec())];
        for at in 0..3 {
            files.push((format!("caps/red/r{at}.png"), image(RED, at)));
            files.push((format!("caps/blue/b{at}.png"), image(BLUE, at)));
        }
        self.file("caps.zip", &zip_files(&files))
    }

    /// Writes an archive of `count` images with a COCO file that has one box for each image.
    pub(super) fn box_archive(&self, count: usize) -> PathBuf {
        let mut files = Vec::new();
        let (mut images, mut annotations) = (Vec::new(), Vec::new());
        for at in 0..count {
            let name = format!("b{at}.png");
            images.push(json!({ "id": at, "file_name": name, "width": SIDE, "height": SIDE }));
            let bbox = [10 + at % 10 * 4, 12, 40, 30];
            annotations.push(json!({ "id": at, "image_id": at, "category_id": 1, "bbox": bbox }));
            files.push((name, image(BLUE, at)));
        }
        let categories = json!([{ "id": 1, "name": "lid" }]);
        let coco = json!({ "images": images, "annotations": annotations, "categories": categories });
        files.push(("annotations.json".to_owned(), coco.to_string().into_bytes()));
        self.file("boxes.zip", &zip_files(&files))
    }
}

/// An image of about this color, unique by its number.
fn image(colour: [u8; 3], number: usize) -> Vec<u8> {
    let number = u8::try_from(number % 40).unwrap();
    let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let grain = u8::try_from((x * 7 + y * 13) % 16).unwrap() + number;
        Rgb(colour.map(|part| part.saturating_add(grain)))
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn zip_files(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

impl Browser {
    /// Selects files in the file field.
    pub(super) async fn choose_files(&self, files: &[impl AsRef<Path>]) {
        let paths: Vec<_> = files.iter().map(|file| file.as_ref().display().to_string()).collect();
        let field = self.wait_for_element("//input[@type='file']", "the field for files").await;
        field.send_keys(paths.join("\n")).await.unwrap();
    }

    /// Drops files onto the page.
    pub(super) async fn drop_files(&self, files: &[impl AsRef<Path>]) {
        use base64::Engine as _;
        let files: Vec<_> = files
            .iter()
            .map(|file| {
                let bytes = std::fs::read(file).unwrap();
                let name = file.as_ref().file_name().unwrap().to_string_lossy().into_owned();
                json!([name, base64::engine::general_purpose::STANDARD.encode(bytes)])
            })
            .collect();
        let script = "
            const dropped = new DataTransfer();
            for (const [name, text] of arguments[0]) {
                const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                dropped.items.add(new File([bytes], name, { type: 'image/png' }));
            }
            const target = document.querySelector('h1');
            for (const kind of ['dragover', 'drop'])
                target.dispatchEvent(new DragEvent(kind, { dataTransfer: dropped, bubbles: true, cancelable: true }));
            return true;";
        let _: bool = self.run(script, vec![json!(files)]).await;
    }
}
