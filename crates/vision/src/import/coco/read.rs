//! The parts of the COCO JSON that describe labels and boxes. Parsing ignores all other parts.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};

use super::COCO_LIST_MAX;

#[derive(Deserialize)]
pub(super) struct Document {
    pub images: Option<List<Image>>,
    pub categories: Option<List<Category>>,
    pub annotations: Option<List<Annotation>>,
}

#[derive(Deserialize)]
pub(super) struct Image {
    pub id: Id,
    pub file_name: String,
}

#[derive(Deserialize)]
pub(super) struct Category {
    pub id: Id,
    pub name: String,
}

#[derive(Deserialize)]
pub(super) struct Annotation {
    pub image_id: Id,
    pub category_id: Option<Id>,
    pub bbox: Option<Bbox>,
    /// 0 or 1. Some tools write `false`, `true`, or `null`.
    #[serde(default, deserialize_with = "flag")]
    pub iscrowd: bool,
}

/// An integer ID. `7` and `7.0` are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(i128);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Integer;
        impl Visitor<'_> for Integer {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer as id")
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Id, E> {
                Ok(Id(value.into()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Id, E> {
                Ok(Id(value.into()))
            }
            #[expect(clippy::cast_possible_truncation, reason = "whole, and within i128")]
            fn visit_f64<E: Error>(self, value: f64) -> Result<Id, E> {
                if value.fract() == 0.0 && value.abs() < 1e30 {
                    return Ok(Id(value as i128));
                }
                Err(E::invalid_value(Unexpected::Float(value), &self))
            }
        }
        from.deserialize_any(Integer)
    }
}

/// Four numbers. Some tools write an empty list for an annotation without a box.
pub(super) struct Bbox(Vec<f64>);

impl Bbox {
    pub fn numbers(&self) -> Option<&[f64; 4]> {
        self.0.as_slice().try_into().ok()
    }
}

impl<'de> Deserialize<'de> for Bbox {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(limited_list(from, 4, "at most four numbers: left, top, width, height")?))
    }
}

/// A list with a maximum length. Parsing stops at the limit, before the list fills the memory.
pub(super) struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(limited_list(from, COCO_LIST_MAX, "a list of at most 1,000,000")?))
    }
}

fn limited_list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
    most: usize,
    expected: &'static str,
) -> Result<Vec<T>, D::Error> {
    struct Elements<T>(usize, &'static str, PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.1)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = elements.next_element()? {
                if list.len() == self.0 {
                    return Err(A::Error::invalid_length(self.0 + 1, &self));
                }
                list.push(element);
            }
            Ok(list)
        }
    }
    from.deserialize_seq(Elements(most, expected, PhantomData))
}

fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "0, 1, false or true")]
    enum Flag {
        Bool(bool),
        Number(f64),
    }
    Ok(match Option::<Flag>::deserialize(from)? {
        None => false,
        Some(Flag::Bool(set)) => set,
        Some(Flag::Number(number)) => number != 0.0,
    })
}
