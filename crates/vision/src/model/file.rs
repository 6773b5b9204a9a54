//! The file that a trained head is kept in: a word, a version, a header in JSON, weights, and a digest of it all.
//!
//! ```text
//! "KRVM" | version: u16 | header length: u32 | header | weights: f32 … | SHA-256 of all before    (little-endian)
//! ```

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ModelError, Task};
use crate::{Backbone, BackboneDigest};

const MAGIC: &[u8; 4] = b"KRVM";
pub(super) const VERSION: u16 = 1;
const PREAMBLE: usize = 4 + 2 + 4;

/// The bytes of a model.
pub(crate) fn write(header: &impl Serialize, weights: &[f32]) -> Vec<u8> {
    // Headers are structs of strings and numbers: they always have a JSON.
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

/// Header and weights of a model for that task on that backbone.
pub(crate) fn read_for<H: DeserializeOwned>(
    bytes: &[u8],
    task: Task,
    backbone: &Backbone,
) -> Result<(H, Vec<f32>), ModelError> {
    #[derive(Deserialize)]
    struct Known {
        task: Task,
        backbone: BackboneDigest,
    }
    let known = read::<Known>(bytes)?.0;
    if known.task != task {
        return Err(ModelError::Task(known.task));
    }
    if known.backbone != backbone.digest() {
        return Err(ModelError::Backbone { trained_on: known.backbone, running: backbone.digest() });
    }
    read(bytes)
}

/// Header and weights of a whole file. Weights are numbers, never NaN or infinite.
pub(super) fn read<H: DeserializeOwned>(bytes: &[u8]) -> Result<(H, Vec<f32>), ModelError> {
    let (body, digest) = bytes.split_last_chunk::<32>().ok_or(ModelError::Damaged)?;
    let (preamble, rest) = body.split_first_chunk::<PREAMBLE>().ok_or(ModelError::Damaged)?;
    let [m0, m1, m2, m3, v0, v1, l0, l1, l2, l3] = *preamble;
    if [m0, m1, m2, m3] != *MAGIC {
        return Err(ModelError::Damaged);
    }
    // Before the digest: a later version may end otherwise.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(header: String, weights in proptest::collection::vec(-1e30f32..1e30, 0..50)) {
            let (same, all) = read::<String>(&write(&header, &weights)).unwrap();
            prop_assert_eq!(same, header);
            prop_assert_eq!(all, weights);
        }

        #[test]
        fn a_changed_or_shortened_file_is_refused(at in 0usize..100, flip in 1u8..) {
            let mut bytes = write(&"header", &[1.0, 2.0, 3.0]);
            let at = at % bytes.len();
            prop_assert!(read::<String>(&bytes[..at]).is_err());
            bytes[at] ^= flip;
            prop_assert!(read::<String>(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_an_error_and_no_panic(bytes: Vec<u8>) {
            prop_assert!(read::<String>(&bytes).is_err());
        }
    }

    #[test]
    fn a_later_version_says_so_and_nan_is_no_weight() {
        let mut bytes = write(&"header", &[]);
        bytes[4] = 2;
        assert!(matches!(read::<String>(&bytes), Err(ModelError::Version(2))));
        assert!(matches!(
            read::<String>(&write(&"header", &[f32::NAN])),
            Err(ModelError::Content("weights"))
        ));
    }
}
