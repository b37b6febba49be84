//! A checkpoint directory as a whole: preprocessor, tokenizer and towers.

use std::path::{Path, PathBuf};

use image::RgbImage;

use super::batches;
use super::lazy_load::LazyLoad;
use super::towers::{self, Towers};
use super::trace::Trace;
use super::turn;
use crate::adapter::{Adapted, Adapter};
use crate::config::{ModelConfig, Resolution};
use crate::decoder::Decoder;
use crate::open_clip::OpenClip;
use crate::preprocess::{Filter, Preprocessor, VisionInput};
use crate::tokenize::{TextInput, Tokenizer};
use crate::weights::Checkpoint;
use crate::{
    Embedding, Encode, EncodeError, ImageFeatures, LoadOptions, ModelInfo, Outputs, PixelInput, Projection, files,
};

/// Any SigLIP or SigLIP 2 checkpoint.
pub struct SiglipEncoder {
    info: ModelInfo,
    towers: Towers,
    preprocessor: Preprocessor,
    /// Where it is read from, and how: a vocabulary of 256,000 pieces takes most of a second, which
    /// who only indexes images does not wait for.
    pieces: (PathBuf, TextInput),
    tokenizer: LazyLoad<Tokenizer>,
    /// Where a decoder may lie that reads what this vision tower gives.
    decoder_dir: Option<PathBuf>,
    decoder: LazyLoad<Option<Decoder>>,
}

impl SiglipEncoder {
    /// Loads a checkpoint directory as Hugging Face lays it out: `config.json`, `model.safetensors`
    /// or its shards, `tokenizer.json`, and `preprocessor_config.json` if there is one; or as
    /// open_clip does: `open_clip_config.json`, `open_clip_model.safetensors`, `tokenizer.json`.
    /// What only texts need is read at the first of them, or by [`Encode::prepare_texts`].
    ///
    /// # Errors
    /// [`EncodeError`] that names the file and the field or tensor that is wrong.
    pub fn load(dir: &Path, options: &LoadOptions) -> Result<Self, EncodeError> {
        let (config, mut checkpoint) = towers::read(dir)?;
        let adapted = match &options.adapter {
            Some(path) => Adapter::open(path)?.apply(&mut checkpoint)?,
            None => Adapted::default(),
        };
        let strips = OpenClip::open(dir)?.is_some_and(|open_clip| open_clip.strips_punctuation());
        let preprocessor = Preprocessor::load(dir, vision_input(&config, options.max_patches))?;
        let text = TextInput {
            length: config.text.length,
            vocab_size: config.text.vocab_size,
            strip_punctuation: options.strip_punctuation || strips,
        };
        let towers = Towers::new(config, &checkpoint, options.device.as_deref())?;
        let path = Tokenizer::locate(options.tokenizer.as_deref().unwrap_or(dir))?;
        let pieces = files::read(&path).map_err(|source| EncodeError::Io { path: path.clone(), source })?;
        let geometry = format!("{:?} {}", preprocessor.filter(), preprocessor.max_patches());
        let info = ModelInfo {
            name: options.name.clone().unwrap_or_else(|| dir.display().to_string()),
            adapter: options.adapter.clone(),
            fingerprint: fingerprint(&config, &geometry, &pieces, &checkpoint),
            image_fingerprint: Some(image_fingerprint(&config, &geometry, &checkpoint)),
            model_type: config.model_type().to_owned(),
            dim: config.dim(),
            image_size: match config.vision.resolution {
                Resolution::Fixed { image_size } => Some(image_size),
                Resolution::NaFlex { .. } => None,
            },
            max_patches: match config.vision.resolution {
                Resolution::Fixed { .. } => None,
                Resolution::NaFlex { .. } => Some(preprocessor.max_patches()),
            },
            patch_size: config.vision.patch_size,
            text_length: text.length,
            vocab_size: text.vocab_size,
            scoring: towers.scoring(),
            backend: towers.backend().to_owned(),
        };
        Ok(Self {
            info,
            towers,
            preprocessor,
            pieces: (path, text),
            tokenizer: LazyLoad::new(),
            // It was trained on the tokens of the vision tower as that was.
            decoder_dir: (!adapted.images).then(|| dir.to_owned()),
            decoder: LazyLoad::new(),
        })
    }

    /// The towers alone, for callers that bring their own pixels or token ids.
    pub fn towers(&self) -> &Towers {
        &self.towers
    }

    fn tokenizer(&self) -> Result<&Tokenizer, EncodeError> {
        self.tokenizer.get_or_load(|| {
            // The vocabulary and the weights of the tower take about equally long.
            std::thread::scope(|scope| {
                let pieces = scope.spawn(|| Tokenizer::load(&self.pieces.0, self.pieces.1));
                self.towers.prepare_texts()?;
                pieces.join().unwrap_or_else(|_| {
                    let reason = "reading it went wrong".to_owned();
                    Err(EncodeError::Tokenizer { path: self.pieces.0.clone(), reason })
                })
            })
        })
    }
}

impl Encode for SiglipEncoder {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError> {
        self.preprocessor.prepare(image)
    }

