//! `config.json`: the architecture of a checkpoint, with the defaults of the Hugging Face classes
//! filled in.
//!
//! Published checkpoints write down only what differs from those defaults, so a missing field is
//! normal and means B/16 at 224 pixels with a vocabulary of 32,000. What *is* written must have the
//! right type and a possible size.

use std::ops::RangeInclusive;
use std::path::Path;

use serde_json::{Map, Value};

use crate::{EncodeError, files};

/// Name of the file inside a checkpoint directory.
pub const FILE: &str = "config.json";

/// Every `model_type` that is read.
pub const FAMILY: [&str; 3] = ["siglip", "siglip2", "fgclip2"];

/// Architecture of a two-tower model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelConfig {
    /// The vision tower.
    pub vision: VisionConfig,
    /// The text tower.
    pub text: TextConfig,
}

/// What both towers are made of: a stack of pre-norm transformer blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TowerConfig {
    /// Width of a token (`hidden_size`).
    pub width: usize,
    /// Number of blocks (`num_hidden_layers`).
    pub depth: usize,
    /// Attention heads; divides the width.
    pub heads: usize,
    /// Inner width of the MLP (`intermediate_size`).
    pub mlp: usize,
    /// Added to the variance in every layer norm.
    pub layer_norm_eps: f32,
    /// Between the two layers of the MLP.
    pub activation: Activation,
}

/// Activation functions that occur in this family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// GELU by the tanh approximation; every released checkpoint.
    GeluTanh,
    /// GELU by the error function.
    GeluErf,
}

/// The vision tower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VisionConfig {
    /// The blocks; their width is also the width of embeddings.
    pub tower: TowerConfig,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// How images of different shapes are read.
    pub resolution: Resolution,
}

/// How a vision tower reads images of different shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Every image is squashed to one square (`model_type` `siglip`).
    Fixed {
        /// Side of the square in pixels. What does not fill a whole patch is dropped.
        image_size: usize,
    },
    /// Every image keeps its shape within a budget of patches (`model_type` `siglip2`, "NaFlex",
    /// and `fgclip2`).
    NaFlex {
        /// Side of the square grid of learned positions, resized to the grid of each image.
        position_side: usize,
    },
}

/// The text tower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextConfig {
    /// The blocks.
    pub tower: TowerConfig,
    /// Rows of the token table.
    pub vocab_size: usize,
    /// Tokens of a text, padding included (`max_position_embeddings`).
    pub length: usize,
    /// Tokens of a long text (`longtext_len`), in the checkpoints of FG-CLIP 2 (arXiv 2510.10921).
    /// They are SigLIP 2 NaFlex with tensors beside it for long texts and for parts of images,
    /// which are checked, and not used.
    pub long_length: Option<usize>,
}

impl ModelConfig {
    /// Reads `config.json` of a checkpoint directory.
    ///
    /// # Errors
    /// [`EncodeError::MissingFile`] or [`EncodeError::Io`] if it cannot be read,
    /// [`EncodeError::Config`] with the first field that no model of this family can have.
    pub fn load(dir: &Path) -> Result<Self, EncodeError> {
        let path = dir.join(FILE);
        let text = files::read_to_string(&path).map_err(|error| EncodeError::reading(dir, FILE, error))?;
        Self::parse(&text, &path)
    }

    /// Reads the text of a `config.json`; `path` is for messages.
    ///
    /// # Errors
    /// [`EncodeError::Config`], as [`ModelConfig::load`].
    pub fn parse(json: &str, path: &Path) -> Result<Self, EncodeError> {
        let root: Value = serde_json::from_str(json).map_err(|e| EncodeError::Config {
            path: path.to_owned(),
            field: "(whole file)".to_owned(),
            expected: "a JSON object".to_owned(),
            found: e.to_string(),
        })?;
        let Value::Object(root) = &root else {
            let root = Section { path, name: "", fields: None };
            return Err(root.error("(whole file)", "a JSON object", "another JSON value"));
        };
        let root = Section { path, name: "", fields: Some(root) };
        let family = root.one_of("model_type", None, &FAMILY)?;
        let vision = root.section("vision_config")?;
        let text = root.section("text_config")?;
        vision.one_of("model_type", Some(""), &[&format!("{family}_vision_model")])?;
        text.one_of("model_type", Some(""), &[&format!("{family}_text_model")])?;

        let config =
            Self { vision: read_vision(&vision, family != "siglip")?, text: read_text(&text, family == "fgclip2")? };
        let projection = text.optional_number("projection_size", 1..=MAX_WIDTH)?.unwrap_or(config.text.tower.width);
        if projection != config.vision.tower.width {
            let expected = format!("{}, the width of image embeddings", config.vision.tower.width);
            return Err(text.error("projection_size", &expected, &projection.to_string()));
        }
        Ok(config)
    }

