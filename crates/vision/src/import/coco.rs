//! Parses boxes from a COCO file (cocodataset.org, "Data format").

mod read;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::layout;
use super::skipped::short;
use crate::{Rect, RectError, clip};
use read::{Annotation, Bbox, Category, Document, Id, Image};

/// The most images, categories, or annotations of a COCO file, each.
pub const COCO_LIST_MAX: usize = 1_000_000;

/// The labels and boxes of a COCO file, by image file name. Leaves out regions marked `iscrowd`, whose
/// boxes cover several objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coco {
    labels: Vec<String>,
    files: HashMap<String, Vec<(usize, Rect)>>,
}

/// Why a COCO file is invalid.
#[derive(Debug, thiserror::Error)]
pub enum CocoError {
    /// The file has more bytes than the limit.
    #[error("The file has {bytes} bytes. Use {most} or fewer.")]
    TooManyBytes { bytes: usize, most: usize },
    /// The file isn't a JSON object with images and annotations.
    #[error("This isn't a COCO file: a JSON object with images, categories, and annotations.")]
    NotCoco,
    /// The file isn't JSON, or a value has the wrong type. The message has the line and column.
    #[error("The COCO file can't be read ({0}).")]
    Json(#[from] serde_json::Error),
    /// A value contradicts the others.
    #[error("{at}: {problem}")]
    Value {
        /// The path of the value, such as `annotations[17].bbox`.
        at: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
}

impl CocoError {
    /// An error about a field of a list's element.
    fn at(list: &str, index: usize, field: &str, problem: impl Into<String>) -> Self {
        Self::Value { at: format!("{list}[{index}].{field}"), problem: problem.into() }
    }
}

impl Coco {
    /// Parses a COCO file of at most `most` bytes.
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
        let mut boxes = BoxCollector {
            by_image: pictures(&images.0)?,
            by_category,
            found: vec![Vec::new(); images.0.len()],
        };
        for (index, annotation) in annotations.0.iter().enumerate() {
            boxes.add(index, annotation)?;
        }
        let names = images.0.into_iter().map(|image| layout::normalize(&image.file_name));
        Ok(Self { labels, files: names.zip(boxes.found).collect() })
    }

    /// Returns the labels and boxes of an image, in the file's order and not clipped to the image. Returns `None` if
    /// the file doesn't list the image.
    pub fn boxes(&self, file_name: &str) -> Option<Vec<(String, Rect)>> {
        let boxes = self.files.get(file_name)?;
        Some(boxes.iter().map(|(label, rect)| (self.labels[*label].clone(), *rect)).collect())
    }

    pub(super) fn contains(&self, file_name: &str) -> bool {
        self.files.contains_key(file_name)
    }

    /// The file names of the images, in no particular order. They have forward slashes and no leading `./`.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether the file lists no images.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Returns the labels, and the label index of each category ID. Categories with the same name share a label.
fn categories(list: Vec<Category>) -> Result<(Vec<String>, HashMap<Id, usize>), CocoError> {
    let (mut labels, mut by_name, mut by_id) = (Vec::new(), HashMap::new(), HashMap::new());
    for (index, Category { id, name }) in list.into_iter().enumerate() {
        let label = *by_name.entry(name).or_insert_with_key(|name: &String| {
            labels.push(name.clone());
            labels.len() - 1
        });
        if by_id.insert(id, label).is_some() {
            return Err(CocoError::at("categories", index, "id", format!("The ID {id} is used twice.")));
        }
    }
    Ok((labels, by_id))
}

/// Returns the index of each image ID. Returns an error if an ID or a file name occurs twice.
fn pictures(images: &[Image]) -> Result<HashMap<Id, usize>, CocoError> {
    let (mut by_id, mut by_name) = (HashMap::new(), HashMap::new());
    for (index, image) in images.iter().enumerate() {
        if by_id.insert(image.id, index).is_some() {
            return Err(CocoError::at("images", index, "id", format!("The ID {} is used twice.", image.id)));
        }
        let name = layout::normalize(&image.file_name);
        if name.is_empty() {
            return Err(CocoError::at("images", index, "file_name", "The file name is empty."));
        }
        match by_name.entry(name) {
            Entry::Vacant(free) => free.insert(index),
            Entry::Occupied(other) => {
                let problem =
                    format!("{:?} is also the name of images[{}].", short(other.key()), other.get());
                return Err(CocoError::at("images", index, "file_name", problem));
            }
        };
    }
    Ok(by_id)
}

struct BoxCollector {
    by_image: HashMap<Id, usize>,
    by_category: HashMap<Id, usize>,
    /// The boxes of each image, by the image's index.
    found: Vec<Vec<(usize, Rect)>>,
}

impl BoxCollector {
    fn add(&mut self, index: usize, annotation: &Annotation) -> Result<(), CocoError> {
        let value_error = |field, problem: String| CocoError::at("annotations", index, field, problem);
        let image = annotation.image_id;
        let Some(&image) = self.by_image.get(&image) else {
            return Err(value_error("image_id", format!("No image has the ID {image}.")));
        };
        if annotation.iscrowd {
            return Ok(());
        }
        let Some(category) = annotation.category_id else {
            return Err(value_error("category_id", "The ID of a category is missing.".into()));
        };
        let Some(&label) = self.by_category.get(&category) else {
            return Err(value_error("category_id", format!("No category has the ID {category}.")));
        };
        let Some(&[left, top, width, height]) = annotation.bbox.as_ref().and_then(Bbox::numbers) else {
            return Err(value_error("bbox", "Use four numbers: left, top, width, height.".into()));
        };
        let rect = Rect { left, top, width, height };
        // The image's size isn't known here, so this only checks that the four numbers form a box.
        clip(rect, 1, 1).map_err(|error: RectError| value_error("bbox", error.to_string()))?;
        self.found[image].push((label, rect));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