    fn encode_images(&self, batch: &[PixelInput], outputs: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        batches::images(batch, turn::texts_are_about, |batch| {
            self.towers.encode_images(batch, outputs, &mut Trace::off())
        })
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        let tokenizer = self.tokenizer()?;
        let ids = texts.iter().map(|text| tokenizer.encode(text)).collect::<Result<Vec<_>, _>>()?;
        batches::texts(&ids, |batch| self.towers.encode_ids(batch, &mut Trace::off()))
    }

    fn prepare_texts(&self) -> Result<(), EncodeError> {
        self.tokenizer().map(drop)
    }

    fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.tokenizer()?.encode(text)
    }

    fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError> {
        self.towers.align(tokens, projection)
    }

    fn decoder(&self) -> Result<Option<&Decoder>, EncodeError> {
        let Some(dir) = &self.decoder_dir else { return Ok(None) };
        // The vision tower is as wide as its embeddings.
        Ok(self.decoder.get_or_load(|| Decoder::load(dir, self.info.dim))?.as_ref())
    }
}

/// What the preprocessor has to know of the architecture.
fn vision_input(config: &ModelConfig, max_patches: Option<usize>) -> VisionInput {
    /// Size of the Gemma vocabulary, which tells SigLIP 2 at fixed resolution from SigLIP 1: both
    /// call themselves `siglip`.
    const GEMMA: usize = 256_000;
    let naflex = matches!(config.vision.resolution, Resolution::NaFlex { .. });
    VisionInput {
        image_size: match config.vision.resolution {
            Resolution::Fixed { image_size } => Some(image_size),
            Resolution::NaFlex { .. } => None,
        },
        patch_size: config.vision.patch_size,
        max_patches,
        filter: if naflex || config.text.vocab_size == GEMMA { Filter::Bilinear } else { Filter::Bicubic },
    }
}

/// Equal digest, equal vectors: everything that changes a stored vector goes in. Punctuation
/// stripping does not, since only images are stored. Indexes remember the digest, so a change of
/// this function makes all of them foreign.
fn fingerprint(config: &ModelConfig, preprocessor: &str, tokenizer: &[u8], checkpoint: &Checkpoint) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{}\n{preprocessor}\n", config.canonical()).as_bytes());
    hasher.update(tokenizer);
    checkpoint.fingerprint("", &mut hasher);
    hasher.finalize().to_hex()[..32].to_owned()
}

/// As [`fingerprint`], of what vectors of images depend on alone: equal digest, equal vectors of
/// images, whatever was trained for texts. Regions are made of nothing else either.
fn image_fingerprint(config: &ModelConfig, preprocessor: &str, checkpoint: &Checkpoint) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("images {}\n{preprocessor}\n", config.vision.canonical()).as_bytes());
    checkpoint.fingerprint("vision_model.", &mut hasher);
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Indexes of users hold this digest. If it has to change, say so in the changelog: they must
    /// index anew.
    #[test]
    fn fingerprint_stays_what_it_was() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/fixed16");
        let (config, checkpoint) = (ModelConfig::load(&dir).unwrap(), Checkpoint::open(&dir).unwrap());
        let digest = |preprocessor, tokenizer| fingerprint(&config, preprocessor, tokenizer, &checkpoint);
        assert_eq!(digest("Bilinear 16", b"{}"), "4e7617a7a7e63b78bd3dad68e83095dd");
        assert_ne!(digest("Bicubic 16", b"{}"), digest("Bilinear 16", b"{}"));
        assert_ne!(digest("Bilinear 16", b"[]"), digest("Bilinear 16", b"{}"));
    }

    fn load(dir: &str, max_patches: Option<usize>) -> Result<SiglipEncoder, EncodeError> {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
        let tokenizer = Some(golden.join("../../models/demo"));
        let options = LoadOptions { max_patches, tokenizer, ..LoadOptions::default() };
        SiglipEncoder::load(&golden.join(dir), &options)
    }

    #[test]
    fn another_budget_is_another_model() {
        let [few, many] = [128, 1024].map(|budget| load("naflex", Some(budget)).unwrap());
        assert_ne!(few.info().fingerprint, many.info().fingerprint);
        let default = load("naflex", None).unwrap();
        assert_eq!(default.info().max_patches, Some(crate::preprocess::DEFAULT_MAX_PATCHES));
        let same = load("naflex", default.info().max_patches).unwrap();
        assert_eq!(same.info().fingerprint, default.info().fingerprint);
        let image = RgbImage::new(640, 480);
        for encoder in [few, many] {
            let (prepared, info) = (encoder.prepare(&image).unwrap(), encoder.info());
            let patches = prepared.rows * prepared.cols;
            assert!(patches <= info.max_patches.unwrap() && patches * 5 > info.max_patches.unwrap() * 4);
            assert!(prepared.pixels.height() as usize <= info.input_side());
        }
    }

    #[test]
    fn patch_budget_has_bounds() {
        for budget in [0, 1 << 20] {
            let error = load("naflex", Some(budget)).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("`max_patches`: expected a whole number from 1 to 4096"), "{error}");
        }
        let error = load("fixed16", Some(256)).map(|_| ()).unwrap_err();
        assert!(matches!(error, EncodeError::NoBudget { .. }), "{error}");
    }
}