    /// `model_type` as in `config.json`.
    pub fn model_type(&self) -> &'static str {
        match self.vision.resolution {
            _ if self.text.long_length.is_some() => "fgclip2",
            Resolution::Fixed { .. } => "siglip",
            Resolution::NaFlex { .. } => "siglip2",
        }
    }

    /// All fields in one line, for fingerprints: written by hand, so that no library's formatting
    /// can change it.
    pub(crate) fn canonical(&self) -> String {
        let (text, vision) = (&self.text, self.vision.canonical());
        let long = text.long_length.map_or_else(String::new, |length| format!(" long {length}"));
        let tower = text.tower.canonical();
        format!("vision {vision}; text {tower} vocab {} length {}{long}", text.vocab_size, text.length)
    }

    /// Width of embeddings: images and texts meet at the vision tower's width.
    pub fn dim(&self) -> usize {
        self.vision.tower.width
    }
}

impl TowerConfig {
    fn canonical(&self) -> String {
        let activation = match self.activation {
            Activation::GeluTanh => "gelu-tanh",
            Activation::GeluErf => "gelu-erf",
        };
        format!("{} {} {} {} {:e} {activation}", self.width, self.depth, self.heads, self.mlp, self.layer_norm_eps)
    }

    /// Width of one attention head.
    pub fn head_width(&self) -> usize {
        self.width / self.heads
    }
}

impl VisionConfig {
    /// As [`ModelConfig::canonical`], of the images' side.
    pub(crate) fn canonical(&self) -> String {
        let resolution = match self.resolution {
            Resolution::Fixed { image_size } => format!("fixed {image_size}"),
            Resolution::NaFlex { position_side } => format!("naflex {position_side}"),
        };
        format!("{} patch {} {resolution}", self.tower.canonical(), self.patch_size)
    }

    /// Rows of the position table.
    pub fn positions(&self) -> usize {
        match self.resolution {
            Resolution::Fixed { image_size } => (image_size / self.patch_size).pow(2),
            Resolution::NaFlex { position_side } => position_side.pow(2),
        }
    }

    /// Values of one patch: rows x columns x RGB.
    pub fn patch_values(&self) -> usize {
        self.patch_size * self.patch_size * 3
    }
}

// Far above every released model, far below what would exhaust memory before the first tensor is
// compared.
const MAX_WIDTH: usize = 1 << 14;
const MAX_MLP: usize = 1 << 16;
const MAX_DEPTH: usize = 1 << 8;
const MAX_VOCAB: usize = 1 << 22;
const MAX_TOKENS: usize = 1 << 14;

fn read_vision(vision: &Section, naflex: bool) -> Result<VisionConfig, EncodeError> {
    let tower = read_tower(vision)?;
    vision.number("num_channels", 3, 3..=3)?;
    if !vision.flag("vision_use_head", true)? {
        return Err(vision.error(
            "vision_use_head",
            "true: without the attention-pooling head images have no embedding",
            "false",
        ));
    }
    let patch_size = vision.number("patch_size", 16, 1..=256)?;
    let resolution = if naflex {
        let positions = vision.number("num_patches", 256, 1..=MAX_TOKENS)?;
        let position_side = positions.isqrt();
        if position_side * position_side != positions {
            return Err(vision.error("num_patches", "a square number, the grid of positions", &positions.to_string()));
        }
        Resolution::NaFlex { position_side }
    } else {
        let largest = patch_size * MAX_TOKENS.isqrt();
        Resolution::Fixed { image_size: vision.number("image_size", 224, patch_size..=largest)? }
    };
    Ok(VisionConfig { tower, patch_size, resolution })
}

fn read_text(text: &Section, is_fg_clip: bool) -> Result<TextConfig, EncodeError> {
    let long_length = || text.number("longtext_len", 196, 1..=MAX_TOKENS);
    Ok(TextConfig {
        tower: read_tower(text)?,
        vocab_size: text.number("vocab_size", 32_000, 1..=MAX_VOCAB)?,
        length: text.number("max_position_embeddings", 64, 1..=MAX_TOKENS)?,
        long_length: if is_fg_clip { Some(long_length()?) } else { None },
    })
}

