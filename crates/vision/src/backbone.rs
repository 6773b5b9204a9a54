//! The frozen network that turns an image into features. `rten` runs it.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use rten::{Dimension, Model, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Picture, ResizeMode};

/// EfficientNet-Lite0, created by `backbone/make.py`. Its license and notice are in the same folder.
static EMBEDDED: &[u8] = include_bytes!("../backbone/efficientnet-lite0.onnx");

/// The side in pixels of the square for embeddings.
pub const EMBEDDING_SIDE: u32 = 224;

/// The SHA-256 of a backbone's file. A model stores the digest of the backbone that it was trained on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackboneDigest([u8; 32]);

/// Why a backbone can't be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum BackboneError {
    /// `rten` can't load the file.
    #[error("the backbone can't be loaded: {0}")]
    Load(#[from] rten::LoadError),
    /// An input, an output, or metadata is missing or has the wrong shape.
    #[error("the backbone has no {0}")]
    Lacks(&'static str),
    /// The run failed.
    #[error("the backbone can't be run: {0}")]
    Run(#[from] rten::RunError),
}

/// A thread pool for running a backbone. Runs on the same pool wait for each other, so use a pool per image to process
/// images in parallel.
#[derive(Clone, Debug)]
pub struct Threads(Arc<ThreadPool>);

impl Threads {
    /// A pool of `number` threads.
    pub fn new(number: NonZeroUsize) -> Self {
        Self(Arc::new(ThreadPool::with_num_threads(number.get())))
    }

    /// A pool of one thread. One thread per image gives the highest throughput when many images wait.
    pub fn single() -> Self {
        Self::new(NonZeroUsize::MIN)
    }
}

/// A loaded backbone. Runs take `&self`, so threads can share it.
pub struct Backbone {
    model: Model,
    digest: BackboneDigest,
    mean: [f32; 3],
    deviation: [f32; 3],
    image: NodeId,
    embedding: NodeId,
    width: usize,
    maps: [NodeId; 3],
    channels: [usize; 3],
}

/// The feature maps of an image at strides 8, 16, and 32, each channels × rows × columns.
#[derive(Clone, Debug)]
pub struct FeatureMaps {
    /// The maps at strides 8, 16, and 32.
    pub levels: [NdTensor<f32, 3>; 3],
}

impl Backbone {
    /// Loads the backbone that this crate contains.
    pub fn embedded() -> Result<Self, BackboneError> {
        Self::new(Model::load_static_slice(EMBEDDED)?, BackboneDigest::of(EMBEDDED))
    }

    /// Loads another backbone: an ONNX file with the input `image`, the outputs `embedding`, `c3`, `c4`, and `c5`,
    /// and the metadata `mean` and `deviation` (three numbers each, on a scale of 0 to 255).
    pub fn load(file: Vec<u8>) -> Result<Self, BackboneError> {
        let digest = BackboneDigest::of(&file);
        Self::new(Model::load(file)?, digest)
    }

    fn new(model: Model, digest: BackboneDigest) -> Result<Self, BackboneError> {
        let node = |name: &'static str| model.find_node(name).ok_or(BackboneError::Lacks(name));
        let fixed =
            |id: NodeId, name| match model.node_info(id).and_then(|info| info.shape()?.get(1).cloned()) {
                Some(Dimension::Fixed(size)) => Ok(size),
                _ => Err(BackboneError::Lacks(name)),
            };
        let triple = |name| {
            let numbers = model.metadata().get(name)?.split(',').map(|n| n.trim().parse().ok());
            <[f32; 3]>::try_from(numbers.collect::<Option<Vec<f32>>>()?).ok()
        };
        let (image, embedding) = (node("image")?, node("embedding")?);
        let maps = [node("c3")?, node("c4")?, node("c5")?];
        let channels = [fixed(maps[0], "c3")?, fixed(maps[1], "c4")?, fixed(maps[2], "c5")?];
        let mean = triple("mean").ok_or(BackboneError::Lacks("mean"))?;
        let deviation = triple("deviation").filter(|d| d.iter().all(|n| *n > 0.0));
        let deviation = deviation.ok_or(BackboneError::Lacks("deviation"))?;
        let width = fixed(embedding, "embedding")?;
        Ok(Self { model, digest, mean, deviation, image, embedding, width, maps, channels })
    }

    /// The SHA-256 of the backbone's file.
    pub fn digest(&self) -> BackboneDigest {
        self.digest
    }

    /// The number of values in an embedding.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of channels of each map in [`FeatureMaps::levels`].
    pub fn channels(&self) -> [usize; 3] {
        self.channels
    }

    /// The color that fills a letterbox.
    pub(crate) fn fill(&self) -> [u8; 3] {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
        self.mean.map(|mean| mean.round().clamp(0.0, 255.0) as u8)
    }

    /// Computes the embeddings of an image and of its mirror image.
    pub fn embeddings(
        &self,
        picture: &Picture,
        frame: ResizeMode,
        threads: &Threads,
    ) -> Result<[Vec<f32>; 2], BackboneError> {
        let square = picture.square(EMBEDDING_SIDE, frame, self.fill()).0;
        let mut input = NdTensor::zeros([2, 3, EMBEDDING_SIDE as usize, EMBEDDING_SIDE as usize]);
        self.fill_view(&mut input, 0, &square, false);
        self.fill_view(&mut input, 1, &square, true);
        let [both] = self.run(input, [self.embedding], threads)?;
        let (plain, mirrored) = both.split_at(self.width.min(both.len()));
        Ok([plain.to_vec(), mirrored.to_vec()])
    }

    /// Computes the embedding of an image.
    pub fn embedding(
        &self,
        picture: &Picture,
        frame: ResizeMode,
        threads: &Threads,
    ) -> Result<Vec<f32>, BackboneError> {
        let square = picture.square(EMBEDDING_SIDE, frame, self.fill()).0;
        let mut input = NdTensor::zeros([1, 3, EMBEDDING_SIDE as usize, EMBEDDING_SIDE as usize]);
        self.fill_view(&mut input, 0, &square, false);
        let [one] = self.run(input, [self.embedding], threads)?;
        Ok(one)
    }

    /// Computes the three feature maps of a square. Its side must be a multiple of 32 pixels.
    pub(crate) fn maps(
        &self,
        square: &image::RgbImage,
        mirror: bool,
        threads: &Threads,
    ) -> Result<FeatureMaps, BackboneError> {
        let side = square.width() as usize;
        let mut input = NdTensor::zeros([1, 3, side, side]);
        self.fill_view(&mut input, 0, square, mirror);
        let levels = self.run(input, self.maps, threads)?;
        let mut strides = [8, 16, 32].into_iter();
        let mut channels = self.channels.into_iter();
        let levels = levels.map(|data| {
            let cells = side / strides.next().unwrap_or(32);
            NdTensor::try_from_data([channels.next().unwrap_or(0), cells, cells], data)
        });
        let [Ok(c3), Ok(c4), Ok(c5)] = levels else {
            return Err(BackboneError::Lacks("maps at strides 8, 16 and 32"));
        };
        Ok(FeatureMaps { levels: [c3, c4, c5] })
    }

    fn fill_view(&self, input: &mut NdTensor<f32, 4>, view: usize, square: &image::RgbImage, mirror: bool) {
        let side = square.width() as usize;
        let Some(data) = input.data_mut() else { return };
        for channel in 0..3 {
            let (mean, scale) = (self.mean[channel], self.deviation[channel].recip());
            let plane = &mut data[(view * 3 + channel) * side * side..][..side * side];
            for (to, from) in plane.chunks_exact_mut(side).zip(square.as_raw().chunks_exact(side * 3)) {
                let values =
                    from.iter().skip(channel).step_by(3).map(|byte| (f32::from(*byte) - mean) * scale);
                if mirror {
                    to.iter_mut().rev().zip(values).for_each(|(to, value)| *to = value);
                } else {
                    to.iter_mut().zip(values).for_each(|(to, value)| *to = value);
                }
            }
        }
    }

    fn run<const N: usize>(
        &self,
        input: NdTensor<f32, 4>,
        outputs: [NodeId; N],
        threads: &Threads,
    ) -> Result<[Vec<f32>; N], BackboneError> {
        let mut options = RunOptions::default();
        options.thread_pool = Some(threads.0.clone());
        let input = ValueOrView::from(Value::from(input.into_dyn()));
        let values = self.model.run_n(vec![(self.image, input)], outputs, Some(options))?;
        let mut failed = false;
        let data = values.map(|value| match Tensor::<f32>::try_from(value) {
            Ok(tensor) => tensor.to_vec(),
            Err(_) => {
                failed = true;
                Vec::new()
            }
        });
        if failed { Err(BackboneError::Lacks("outputs of 32-bit floats")) } else { Ok(data) }
    }
}

impl BackboneDigest {
    fn of(file: &[u8]) -> Self {
        Self(Sha256::digest(file).into())
    }
}

impl fmt::Display for BackboneDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BackboneDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<BackboneDigest> for String {
    fn from(digest: BackboneDigest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for BackboneDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).map_err(|_| "a digest is 64 hexadecimal digits")?;
        Ok(Self(digest))
    }
}
