//! Boxes in the JSON of COCO (cocodataset.org, "Data format"): which picture has which, by file name.

mod read;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::layout;
use super::skipped::short;
use crate::{Rect, RectError, clip};
use read::{Annotation, Bbox, Category, Document, Id, Image};

/// More images, categories or annotations than these in one file are refused.
pub const MOST_ANNOTATIONS: usize = 1_000_000;

/// What a COCO file says, by the file names of its images. Regions that are marked `iscrowd` are left out:
/// their box is about many things at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coco {
    labels: Vec<String>,
    files: HashMap<String, Vec<(usize, Rect)>>,
}

/// Why some bytes are not boxes.
#[derive(Debug, thiserror::Error)]
pub enum CocoError {
    /// More bytes than the caller takes.
    #[error("the file has {bytes} bytes; at most {most} are accepted")]
    TooManyBytes {
        /// Of this file.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// JSON of another kind, or none.
    #[error("a COCO file is a JSON object with images, categories and annotations")]
    NotCoco,
    /// No JSON, or a value of another type than COCO's; says the line and the column.
    #[error("the COCO file cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A value that does not fit the others.
    #[error("{at}: {problem}")]
    Value {
        /// Where, as in `annotations[17].bbox`.
        at: String,
        /// What is there, and what was expected.
        problem: String,
    },
}

impl CocoError {
    /// A refusal of one value: the list it stands in, its place there, the field.
    fn at(list: &str, index: usize, field: &str, problem: impl Into<String>) -> Self {
        Self::Value { at: format!("{list}[{index}].{field}"), problem: problem.into() }
    }
}

impl Coco {
    /// Reads a COCO file of at most `most` bytes.
    pub fn parse(bytes: &[u8], most: usize) -> Result<Self, CocoError> {
        if bytes.len() > most {
            return Err(CocoError::TooManyBytes { bytes: bytes.len(), most });
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(CocoError::NotCoco);
        }
        let document: Document = serde_json::from_slice(bytes)?;
        let (Some(images), Some(annotations)) = (document.images, document.annotations) else {
            return Err(CocoError::NotCoco);
        };
        let (labels, by_category) = categories(document.categories.unwrap_or_default().0)?;
        let mut boxes =
            Boxes { by_image: pictures(&images.0)?, by_category, found: vec![Vec::new(); images.0.len()] };
        for (index, annotation) in annotations.0.iter().enumerate() {
            boxes.add(index, annotation)?;
        }
        let names = images.0.into_iter().map(|image| layout::plain(&image.file_name));
        Ok(Self { labels, files: names.zip(boxes.found).collect() })
    }

    /// The boxes of a file, with their labels and in the order of the COCO file; not clipped to its picture.
    /// `None` where the file is not among the images.
    pub fn boxes(&self, file_name: &str) -> Option<Vec<(String, Rect)>> {
        let boxes = self.files.get(file_name)?;
        Some(boxes.iter().map(|(label, rect)| (self.labels[*label].clone(), *rect)).collect())
    }

    pub(super) fn knows(&self, file_name: &str) -> bool {
        self.files.contains_key(file_name)
    }

    /// The file names of its images: slashes forward, no `./` before them; in no order.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// How many images it names.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The labels, and which of them a category means: two categories of one name are one label.
fn categories(list: Vec<Category>) -> Result<(Vec<String>, HashMap<Id, usize>), CocoError> {
    let (mut labels, mut by_name, mut by_id) = (Vec::new(), HashMap::new(), HashMap::new());
    for (index, Category { id, name }) in list.into_iter().enumerate() {
        let label = *by_name.entry(name).or_insert_with_key(|name: &String| {
            labels.push(name.clone());
            labels.len() - 1
        });
        if by_id.insert(id, label).is_some() {
            return Err(CocoError::at("categories", index, "id", format!("{id} is there twice")));
        }
    }
    Ok((labels, by_id))
}

/// Which image an id means. Neither an id nor a file name may be there twice.
fn pictures(images: &[Image]) -> Result<HashMap<Id, usize>, CocoError> {
    let (mut by_id, mut by_name) = (HashMap::new(), HashMap::new());
    for (index, image) in images.iter().enumerate() {
        if by_id.insert(image.id, index).is_some() {
            return Err(CocoError::at("images", index, "id", format!("{} is there twice", image.id)));
        }
        let name = layout::plain(&image.file_name);
        if name.is_empty() {
            return Err(CocoError::at(
                "images",
                index,
                "file_name",
                "it is empty; a file's name is expected",
            ));
        }
        match by_name.entry(name) {
            Entry::Vacant(free) => free.insert(index),
            Entry::Occupied(other) => {
                let problem = format!("{:?} is also the name of images[{}]", short(other.key()), other.get());
                return Err(CocoError::at("images", index, "file_name", problem));
            }
        };
    }
    Ok(by_id)
}

struct Boxes {
    by_image: HashMap<Id, usize>,
    by_category: HashMap<Id, usize>,
    /// By the place of an image in its list.
    found: Vec<Vec<(usize, Rect)>>,
}

impl Boxes {
    fn add(&mut self, index: usize, annotation: &Annotation) -> Result<(), CocoError> {
        let refused = |field, problem: String| CocoError::at("annotations", index, field, problem);
        let image = annotation.image_id;
        let Some(&image) = self.by_image.get(&image) else {
            return Err(refused("image_id", format!("no image has the id {image}")));
        };
        if annotation.iscrowd {
            return Ok(());
        }
        let Some(category) = annotation.category_id else {
            return Err(refused("category_id", "it is missing; the id of a category is expected".into()));
        };
        let Some(&label) = self.by_category.get(&category) else {
            return Err(refused("category_id", format!("no category has the id {category}")));
        };
        let Some(&[left, top, width, height]) = annotation.bbox.as_ref().and_then(Bbox::numbers) else {
            return Err(refused("bbox", "four numbers are expected: left, top, width, height".into()));
        };
        let rect = Rect { left, top, width, height };
        // The picture's size is not known here; whether these are four numbers of a box is.
        clip(rect, 1, 1).map_err(|error: RectError| refused("bbox", error.to_string()))?;
        self.found[image].push((label, rect));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