fn read_tower(section: &Section) -> Result<TowerConfig, EncodeError> {
    let width = section.number("hidden_size", 768, 1..=MAX_WIDTH)?;
    let heads = section.number("num_attention_heads", 12, 1..=MAX_WIDTH)?;
    if width % heads != 0 {
        let expected = format!("a divisor of hidden_size ({width})");
        return Err(section.error("num_attention_heads", &expected, &heads.to_string()));
    }
    let activation =
        match section.one_of("hidden_act", Some("gelu_pytorch_tanh"), &["gelu_pytorch_tanh", "gelu_new", "gelu"])? {
            "gelu" => Activation::GeluErf,
            _ => Activation::GeluTanh,
        };
    Ok(TowerConfig {
        width,
        depth: section.number("num_hidden_layers", 12, 1..=MAX_DEPTH)?,
        heads,
        mlp: section.number("intermediate_size", 3072, 1..=MAX_MLP)?,
        layer_norm_eps: section.epsilon("layer_norm_eps", 1e-6)?,
        activation,
    })
}

/// One object of the file, and where it stands, so that an error can name the field in full.
struct Section<'a> {
    path: &'a Path,
    name: &'a str,
    fields: Option<&'a Map<String, Value>>,
}

impl<'a> Section<'a> {
    fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.and_then(|f| f.get(field))
    }

    fn section(&self, name: &'a str) -> Result<Self, EncodeError> {
        let fields = match self.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(fields)) => Some(fields),
            Some(other) => return Err(self.error(name, "an object", &shown(other))),
        };
        Ok(Self { path: self.path, name, fields })
    }

    fn number(&self, field: &str, default: usize, allowed: RangeInclusive<usize>) -> Result<usize, EncodeError> {
        if self.get(field).is_none() {
            return Ok(default);
        }
        let found = self.optional_number(field, allowed.clone())?;
        found.ok_or_else(|| self.error(field, &span(&allowed), "null"))
    }

    fn optional_number(&self, field: &str, allowed: RangeInclusive<usize>) -> Result<Option<usize>, EncodeError> {
        match self.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().and_then(|v| usize::try_from(v).ok()) {
                Some(v) if allowed.contains(&v) => Ok(Some(v)),
                _ => Err(self.error(field, &span(&allowed), &shown(value))),
            },
        }
    }

    fn epsilon(&self, field: &str, default: f32) -> Result<f32, EncodeError> {
        match self.get(field) {
            None => Ok(default),
            Some(value) => match value.as_f64() {
                Some(v) if v > 0.0 && v < 0.1 => Ok(v as f32),
                _ => Err(self.error(field, "a number between 0 and 0.1", &shown(value))),
            },
        }
    }

    fn flag(&self, field: &str, default: bool) -> Result<bool, EncodeError> {
        match self.get(field) {
            None => Ok(default),
            Some(Value::Bool(v)) => Ok(*v),
            Some(other) => Err(self.error(field, "true or false", &shown(other))),
        }
    }

    /// A string out of `allowed`; `default` stands for a missing field, and `None` makes the field
    /// required.
    fn one_of(&self, field: &str, default: Option<&'static str>, allowed: &[&str]) -> Result<&'a str, EncodeError> {
        let expected = || allowed.iter().map(|a| format!("\"{a}\"")).collect::<Vec<_>>().join(" or ");
        match (self.get(field), default) {
            (None, Some(default)) => Ok(default),
            (None, None) => Err(self.error(field, &expected(), "nothing")),
            (Some(Value::String(s)), _) if allowed.contains(&s.as_str()) => Ok(s),
            (Some(other), _) => Err(self.error(field, &expected(), &shown(other))),
        }
    }

    fn error(&self, field: &str, expected: &str, found: &str) -> EncodeError {
        EncodeError::Config {
            path: self.path.to_owned(),
            field: if self.name.is_empty() { field.to_owned() } else { format!("{}.{field}", self.name) },
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }
}

fn span(allowed: &RangeInclusive<usize>) -> String {
    if allowed.start() == allowed.end() {
        return allowed.start().to_string();
    }
    format!("a whole number from {} to {}", allowed.start(), allowed.end())
}

/// A value as found, short enough for a message.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
