//! Both towers of a checkpoint, without tokenizer and preprocessor.

use std::path::Path;

use super::device::{self, Place};
use super::features::{HEAD, TEXT, VISION};
use super::trace::Trace;
use super::turn::{self, Priority};
use crate::candle::CandleTowers;
use crate::config::{ModelConfig, Resolution};
use crate::cpu::CpuTowers;
use crate::open_clip::OpenClip;
use crate::weights::Checkpoint;
use crate::{DenseGrid, Embedding, EncodeError, ImageFeatures, Outputs, PixelInput, Projection, Scoring};

/// The two towers of a model: prepared pixels and token ids to features.
///
/// This is what a checkpoint's weights alone can do. [`crate::SiglipEncoder`] adds the checkpoint's
/// tokenizer and preprocessor; tests and tools that bring their own pixels, ids or wish for
/// intermediates start here.
pub struct Towers {
    config: ModelConfig,
    scoring: Scoring,
    backend: Backend,
    name: String,
}

/// What computes.
enum Backend {
    Cpu(Box<CpuTowers>),
    Candle(Box<CandleTowers>),
}

/// The architecture and the tensors of a checkpoint directory in either layout, under the names of
/// Hugging Face.
///
/// # Errors
/// [`EncodeError`] that names the file and the field or tensor that is wrong.
pub(super) fn read(dir: &Path) -> Result<(ModelConfig, Checkpoint), EncodeError> {
    match OpenClip::open(dir)? {
        Some(open_clip) => open_clip.load(),
        None => Ok((ModelConfig::load(dir)?, Checkpoint::open(dir)?)),
    }
}

impl Towers {
    /// Loads configuration and weights of a checkpoint directory on `device` (see
    /// [`crate::LoadOptions::device`]).
    ///
    /// # Errors
    /// [`EncodeError`] that names the file and the field or tensor that is wrong.
    pub fn load(dir: &Path, device: Option<&str>) -> Result<Self, EncodeError> {
        let (config, checkpoint) = read(dir)?;
        Self::new(config, &checkpoint, device)
    }

    pub(crate) fn new(config: ModelConfig, checkpoint: &Checkpoint, name: Option<&str>) -> Result<Self, EncodeError> {
        checkpoint.check(&config)?;
        let scalar = |name| checkpoint.get(name).map(|stored| stored.to_vec()[0]);
        let scoring = Scoring { scale: scalar("logit_scale")?.exp(), bias: scalar("logit_bias")? };
        let (backend, name) = match device::place(name)? {
            Place::Cpu(path) => {
                (Backend::Cpu(Box::new(CpuTowers::new(config, checkpoint.clone(), path))), device::backend_on(path))
            }
            Place::Candle(name) => {
                let (towers, name) = CandleTowers::load(checkpoint, &config, &name)?;
                (Backend::Candle(Box::new(towers)), format!("{name} (candle, f32)"))
            }
        };
        Ok(Self { config, scoring, backend, name })
    }

    /// The architecture.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The learned scale and bias.
    pub fn scoring(&self) -> Scoring {
        self.scoring
    }

    /// What runs the model, e.g. `cpu (amx-bf16)`.
    pub fn backend(&self) -> &str {
        &self.name
    }

    /// One forward pass over a batch of images, whose memory grows with the batch.
    ///
    /// # Errors
    /// [`EncodeError::PixelInput`] for pixels that this model does not read,
    /// [`EncodeError::Backend`] if computing fails, [`EncodeError::NotAVector`] if the weights are
    /// damaged.
    pub fn encode_images(
        &self,
        batch: &[PixelInput],
        outputs: Outputs,
        trace: &mut Trace,
    ) -> Result<Vec<ImageFeatures>, EncodeError> {
        batch.iter().try_for_each(|image| self.check_image(image))?;
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let features = turn::run_exclusive(VISION, Priority::Usual, || match &self.backend {
            Backend::Cpu(towers) => towers.images(batch, outputs, trace),
            Backend::Candle(towers) => towers.images(batch, outputs, trace),
        })?;
        let features = batch.iter().zip(features).map(|(image, features)| {
            let embedding = Embedding::new(features.pooled)?;
            let dense = features.dense.map(|(tokens, aligned, norms)| self.grid(image, tokens, aligned, norms));
            Ok(ImageFeatures { embedding, dense })
        });
        features.collect()
    }

