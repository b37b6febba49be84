//! What the rest of Glimpse asks of a model, whichever backend runs it.

use std::path::PathBuf;

use image::RgbImage;

use crate::decoder::Decoder;
use crate::preprocess::DEFAULT_MAX_PATCHES;
use crate::{Embedding, EncodeError, ImageFeatures, Outputs, PixelInput};

/// A loaded two-tower model. Calls are blocking, use all cores that the backend was given, and may
/// come from any thread.
pub trait Encode: Send + Sync {
    /// Name, sizes and identity of the model.
    fn info(&self) -> &ModelInfo;

    /// Resizes an upright RGB image to what the vision tower reads. Cheap beside encoding, and made
    /// for other threads.
    ///
    /// # Errors
    /// [`EncodeError::Image`] for an image without pixels.
    fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError>;

    /// Features of a batch, in order. The result of an image does not depend on its neighbours in
    /// the batch.
    ///
    /// # Errors
    /// If the backend fails (memory, device) or an image was prepared by another model.
    fn encode_images(&self, batch: &[PixelInput], outputs: Outputs) -> Result<Vec<ImageFeatures>, EncodeError>;

    /// Waits while images are not to be encoded, as in a run that is paused: for who encodes them
    /// elsewhere than by [`Encode::encode_images`], which waits by itself.
    fn wait_for_turn(&self) {}

    /// Embeddings of texts in any language, in order. An empty text has an embedding too.
    ///
    /// # Errors
    /// If the backend or the tokenizer fails.
    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError>;

    /// Loads what the first text would otherwise wait for.
    ///
    /// # Errors
    /// If it cannot be read.
    fn prepare_texts(&self) -> Result<(), EncodeError> {
        Ok(())
    }

    /// The ids that the text tower reads for `text`: padded or cut to [`ModelInfo::text_length`].
    ///
    /// # Errors
    /// If the tokenizer fails.
    fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError>;

    /// Brings tokens ([`tokens`](crate::DenseGrid::tokens) of a grid, or means of them) into the
    /// space of embeddings through the value path of the attention-pooling head: `(n, dim)` row by
    /// row to the same shape, not normalised. Since values are linear in tokens, the mean token of
    /// a region gives what the head gives if it attends to the region evenly.
    ///
    /// # Errors
    /// If `tokens` is no whole number of rows, or the backend fails.
    fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError>;

    /// The decoder that lies beside the model, loaded by the first call; `None` if there is none.
    ///
    /// # Errors
    /// [`EncodeError`] that names the file and what is wrong with it.
    fn decoder(&self) -> Result<Option<&Decoder>, EncodeError> {
        Ok(None)
    }
}

/// How far a token goes through the attention-pooling head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Projection {
    /// Value and output projections.
    Linear,
    /// And the MLP with its residual, as for a pooled embedding.
    Full,
}

/// What a model is: shown to people, kept in index manifests, compared before vectors are mixed.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ModelInfo {
    /// As the user named it: a directory, a hub id or `demo`.
    pub name: String,
    /// Hex digest over configuration, tokenizer, tensor names, shapes and samples of every tensor:
    /// equal digest, equal vectors.
    pub fingerprint: String,
    /// Such a digest of what vectors of images depend on alone (vision tower, preprocessing):
    /// models of which it is equal can be asked about each other's images. `None` in what was
    /// recorded before this field was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_fingerprint: Option<String>,
    /// The adapter that was merged into the weights when they were loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<PathBuf>,
    /// `siglip` (fixed resolution) or `siglip2` (NaFlex), as in `config.json`.
    pub model_type: String,
    /// Width of embeddings.
    pub dim: usize,
    /// Side of the input image in pixels; `None` for NaFlex.
    pub image_size: Option<usize>,
    /// Largest number of patches of one image; `None` for fixed resolution, and in what was
    /// recorded before this field was.
    #[serde(default)]
    pub max_patches: Option<usize>,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Tokens of one text, padding included.
    pub text_length: usize,
    /// Size of the token table.
    pub vocab_size: usize,
    /// Turns a cosine into the model's own probability.
    pub scoring: Scoring,
    /// What runs the model, e.g. `cpu (amx-bf16)`.
    pub backend: String,
}

impl ModelInfo {
    /// True if both give an image the same vectors, its regions among them.
    pub fn has_images_of(&self, other: &Self) -> bool {
        let known = self.image_fingerprint.is_some() && self.dim == other.dim;
        self.fingerprint == other.fingerprint || known && self.image_fingerprint == other.image_fingerprint
    }

    /// Side in pixels of what the vision tower reads of a square image. Of any other shape a
    /// NaFlex model reads no more along the shorter side, for the budget of patches is the same.
    pub fn input_side(&self) -> usize {
        match self.image_size {
            Some(side) => side,
            None => {
                let budget = self.max_patches.unwrap_or(DEFAULT_MAX_PATCHES);
                self.patch_size * (budget as f64).sqrt().ceil() as usize
            }
        }
    }
}

/// The learned scale and bias of the sigmoid loss (arXiv 2303.15343, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Scoring {
    /// `exp(logit_scale)`.
    pub scale: f32,
    /// `logit_bias`.
    pub bias: f32,
}

impl Scoring {
    /// Probability that an image and a text with this cosine belong together, as the model was
    /// trained to say it.
    pub fn probability(&self, cosine: f32) -> f32 {
        1.0 / (1.0 + (-(self.scale * cosine + self.bias)).exp())
    }
}

/// How to load a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Where to run: `cpu` (default), `cuda`, `cuda:1`, `metal`. For tests and measurements, `cpu:`
    /// takes a certain path (`amx-bf16`, `avx512-bf16`, `amx-f32`, `avx512-f32`, `avx2-f32`,
    /// `portable-f32`), and `candle` the reference backend. `cpu` never takes those that compute in
    /// int8 in part (`amx-int8`, `avx512-int8`, `avx512-int8-f32`, `avx2-int8`, `portable-int8`):
    /// they are faster and lose a little more than bf16.
    pub device: Option<String>,
    /// Drop ASCII punctuation from texts, as big_vision does for class names.
    pub strip_punctuation: bool,
    /// NaFlex only: largest number of patches of one image, at most
    /// [`MAX_PATCHES`](crate::preprocess::MAX_PATCHES). `None` takes the checkpoint's own, then
    /// [`DEFAULT_MAX_PATCHES`].
    pub max_patches: Option<usize>,
    /// The name to show and to record; the directory when absent.
    pub name: Option<String>,
    /// Read the tokenizer from here instead of the checkpoint's own directory.
    pub tokenizer: Option<PathBuf>,
    /// A LoRA adapter in the layout of peft that is merged into the weights: the folder, or the
    /// safetensors file with `adapter_config.json` beside it.
    pub adapter: Option<PathBuf>,
}
