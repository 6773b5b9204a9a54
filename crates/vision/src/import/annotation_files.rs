//! Finds the COCO file of an archive that describes an image.

use super::skipped::short;
use super::{Coco, SkippedFiles};
use crate::Rect;

/// The most COCO files of an archive.
pub(super) const ANNOTATION_FILES_MAX: usize = 64;

/// The COCO files of an archive.
#[derive(Default)]
pub(super) struct AnnotationFiles {
    files: Vec<AnnotationFile>,
}

struct AnnotationFile {
    /// The file's path in the archive.
    path: String,
    /// The folder that the file describes, with a trailing slash: its own, or the one around `annotations/`.
    scope: String,
    /// The name of the folder with the file's images, such as `train2017` for `annotations/instances_train2017.json`.
    split: String,
    coco: Coco,
    /// The number of this file's images that the archive contains.
    found: usize,
}

/// What the COCO files contain about an image.
#[derive(Debug, PartialEq)]
pub(super) enum AnnotationMatch {
    /// No file describes the image's folder.
    NoFile,
    /// The labels and boxes of the image. Empty if a file describes the folder but not the image.
    Boxes(Vec<(String, Rect)>),
    /// Two files describe the image, and neither is closer. Holds both paths.
    Ambiguous(String, String),
}

impl AnnotationFiles {
    pub fn add(&mut self, path: &str, coco: Coco) {
        let folder = path.rfind('/').map_or("", |slash| &path[..=slash]);
        let scope = folder.strip_suffix("annotations/").unwrap_or(folder);
        let name = path[folder.len()..].rsplit_once('.').map_or("", |(stem, _)| stem);
        let split = name.rsplit_once('_').map_or("", |(_, split)| split);
        let (path, scope, split) = (path.to_owned(), scope.to_owned(), split.to_owned());
        self.files.push(AnnotationFile { path, scope, split, coco, found: 0 });
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Finds the closest file that describes the image. A match of more of the path wins, then a deeper folder, then
    /// the file that is named after the image's folder.
    pub fn find(&mut self, picture: &str) -> AnnotationMatch {
        let near = |file: &AnnotationFile| {
            file.longest_match(picture).map(|name| (name.len(), file.is_named_after_folder_of(picture)))
        };
        let best = self.files.iter().filter_map(|file| near(file).map(|rank| (rank, file.scope.len()))).max();
        let Some(((length, entry), depth)) = best else {
            let is_described = self.files.iter().any(|file| picture.starts_with(&file.scope));
            return if is_described { AnnotationMatch::Boxes(Vec::new()) } else { AnnotationMatch::NoFile };
        };
        let is_best =
            |file: &AnnotationFile| near(file) == Some((length, entry)) && file.scope.len() == depth;
        let best: Vec<usize> = (0..self.files.len()).filter(|at| is_best(&self.files[*at])).collect();
        if let [one, other, ..] = best[..] {
            return AnnotationMatch::Ambiguous(short(&self.files[one].path), short(&self.files[other].path));
        }
        let file = &mut self.files[best[0]];
        file.found += 1;
        AnnotationMatch::Boxes(file.coco.boxes(&picture[picture.len() - length..]).unwrap_or_default())
    }

    /// Adds to `skipped` each file that describes images which the archive doesn't contain.
    pub fn note_missing(&self, skipped: &mut SkippedFiles) {
        for file in self.files.iter().filter(|file| file.found < file.coco.len()) {
            let missing = file.coco.len() - file.found;
            let reason = format!(
                "Images that this file describes but that weren't imported: {missing} of {}.",
                file.coco.len()
            );
            skipped.note(&file.path, reason);
        }
    }
}

impl AnnotationFile {
    /// Returns the longest suffix of the image's path that this file describes.
    fn longest_match<'a>(&self, picture: &'a str) -> Option<&'a str> {
        let mut rest = picture.strip_prefix(self.scope.as_str())?;
        loop {
            if self.coco.contains(rest) {
                return Some(rest);
            }
            rest = rest.split_once('/')?.1;
        }
    }

    fn is_named_after_folder_of(&self, picture: &str) -> bool {
        !self.split.is_empty() && picture.rsplit('/').skip(1).any(|folder| folder == self.split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A COCO file with these images, each with one box of this label.
    fn coco(label: &str, names: &[&str]) -> Coco {
        let list = |each: &dyn Fn((usize, &&str)) -> String| {
            names.iter().enumerate().map(each).collect::<Vec<_>>().join(",")
        };
        let images = list(&|(id, name)| format!(r#"{{"id": {id}, "file_name": "{name}"}}"#));
        let boxes =
            list(&|(id, _)| format!(r#"{{"image_id": {id}, "category_id": 0, "bbox": [0, 0, 1, 1]}}"#));
        let json = format!(
            r#"{{"images": [{images}], "annotations": [{boxes}], "categories": [{{"id": 0, "name": "{label}"}}]}}"#
        );
        Coco::parse(json.as_bytes(), usize::MAX).unwrap_or_default()
    }

    fn label(found: AnnotationMatch) -> Option<String> {
        match found {
            AnnotationMatch::Boxes(boxes) => {
                Some(boxes.into_iter().next().map(|(label, _)| label).unwrap_or_default())
            }
            AnnotationMatch::NoFile => None,
            AnnotationMatch::Ambiguous(one, other) => Some(format!("{one} and {other}")),
        }
    }

    #[test]
    fn closest_file_describes_the_image() {
        let mut annotated = AnnotationFiles::default();
        annotated.add("x/train/_annotations.coco.json", coco("train", &["1.jpg", "2.jpg"]));
        annotated.add("x/valid/_annotations.coco.json", coco("valid", &["1.jpg"]));
        annotated.add("x/all.json", coco("all", &["other/1.jpg", "test/1.jpg", "gone.jpg"]));
        for (picture, expected) in [
            ("x/train/1.jpg", Some("train")),
            ("x/valid/1.jpg", Some("valid")),
            ("x/test/1.jpg", Some("all")),
            ("x/valid/2.jpg", Some("")),
            ("y/1.jpg", None),
        ] {
            assert_eq!(label(annotated.find(picture)).as_deref(), expected, "{picture}");
        }
        let mut skipped = SkippedFiles::default();
        annotated.note_missing(&mut skipped);
        assert_eq!(skipped.count(), 2);
    }

    #[test]
    fn files_of_the_coco_dataset_are_matched_by_name() {
        let mut annotated = AnnotationFiles::default();
        annotated.add("annotations/instances_train2017.json", coco("train", &["1.jpg"]));
        annotated.add("annotations/instances_val2017.json", coco("val", &["1.jpg"]));
        assert_eq!(label(annotated.find("val2017/1.jpg")).as_deref(), Some("val"));
        assert_eq!(label(annotated.find("images/train2017/1.jpg")).as_deref(), Some("train"));
        assert!(matches!(annotated.find("images/1.jpg"), AnnotationMatch::Ambiguous(..)));
    }
}