    /// One forward pass over a batch of texts, each of exactly [`crate::ModelInfo::text_length`]
    /// ids.
    ///
    /// # Errors
    /// [`EncodeError::Backend`] for ids that this model does not have or if computing fails,
    /// [`EncodeError::NotAVector`] if the weights are damaged.
    pub fn encode_ids(&self, texts: &[Vec<u32>], trace: &mut Trace) -> Result<Vec<Embedding>, EncodeError> {
        let text = &self.config.text;
        for ids in texts {
            let fault = if ids.len() == text.length {
                let unknown = ids.iter().find(|id| **id as usize >= text.vocab_size);
                unknown.map(|id| format!("token id {id} is beyond the vocabulary of {}", text.vocab_size))
            } else {
                Some(format!("expected {} token ids, found {}", text.length, ids.len()))
            };
            if let Some(reason) = fault {
                return Err(EncodeError::Backend { stage: TEXT, reason });
            }
        }
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let pooled = turn::run_exclusive(TEXT, Priority::First, || match &self.backend {
            Backend::Cpu(towers) => towers.texts(texts, trace),
            Backend::Candle(towers) => towers.texts(texts, trace),
        })?;
        pooled.into_iter().map(Embedding::new).collect()
    }

    /// Packs the weights of the text tower if that was not done yet.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn prepare_texts(&self) -> Result<(), EncodeError> {
        match &self.backend {
            Backend::Cpu(towers) => turn::run_exclusive(TEXT, Priority::First, || towers.prepare_texts()),
            Backend::Candle(_) => Ok(()),
        }
    }

    /// Text-aligned vectors of tokens; see [`crate::Encode::align`].
    ///
    /// # Errors
    /// [`EncodeError::Backend`] if `tokens` is no whole number of rows or computing fails.
    pub fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError> {
        let (width, count) = (self.config.dim(), tokens.len());
        if !count.is_multiple_of(width) {
            return Err(EncodeError::Backend { stage: HEAD, reason: format!("{count} values in rows of {width}") });
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        turn::run_exclusive(HEAD, Priority::Usual, || match &self.backend {
            Backend::Cpu(towers) => towers.align(tokens, projection),
            Backend::Candle(towers) => towers.align(tokens, projection),
        })
    }

    /// The grid of one image, cut out of rows that may end in padding.
    fn grid(&self, image: &PixelInput, tokens: Vec<f32>, aligned: Vec<f32>, norms: Vec<f32>) -> DenseGrid {
        let (rows, cols, dim) = (image.rows, image.cols, self.config.dim());
        let mut grid = DenseGrid { rows, cols, dim, tokens, aligned, norms };
        grid.tokens.truncate(rows * cols * dim);
        grid.aligned.truncate(rows * cols * dim);
        grid.norms.truncate(rows * cols);
        grid
    }

    fn check_image(&self, image: &PixelInput) -> Result<(), EncodeError> {
        let (rows, cols, patch) = (image.rows, image.cols, self.config.vision.patch_size);
        let (width, height) = image.pixels.dimensions();
        let found = format!("{rows} x {cols} patches, {width} x {height} pixels");
        let (fits, expected) = match self.config.vision.resolution {
            Resolution::Fixed { image_size } => {
                let side = image_size / patch;
                let fits =
                    (rows, cols) == (side, side) && (width as usize, height as usize) == (image_size, image_size);
                (fits, format!("{side} x {side} patches, {image_size} x {image_size} pixels"))
            }
            Resolution::NaFlex { .. } => {
                let fits = rows > 0 && cols > 0 && (width as usize, height as usize) == (cols * patch, rows * patch);
                (fits, format!("a grid of patches of {patch} pixels"))
            }
        };
        if fits { Ok(()) } else { Err(EncodeError::PixelInput { expected, found }) }
    }
}
