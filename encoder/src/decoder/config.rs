//! `decoder.json`: sizes of the network and its vocabulary.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::token_ids::{COORDINATES, LANGUAGE};
use crate::{EncodeError, files};

const FILE: &str = "decoder.json";
const FORMAT: u32 = 1;
/// Of the waves that tell where a patch is.
pub(super) const OCTAVES: usize = 5;
/// Room for a box, what stands around it, and a word or two.
const SHORTEST: usize = 16;

/// What the file says; the fields carry the names of the towers' own `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub format: u32,
    /// Width of the tokens that it attends to, and of embeddings.
    pub vision_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_attention_heads: usize,
    pub num_hidden_layers: usize,
    /// Most tokens of a sequence.
    pub length: usize,
    pub layer_norm_eps: f32,
    pub languages: Vec<String>,
    /// Ids of the tower's tokenizer that the decoder has tokens for.
    pub pieces: Vec<u32>,
    /// The text of each piece, as in `tokenizer.json`.
    pub texts: Vec<String>,
}

impl Config {
    /// Reads the file of a checkpoint directory whose tokens have `width` values.
    pub fn load(dir: &Path, width: usize) -> Result<Self, EncodeError> {
        let path = dir.join(FILE);
        let text = files::read_to_string(&path).map_err(|error| EncodeError::reading(dir, FILE, error))?;
        let wrong = |(field, expected, found): (&str, String, String)| EncodeError::Config {
            path: path.clone(),
            field: field.to_owned(),
            expected,
            found,
        };
        let config: Self = serde_json::from_str(&text)
            .map_err(|e| wrong(("(whole file)", "the description of a decoder".to_owned(), e.to_string())))?;
        config.check(width).map_err(wrong)?;
        Ok(config)
    }

    /// The first field that no decoder of this tower can have: its name, what is expected, what is
    /// there.
    fn check(&self, width: usize) -> Result<(), (&'static str, String, String)> {
        let sizes = [
            ("hidden_size", self.hidden_size, 1..=1 << 14),
            ("intermediate_size", self.intermediate_size, 1..=1 << 16),
            ("num_attention_heads", self.num_attention_heads, 1..=1 << 10),
            ("num_hidden_layers", self.num_hidden_layers, 1..=1 << 8),
            ("length", self.length, SHORTEST..=1 << 12),
        ];
        if self.format != FORMAT {
            return Err(("format", FORMAT.to_string(), self.format.to_string()));
        }
        if let Some((field, found, range)) = sizes.into_iter().find(|(_, size, range)| !range.contains(size)) {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            return Err((field, expected, found.to_string()));
        }
        if self.vision_size != width {
            return Err((
                "vision_size",
                format!("{width}, the width of the vision tower"),
                self.vision_size.to_string(),
            ));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let expected = format!("a divisor of hidden_size ({})", self.hidden_size);
            return Err(("num_attention_heads", expected, self.num_attention_heads.to_string()));
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 0.1) {
            return Err(("layer_norm_eps", "a number between 0 and 0.1".to_owned(), self.layer_norm_eps.to_string()));
        }
        if self.languages.is_empty() {
            return Err(("languages", "at least one".to_owned(), "none".to_owned()));
        }
        if self.pieces.len() != self.texts.len() {
            return Err(("texts", format!("{}, one a piece", self.pieces.len()), self.texts.len().to_string()));
        }
        Ok(())
    }

    /// Number of tokens that it can say.
    pub fn vocabulary(&self) -> usize {
        LANGUAGE as usize + self.languages.len() + COORDINATES as usize + self.pieces.len()
    }

    /// Shape of every tensor by name.
    pub fn expected_tensors(&self) -> BTreeMap<String, Vec<usize>> {
        let (width, inner, tokens) = (self.hidden_size, self.intermediate_size, self.vocabulary());
        let mut shapes = BTreeMap::new();
        let mut linear = |name: &str, outputs: usize, inputs: usize| {
            shapes.insert(format!("{name}.weight"), vec![outputs, inputs]);
            shapes.insert(format!("{name}.bias"), vec![outputs]);
        };
        linear("output", tokens, width);
        for i in 0..self.num_hidden_layers {
            for (attention, source) in [("self_attn", width), ("cross_attn", 2 * self.vision_size)] {
                for (part, inputs) in [("q_proj", width), ("k_proj", source), ("v_proj", source), ("out_proj", width)] {
                    linear(&format!("layers.{i}.{attention}.{part}"), width, inputs);
                }
            }
            linear(&format!("layers.{i}.mlp.fc1"), inner, width);
            linear(&format!("layers.{i}.mlp.fc2"), width, inner);
        }
        let norms = (0..self.num_hidden_layers)
            .flat_map(|i| (1..=3).map(move |norm| format!("layers.{i}.layer_norm{norm}")))
            .chain(["final_layer_norm".to_owned()]);
        for norm in norms {
            shapes.insert(format!("{norm}.weight"), vec![width]);
            shapes.insert(format!("{norm}.bias"), vec![width]);
        }
        shapes.insert("token_embedding.weight".to_owned(), vec![tokens, width]);
        shapes.insert("expression.weight".to_owned(), vec![width, self.vision_size]);
        shapes.insert("place.weight".to_owned(), vec![self.vision_size, 4 * OCTAVES]);
        shapes.insert("position_embedding.weight".to_owned(), vec![self.length, width]);
        shapes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    fn message(change: (&str, serde_json::Value)) -> String {
        let dir = tempfile::tempdir().unwrap();
        let mut json = serde_json::json!({
            "format": 1, "vision_size": 24, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4,
            "num_hidden_layers": 2, "length": 20, "layer_norm_eps": 1e-6, "languages": ["en"], "pieces": [5], "texts": ["a"],
        });
        json[change.0] = change.1;
        fs::write(dir.path().join(FILE), json.to_string()).unwrap();
        Config::load(dir.path(), 24).map(|_| ()).map_err(|e| e.to_string()).err().unwrap_or_default()
    }

    #[test]
    fn errors_name_field_expectation_and_finding() {
        assert_eq!(message(("format", 1.into())), "");
        for (field, value, expected) in [
            ("format", 2.into(), "field `format`: expected 1, found 2"),
            ("vision_size", 32.into(), "field `vision_size`: expected 24, the width of the vision tower, found 32"),
            ("num_attention_heads", 5.into(), "expected a divisor of hidden_size (32), found 5"),
            ("length", 0.into(), "field `length`: expected a whole number from 16 to 4096, found 0"),
            ("languages", serde_json::json!([]), "field `languages`: expected at least one, found none"),
            ("texts", serde_json::json!([]), "field `texts`: expected 1, one a piece, found 0"),
            ("other", 1.into(), "unknown field `other`"),
        ] {
            assert!(message((field, value)).contains(expected), "{field}");
        }
    }
}
