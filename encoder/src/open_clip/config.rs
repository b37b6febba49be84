//! `open_clip_config.json`, said in the fields of Hugging Face's `config.json` and
//! `preprocessor_config.json`, whose readers check it.

use std::path::Path;

use serde_json::{Value, json};

use crate::EncodeError;
use crate::config::ModelConfig;
use crate::weights::Checkpoint;

/// Heads and activation of timm's vision towers, by the size in their names
/// (`vit_base_patch16_siglip_256`).
const TOWERS: [(&str, usize, &str); 4] =
    [("base", 12, ERF), ("large", 16, ERF), ("so400m", 16, ERF), ("giantopt", 16, TANH)];

/// Activations, as Hugging Face calls them.
const ERF: &str = "gelu";
const TANH: &str = "gelu_pytorch_tanh";

/// The architecture.
///
/// # Errors
/// [`EncodeError`] that names what is missing, or not of this family.
pub(super) fn model(config: &Value, path: &Path, checkpoint: &Checkpoint) -> Result<ModelConfig, EncodeError> {
    let wrong = |field: &str, expected: &str, found: Option<&Value>| EncodeError::Config {
        path: path.to_owned(),
        field: format!("model_cfg.{field}"),
        expected: expected.to_owned(),
        found: found.map_or_else(|| "nothing".to_owned(), |found| found.to_string().chars().take(80).collect()),
    };
    let field = |name: &str| config.pointer(&format!("/model_cfg/{}", name.replace('.', "/")));
    let name = field("vision_cfg.timm_model_name");
    let size = name.and_then(Value::as_str).and_then(size_of);
    let Some((_, heads, activation)) = TOWERS.into_iter().find(|(known, ..)| Some(*known) == size) else {
        let expected = "vit_base, vit_large, vit_so400m or vit_giantopt with _patchN_siglip";
        return Err(wrong("vision_cfg.timm_model_name", expected, name));
    };
    let pool = field("vision_cfg.timm_pool");
    if pool.and_then(Value::as_str) != Some("map") {
        return Err(wrong("vision_cfg.timm_pool", "\"map\", the attention-pooling head", pool));
    }
    if let Some(causal) = field("text_cfg.no_causal_mask").filter(|value| value.as_bool() != Some(true)) {
        return Err(wrong("text_cfg.no_causal_mask", "true", Some(causal)));
    }
    let side = |name: &str, axis: usize| {
        checkpoint.get(name).map(|tensor| tensor.shape().get(axis).copied().unwrap_or_default())
    };
    let depth = |blocks: &str, norm: &str| {
        (0..).take_while(|i| checkpoint.get(&format!("{blocks}.{i}.{norm}.weight")).is_ok()).count()
    };
    let patch = "visual.trunk.patch_embed.proj.weight";
    let approximates = field("text_cfg.act_kwargs.approximate").and_then(Value::as_str) == Some("tanh");
    let vision = json!({
        "hidden_size": side(patch, 0)?,
        "intermediate_size": side("visual.trunk.blocks.0.mlp.fc1.weight", 0)?,
        "num_hidden_layers": depth("visual.trunk.blocks", "norm1"),
        "num_attention_heads": heads,
        "hidden_act": activation,
        "image_size": field("vision_cfg.image_size"),
        "patch_size": side(patch, 2)?,
    });
    let text = json!({
        "hidden_size": side("text.token_embedding.weight", 1)?,
        "intermediate_size": side("text.transformer.resblocks.0.mlp.c_fc.weight", 0)?,
        "num_hidden_layers": depth("text.transformer.resblocks", "ln_1"),
        "num_attention_heads": field("text_cfg.heads"),
        "hidden_act": if approximates { TANH } else { ERF },
        "vocab_size": side("text.token_embedding.weight", 0)?,
        "max_position_embeddings": side("text.positional_embedding", 0)?,
        "projection_size": side("text.text_projection.weight", 0)?,
    });
    let model = json!({ "model_type": "siglip", "vision_config": vision, "text_config": text });
    ModelConfig::parse(&model.to_string(), path)
}

/// `base` of `vit_base_patch16_siglip_256`.
fn size_of(name: &str) -> Option<&str> {
    let (size, rest) = name.strip_prefix("vit_")?.split_once("_patch")?;
    let (_, rest) = rest.split_once("_siglip")?;
    (rest.is_empty() || rest.trim_start_matches('_').parse::<u32>().is_ok()).then_some(size)
}

/// The steps of `preprocess_cfg`.
pub(super) fn preprocessor(config: &Value) -> Value {
    let field = |name: &str| config.pointer(&format!("/preprocess_cfg/{name}")).cloned();
    let resample = match field("interpolation").as_ref().and_then(Value::as_str) {
        Some("bilinear") => json!(2),
        Some("bicubic") | None => json!(3),
        Some(other) => json!(other),
    };
    // Anything but a square of the whole image is a step that these models do not have.
    let squashes = field("resize_mode").is_none_or(|mode| mode.as_str() == Some("squash"));
    json!({ "image_mean": field("mean"), "image_std": field("std"), "resample": resample, "do_resize": squashes })
}
