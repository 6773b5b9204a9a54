//! Which COCO file of an archive speaks about which picture.

use super::skipped::short;
use super::{Coco, Skipped};
use crate::Rect;

/// More COCO files in one archive than these are refused.
pub(super) const MOST_FILES: usize = 64;

/// The COCO files of an archive.
#[derive(Default)]
pub(super) struct Annotated {
    files: Vec<File>,
}

struct File {
    /// Where it is.
    path: String,
    /// The folder that it speaks about, with its slash: its own, or the one around `annotations/`.
    scope: String,
    /// `train2017` of `annotations/instances_train2017.json`: the folder of its pictures, for COCO itself.
    split: String,
    coco: Coco,
    /// Pictures that were found.
    found: usize,
}

/// What the COCO files say about a picture.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// No file speaks about its folder.
    Nothing,
    /// These are its boxes; none, too, where a file speaks about its folder and not about itself.
    Boxes(Vec<(String, Rect)>),
    /// Two files speak about it, and neither is nearer.
    Twice(String, String),
}

impl Annotated {
    pub fn add(&mut self, path: &str, coco: Coco) {
        let folder = path.rfind('/').map_or("", |slash| &path[..=slash]);
        let scope = folder.strip_suffix("annotations/").unwrap_or(folder);
        let name = path[folder.len()..].rsplit_once('.').map_or("", |(stem, _)| stem);
        let split = name.rsplit_once('_').map_or("", |(_, split)| split);
        let (path, scope, split) = (path.to_owned(), scope.to_owned(), split.to_owned());
        self.files.push(File { path, scope, split, coco, found: 0 });
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// The nearest file that knows the picture: the whole path before a part of it, the deeper folder before
    /// the one around it, the file that is named after the picture's folder before the others.
    pub fn said(&mut self, picture: &str) -> Said {
        let near =
            |file: &File| file.known_as(picture).map(|name| (name.len(), file.is_about_folder_of(picture)));
        let best = self.files.iter().filter_map(|file| near(file).map(|rank| (rank, file.scope.len()))).max();
        let Some(((length, named), depth)) = best else {
            let covered = self.files.iter().any(|file| picture.starts_with(&file.scope));
            return if covered { Said::Boxes(Vec::new()) } else { Said::Nothing };
        };
        let is_best = |file: &File| near(file) == Some((length, named)) && file.scope.len() == depth;
        let best: Vec<usize> = (0..self.files.len()).filter(|at| is_best(&self.files[*at])).collect();
        if let [one, other, ..] = best[..] {
            return Said::Twice(short(&self.files[one].path), short(&self.files[other].path));
        }
        let file = &mut self.files[best[0]];
        file.found += 1;
        Said::Boxes(file.coco.boxes(&picture[picture.len() - length..]).unwrap_or_default())
    }

    /// Names the files whose pictures are not all there.
    pub fn note_missing(&self, skipped: &mut Skipped) {
        for file in self.files.iter().filter(|file| file.found < file.coco.len()) {
            let missing = file.coco.len() - file.found;
            let reason = format!(
                "{missing} of the {} pictures that it names were not taken from here",
                file.coco.len()
            );
            skipped.note(&file.path, reason);
        }
    }
}

impl File {
    /// The longest end of a picture's path that this file has a name for.
    fn known_as<'a>(&self, picture: &'a str) -> Option<&'a str> {
        let mut rest = picture.strip_prefix(self.scope.as_str())?;
        loop {
            if self.coco.knows(rest) {
                return Some(rest);
            }
            rest = rest.split_once('/')?.1;
        }
    }

    fn is_about_folder_of(&self, picture: &str) -> bool {
        !self.split.is_empty() && picture.rsplit('/').skip(1).any(|folder| folder == self.split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file about these pictures, whose one box has this label.
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

    fn label(said: Said) -> Option<String> {
        match said {
            Said::Boxes(boxes) => Some(boxes.into_iter().next().map(|(label, _)| label).unwrap_or_default()),
            Said::Nothing => None,
            Said::Twice(one, other) => Some(format!("{one} and {other}")),
        }
    }

    #[test]
    fn the_nearest_file_speaks() {
        let mut annotated = Annotated::default();
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
            assert_eq!(label(annotated.said(picture)).as_deref(), expected, "{picture}");
        }
        let mut skipped = Skipped::default();
        annotated.note_missing(&mut skipped);
        assert_eq!(skipped.count(), 2);
    }

    #[test]
    fn the_files_of_coco_itself_are_told_apart_by_their_names() {
        let mut annotated = Annotated::default();
        annotated.add("annotations/instances_train2017.json", coco("train", &["1.jpg"]));
        annotated.add("annotations/instances_val2017.json", coco("val", &["1.jpg"]));
        assert_eq!(label(annotated.said("val2017/1.jpg")).as_deref(), Some("val"));
        assert_eq!(label(annotated.said("images/train2017/1.jpg")).as_deref(), Some("train"));
        assert!(matches!(annotated.said("images/1.jpg"), Said::Twice(..)));
    }
}
