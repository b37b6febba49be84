//! Holds a loaded checkpoint against values that others printed of it.
//!
//! The goldens of this project have random weights. With the published weights at hand, this says
//! in seconds whether everything between a file and a score is as it was when the values were
//! printed: download, tokenizer, preprocessing, towers, scale and bias.

mod values;

use std::path::Path;

use crate::image_file::{self, Limits};
use crate::{Encode, EncodeError, Outputs, Precision};

/// A checkpoint of which values were printed.
#[derive(Debug)]
pub struct Published {
    /// Its hub id.
    pub checkpoint: &'static str,
    /// Who printed them, and where.
    pub source: &'static str,
    /// The patch budget that they belong to; `None` for fixed resolution.
    pub max_patches: Option<usize>,
    /// Largest difference in f32.
    pub tolerance: f32,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Logits(Logits),
    Texts(&'static [TextEmbedding]),
}

/// `exp(logit_scale) * cosine + logit_bias` of texts and images.
#[derive(Debug)]
struct Logits {
    images: &'static [ReferenceImage; 3],
    texts: &'static [&'static str],
    /// Of each text, with every image.
    of_text: &'static [[f32; 3]],
}

#[derive(Debug)]
struct ReferenceImage {
    name: &'static str,
    png: &'static [u8],
}

/// The ends of a text's unit vector.
#[derive(Debug)]
struct TextEmbedding {
    text: &'static str,
    first: [f32; 5],
    last: [f32; 5],
}

/// A value as it was printed, and as it is here.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ComparedValue {
    /// What it is of, in words.
    pub what: String,
    /// As printed.
    pub published: f32,
    /// As computed now.
    pub here: f32,
    /// `here - published`.
    pub difference: f32,
    /// Whether they differ by more than [`Published::tolerance_in`].
    pub differs: bool,
}

impl Published {
    /// The values of a checkpoint by its hub id.
    pub fn of(checkpoint: &str) -> Option<&'static Self> {
        values::ALL.iter().find(|published| published.checkpoint == checkpoint)
    }

    /// The values of a checkpoint as users name it: by hub id, by a folder called as the repository
    /// is (`siglip2-base-patch16-224`), or by a folder in a cache of the hub's.
    pub fn named(name: &str) -> Option<&'static Self> {
        let is_it = |published: &&Self| {
            let repository = published.checkpoint.rsplit('/').next().unwrap_or_default();
            let cached = format!("models--{}", published.checkpoint.replace('/', "--"));
            let path = Path::new(name);
            path.file_name().is_some_and(|last| last == repository)
                || path.components().any(|part| part.as_os_str() == cached.as_str())
        };
        Self::of(name).or_else(|| values::ALL.iter().find(is_it))
    }

    /// All checkpoints of which values are known.
    pub fn all() -> &'static [Self] {
        &values::ALL
    }

    /// Largest difference allowed. What bf16 and int8 round away is many times what f32 does; their
    /// bounds find a wrong model or a wrong tokenizer, not a wrong digit.
    pub fn tolerance_in(&self, precision: Precision) -> f32 {
        self.tolerance
            * match precision {
                Precision::F32 => 1.0,
                Precision::Bf16 => 100.0,
                Precision::Int8 => 300.0,
            }
    }

    /// Computes every value with `encoder`, which has to be this checkpoint at
    /// [`Published::max_patches`].
    ///
    /// # Errors
    /// If the encoder fails.
    pub fn compare(&self, encoder: &dyn Encode, precision: Precision) -> Result<Vec<ComparedValue>, EncodeError> {
        let found = match &self.values {
            Values::Logits(logits) => logits.compute(encoder)?,
            Values::Texts(texts) => compute_ends(texts, encoder)?,
        };
        let tolerance = self.tolerance_in(precision);
        let compared = found.into_iter().map(|(what, published, here)| {
            let difference = here - published;
            // Not a number is no small difference.
            let differs = difference.is_nan() || difference.abs() > tolerance;
            ComparedValue { what, published, here, difference, differs }
        });
        Ok(compared.collect())
    }
}

/// What a value is of, as printed, and as computed.
type Found = Vec<(String, f32, f32)>;

impl Logits {
    fn compute(&self, encoder: &dyn Encode) -> Result<Found, EncodeError> {
        let scoring = encoder.info().scoring;
        let texts = encoder.encode_texts(self.texts)?;
        let prepare = |image: &ReferenceImage| {
            let decoded = image_file::decode(image.png, &Limits::default())?;
            encoder.prepare(&decoded.pixels)
        };
        let prepared = self.images.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
        let images = encoder.encode_images(&prepared, Outputs::Pooled)?;
        let mut found = Vec::new();
        for ((text, embedding), published) in self.texts.iter().zip(&texts).zip(self.of_text) {
            for ((image, features), published) in self.images.iter().zip(&images).zip(published) {
                let logit = scoring.scale * embedding.cosine(&features.embedding) + scoring.bias;
                found.push((format!("logit of \"{text}\" and the {}", image.name), *published, logit));
            }
        }
        Ok(found)
    }
}

fn compute_ends(texts: &[TextEmbedding], encoder: &dyn Encode) -> Result<Found, EncodeError> {
    let strings: Vec<&str> = texts.iter().map(|text| text.text).collect();
    let mut found = Vec::new();
    for (text, embedding) in texts.iter().zip(encoder.encode_texts(&strings)?) {
        let dim = embedding.dim();
        let places = (0..5).chain(dim.saturating_sub(5)..dim);
        for (place, published) in places.zip(text.first.iter().chain(&text.last)) {
            let here = embedding.as_slice().get(place).copied().unwrap_or(f32::NAN);
            found.push((format!("value {place} of \"{}\"", text.text), *published, here));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
