//! The names of open_clip and timm beside those of Hugging Face.

use crate::EncodeError;
use crate::config::ModelConfig;
use crate::weights::{Checkpoint, StoredTensor};

/// One block of timm's vision tower (`visual.trunk.blocks.N`), and of Hugging Face's
/// (`vision_model.encoder.layers.N`). Three names stand for thirds of the rows.
const VISION_BLOCK: [(&str, &[&str]); 6] = [
    ("norm1", &["layer_norm1"]),
    ("attn.qkv", &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
    ("attn.proj", &["self_attn.out_proj"]),
    ("norm2", &["layer_norm2"]),
    ("mlp.fc1", &["mlp.fc1"]),
    ("mlp.fc2", &["mlp.fc2"]),
];

/// The same of the text tower (`text.transformer.resblocks.N`, `text_model.encoder.layers.N`).
const TEXT_BLOCK: [(&str, &[&str]); 5] = [
    ("ln_1", &["layer_norm1"]),
    ("attn.out_proj", &["self_attn.out_proj"]),
    ("ln_2", &["layer_norm2"]),
    ("mlp.c_fc", &["mlp.fc1"]),
    ("mlp.c_proj", &["mlp.fc2"]),
];

/// Pairs of a weight and a bias.
const LAYERS: [(&str, &str); 8] = [
    ("visual.trunk.patch_embed.proj", "vision_model.embeddings.patch_embedding"),
    ("visual.trunk.norm", "vision_model.post_layernorm"),
    ("visual.trunk.attn_pool.proj", "vision_model.head.attention.out_proj"),
    ("visual.trunk.attn_pool.norm", "vision_model.head.layernorm"),
    ("visual.trunk.attn_pool.mlp.fc1", "vision_model.head.mlp.fc1"),
    ("visual.trunk.attn_pool.mlp.fc2", "vision_model.head.mlp.fc2"),
    ("text.ln_final", "text_model.final_layer_norm"),
    ("text.text_projection", "text_model.head"),
];

/// Tensors without a bias.
const TENSORS: [(&str, &str); 3] = [
    ("visual.trunk.attn_pool.latent", "vision_model.head.probe"),
    ("text.token_embedding.weight", "text_model.embeddings.token_embedding.weight"),
    ("text.positional_embedding", "text_model.embeddings.position_embedding.weight"),
];

/// A checkpoint under the names of Hugging Face. Tensors that no model of this family has keep
/// theirs, so that who compares names finds them.
///
/// # Errors
/// [`EncodeError::Tensor`] names the first tensor that is missing or cannot be cut into three.
pub(super) fn renamed(checkpoint: &Checkpoint, config: &ModelConfig) -> Result<Checkpoint, EncodeError> {
    let mut names = Names { from: checkpoint.clone(), to: checkpoint.without_tensors() };
    let positions = [config.vision.positions(), config.dim()];
    for (from, to, shape) in [
        ("visual.trunk.pos_embed", "vision_model.embeddings.position_embedding.weight", &positions[..]),
        ("logit_scale", "logit_scale", &[1]),
        ("logit_bias", "logit_bias", &[1]),
    ] {
        let tensor = names.from.remove(from)?;
        let found = format!("{:?}", tensor.shape());
        let shaped = tensor.shaped(shape).ok_or_else(|| names.from.error(from, &format!("{shape:?}"), &found))?;
        names.to.insert(to, shaped);
    }
    for (from, to) in TENSORS {
        names.take(&[from], &[to])?;
    }
    for part in ["weight", "bias"] {
        for (from, to) in LAYERS {
            names.take(&[&format!("{from}.{part}")], &[&format!("{to}.{part}")])?;
        }
        let pool = |name: &str| format!("visual.trunk.attn_pool.{name}.{part}");
        names.take(&[&pool("q"), &pool("kv")], &[&format!("vision_model.head.attention.in_proj_{part}")])?;
        for block in 0..config.vision.tower.depth {
            let from = format!("visual.trunk.blocks.{block}");
            names.block(&from, &format!("vision_model.encoder.layers.{block}"), &VISION_BLOCK, part)?;
        }
        for block in 0..config.text.tower.depth {
            let (from, to) =
                (format!("text.transformer.resblocks.{block}"), format!("text_model.encoder.layers.{block}"));
            names.block(&from, &to, &TEXT_BLOCK, part)?;
            let thirds = ["q", "k", "v"].map(|name| format!("{to}.self_attn.{name}_proj.{part}"));
            names.take(&[&format!("{from}.attn.in_proj_{part}")], &thirds.each_ref().map(String::as_str))?;
        }
    }
    Ok(names.rest())
}

/// Tensors that have no new name yet, and those that have.
struct Names {
    from: Checkpoint,
    to: Checkpoint,
}

impl Names {
    /// Joins the rows of some tensors, and cuts them into as many equal parts as there are new
    /// names.
    fn take(&mut self, from: &[&str], to: &[&str]) -> Result<(), EncodeError> {
        let taken = from.iter().map(|name| self.from.remove(name)).collect::<Result<Vec<_>, _>>()?;
        let joined = StoredTensor::joined(taken);
        let parts = joined.and_then(|joined| joined.cut(to.len()));
        let parts = parts.ok_or_else(|| {
            self.from.error(from[0], &format!("rows that can be cut into {} equal parts", to.len()), "other shapes")
        })?;
        to.iter().zip(parts).for_each(|(name, tensor)| self.to.insert(name, tensor));
        Ok(())
    }

    fn block(&mut self, from: &str, to: &str, layers: &[(&str, &[&str])], part: &str) -> Result<(), EncodeError> {
        for (layer, parts) in layers {
            let parts: Vec<String> = parts.iter().map(|name| format!("{to}.{name}.{part}")).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            self.take(&[&format!("{from}.{layer}.{part}")], &parts)?;
        }
        Ok(())
    }

    fn rest(mut self) -> Checkpoint {
        self.to.extend(self.from);
        self.to
    }
}
