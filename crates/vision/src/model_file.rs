//! The file format of a trained head.
//!
//! ```text
//! "KRVM" | version: u16 | header length: u32 | header | weights: f32 … | SHA-256 of all before    (little-endian)
//! ```

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Backbone, BackboneDigest, Task};

const MAGIC: &[u8; 4] = b"KRVM";
const VERSION: u16 = 1;
const PREAMBLE: usize = 4 + 2 + 4;

/// Why a model file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file isn't a model, is truncated, or was changed.
    #[error("The file isn't a complete Keyrack model.")]
    Damaged,
    /// A newer version of Keyrack wrote the file.
    #[error("The model has version {0}. This program reads version {version}.", version = VERSION)]
    Version(u16),
    /// The header and the weights don't match, or a value is invalid.
    #[error("The model's {0} is invalid.")]
    Content(&'static str),
    /// The model has another task.
    #[error("The model is for another task: {0:?}.")]
    Task(Task),
    /// The model was trained on another backbone, so its weights are meaningless for this one.
    #[error("This model was trained on the backbone {trained_on}, but this server runs {running}.")]
    Backbone {
        /// The backbone that the model was trained on.
        trained_on: BackboneDigest,
        /// The backbone that is loaded.
        running: BackboneDigest,
    },
}

impl Task {
    /// Reads the task from a model file.
    pub fn of(model: &[u8]) -> Result<Self, ModelError> {
        #[derive(Deserialize)]
        struct TaskHeader {
            task: Task,
        }
        read::<TaskHeader>(model).map(|(header, _)| header.task)
    }
}

/// Serializes a model.
pub(crate) fn write(header: &impl Serialize, weights: &[f32]) -> Vec<u8> {
    // A header is a struct of strings and numbers, which always serializes.
    let header = serde_json::to_vec(header).unwrap_or_default();
    let mut bytes = Vec::with_capacity(PREAMBLE + header.len() + 4 * weights.len() + 32);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(header);
    for weight in weights {
        bytes.extend(weight.to_le_bytes());
    }
    let digest = Sha256::digest(&bytes);
    bytes.extend(digest);
    bytes
}

/// Deserializes the header and weights of a model for this task and this backbone.
pub(crate) fn read_for_task<H: DeserializeOwned>(
    bytes: &[u8],
    task: Task,
    backbone: &Backbone,
) -> Result<(H, Vec<f32>), ModelError> {
    #[derive(Deserialize)]
    struct Identity {
        task: Task,
        backbone: BackboneDigest,
    }
    let identity = read::<Identity>(bytes)?.0;
    if identity.task != task {
        return Err(ModelError::Task(identity.task));
    }
    if identity.backbone != backbone.digest() {
        return Err(ModelError::Backbone { trained_on: identity.backbone, running: backbone.digest() });
    }
    read(bytes)
}

/// Deserializes the header and weights of any model. Rejects weights that are NaN or infinite.
fn read<H: DeserializeOwned>(bytes: &[u8]) -> Result<(H, Vec<f32>), ModelError> {
    let (body, digest) = bytes.split_last_chunk::<32>().ok_or(ModelError::Damaged)?;
    let (preamble, rest) = body.split_first_chunk::<PREAMBLE>().ok_or(ModelError::Damaged)?;
    let [m0, m1, m2, m3, v0, v1, l0, l1, l2, l3] = *preamble;
    if [m0, m1, m2, m3] != *MAGIC {
        return Err(ModelError::Damaged);
    }
    // The version comes before the digest, because a later version may have a different ending.
    let version = u16::from_le_bytes([v0, v1]);
    if version != VERSION {
        return Err(ModelError::Version(version));
    }
    if *Sha256::digest(body) != digest[..] {
        return Err(ModelError::Damaged);
    }
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let (header, weights) = rest.split_at_checked(length).ok_or(ModelError::Damaged)?;
    let header = serde_json::from_slice(header).map_err(|_| ModelError::Content("header"))?;
    let (weights, odd) = weights.as_chunks::<4>();
    let weights: Vec<f32> = weights.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if !odd.is_empty() || !weights.iter().all(|weight| weight.is_finite()) {
        return Err(ModelError::Content("weights"));
    }
    Ok((header, weights))
}

/// The number of bytes that labels take, for [`Model::memory`](crate::Model::memory).
pub(crate) fn labels_memory(labels: &[String]) -> usize {
    labels.iter().map(|label| size_of::<String>() + label.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn written_model_reads_back(header: String, weights in proptest::collection::vec(-1e30f32..1e30, 0..50)) {
            let (same, all) = read::<String>(&write(&header, &weights)).unwrap();
            prop_assert_eq!(same, header);
            prop_assert_eq!(all, weights);
        }

        #[test]
        fn changed_or_truncated_file_is_rejected(at in 0usize..100, flip in 1u8..) {
            let mut bytes = write(&"header", &[1.0, 2.0, 3.0]);
            let at = at % bytes.len();
            prop_assert!(read::<String>(&bytes[..at]).is_err());
            bytes[at] ^= flip;
            prop_assert!(read::<String>(&bytes).is_err());
        }

        #[test]
        fn arbitrary_bytes_return_an_error(bytes: Vec<u8>) {
            prop_assert!(read::<String>(&bytes).is_err());
        }
    }

    #[test]
    fn later_version_and_nan_weight_are_rejected() {
        let mut bytes = write(&"header", &[]);
        bytes[4] = 2;
        assert!(matches!(read::<String>(&bytes), Err(ModelError::Version(2))));
        assert!(matches!(
            read::<String>(&write(&"header", &[f32::NAN])),
            Err(ModelError::Content("weights"))
        ));
    }
}
