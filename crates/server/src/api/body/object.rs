//! Deserialization of JSON objects only. Serde also deserializes a struct from a list of its fields in order, so that an empty
//! list in place of a key's restrictions would mean no restrictions.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A value that was deserialized from a JSON object.
pub(super) struct JsonObject<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for JsonObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = JsonObject<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<JsonObject<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(JsonObject)
    }
}

/// Deserializes an object or null. With `#[serde(default)]`, the field may also be missing.
pub fn object_if_any<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    field: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<JsonObject<T>>::deserialize(field)?.map(|JsonObject(value)| value))
}

/// Deserializes an object.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<T, D::Error> {
    JsonObject::deserialize(field).map(|JsonObject(value)| value)
}

/// Deserializes a list of objects or null. With `#[serde(default)]`, the field may also be missing.
pub fn objects_if_any<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    field: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let list = Option::<Vec<JsonObject<T>>>::deserialize(field)?;
    Ok(list.map(|list| list.into_iter().map(|JsonObject(value)| value).collect()))
}

/// Deserializes a list of objects.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::<JsonObject<T>>::deserialize(field)?;
    Ok(list.into_iter().map(|JsonObject(value)| value).collect())
}

/// Deserializes a field that may be null. With `#[serde(default)]`, a missing field is `None`, and null is `Some(None)`.
pub fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    field: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(field).map(Some)
}
