//! Typed identifiers. The type and the text of an id both name its kind, so that ids cannot be confused.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use rand_core::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::Timestamp;

/// The kind of thing that an [`Id`] identifies. Implemented by marker types.
pub trait Kind {
    /// The prefix of the text, three letters, without the underscore.
    const PREFIX: &'static str;
}

/// A UUIDv7 (RFC 9562) with a kind, written as `key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f`. A double click selects
/// the whole text. Ids sort by the time of their creation.
///
/// # Examples
///
/// ```
/// use keyrack_key::{KeyId, ProjectId};
///
/// let text = "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
/// assert_eq!(text.parse::<KeyId>()?.to_string(), text);
/// assert!(text.parse::<ProjectId>().is_err());
/// # Ok::<(), keyrack_key::IdError>(())
/// ```
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

macro_rules! kinds {
    ($($alias:ident, $marker:ident, $prefix:literal, $noun:literal;)*) => {
        mod kind {$(
            #[doc = concat!("Marks the ids of ", $noun, ".")]
            #[derive(Debug)]
            pub enum $marker {}
            impl super::Kind for $marker {
                const PREFIX: &'static str = $prefix;
            }
        )*}
        $(
            #[doc = concat!("The id of ", $noun, ".")]
            pub type $alias = Id<kind::$marker>;
        )*
    };
}

kinds! {
    KeyId, Key, "key", "a key";
    WorkspaceId, Workspace, "wsp", "a workspace";
    UserId, User, "usr", "a person";
    SessionId, Session, "ses", "a browser session";
    ProjectId, Project, "prj", "a project";
    BatchId, Batch, "bat", "a batch of images";
    LabelId, Label, "lbl", "a label";
    UploadId, Upload, "upl", "an upload";
    RecordId, Record, "rec", "a record of an image";
    AnnotationId, Annotation, "ann", "an annotation";
    ModelId, Model, "mdl", "a model";
    NodeId, Node, "nod", "a node";
    ImportId, Import, "imp", "an import";
}

impl<K> Id<K> {
    /// Creates an id for `now`, with 62 random bits from `rng`. Ids that are created one after
    /// another sort in that order: the fraction of the millisecond follows the millisecond (RFC
    /// 9562, section 6.2, method 3).
    pub fn new(now: Timestamp, rng: &mut impl Rng) -> Self {
        let mut random = [0; 10];
        rng.fill_bytes(&mut random);
        random[..2].copy_from_slice(&now.fraction_of_millisecond().to_be_bytes());
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(now.millis(), &random).into_uuid())
    }

    /// Returns the 16 bytes of the UUID.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.uuid.as_bytes()
    }

    const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }
}

impl<K: Kind> Id<K> {
    /// Writes the text into `buffer` and returns it. Allocates nothing.
    pub fn text<'a>(&self, buffer: &'a mut [u8; 36]) -> &'a str {
        const { assert!(K::PREFIX.len() == 3) }
        buffer[..3].copy_from_slice(K::PREFIX.as_bytes());
        buffer[3] = b'_';
        self.uuid.simple().encode_lower(&mut buffer[4..]);
        // Always ASCII: letters, digits, and an underscore.
        std::str::from_utf8(buffer).unwrap_or_default()
    }
}

/// The text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use an ID such as {prefix}_ and 32 hexadecimal digits.")]
pub struct IdError {
    prefix: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            // Each id has one spelling: lower case, no hyphens.
            .filter(|hex| hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
            .and_then(|hex| Uuid::try_parse(hex).ok())
            .map(Self::from_uuid)
            .ok_or(IdError { prefix: K::PREFIX })
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; 36]))
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_sort_by_creation_time() {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let ids: Vec<_> = (1_800_000_000_000_000..1_800_000_000_002_500)
            .map(|micros| KeyId::new(Timestamp::from_micros(micros), &mut rng).to_string())
            .collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.as_bytes()[16] == b'7'), "version 7: {}", ids[0]);
    }

    #[test]
    fn id_of_another_kind_is_rejected() {
        let id = KeyId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<KeyId>(), Ok(id));
        assert!(id.to_string().parse::<ProjectId>().is_err());
    }

    proptest! {
        #[test]
        fn id_round_trips_and_has_one_spelling(bits: u128) {
            let id = ProjectId::from_uuid(Uuid::from_u128(bits));
            let text = id.to_string();
            prop_assert_eq!(text.parse::<ProjectId>(), Ok(id));
            let shouted = format!("prj_{}", text[4..].to_uppercase());
            prop_assert_eq!(shouted.parse::<ProjectId>().is_ok(), shouted == text);
        }

        #[test]
        fn id_parser_never_panics(text: String) {
            let _ = text.parse::<KeyId>();
        }
    }
}
