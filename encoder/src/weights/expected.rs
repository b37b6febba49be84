//! The names and shapes of all tensors of a model, as Hugging Face checkpoints store them.

use std::collections::BTreeMap;

use crate::config::{ModelConfig, Resolution, TowerConfig};

/// Shape of every tensor that a model of this architecture has, by name.
pub(crate) fn expected(config: &ModelConfig) -> BTreeMap<String, Vec<usize>> {
    let ModelConfig { vision, text } = config;
    let mut list = List::default();
    list.add("logit_scale", &[1]);
    list.add("logit_bias", &[1]);

    let (width, patch) = (vision.tower.width, vision.patch_size);
    match vision.resolution {
        Resolution::Fixed { .. } => {
            list.add("vision_model.embeddings.patch_embedding.weight", &[width, 3, patch, patch]);
        }
        Resolution::NaFlex { .. } => {
            list.add("vision_model.embeddings.patch_embedding.weight", &[width, vision.patch_values()]);
        }
    }
    list.add("vision_model.embeddings.patch_embedding.bias", &[width]);
    list.add("vision_model.embeddings.position_embedding.weight", &[vision.positions(), width]);
    list.blocks("vision_model", &vision.tower);
    list.norm("vision_model.post_layernorm", width);
    list.pooling("vision_model.head", &vision.tower);

    let width = text.tower.width;
    list.add("text_model.embeddings.token_embedding.weight", &[text.vocab_size, width]);
    list.add("text_model.embeddings.position_embedding.weight", &[text.length, width]);
    list.blocks("text_model", &text.tower);
    list.norm("text_model.final_layer_norm", width);
    list.linear("text_model.head", config.dim(), width);

    if let Some(length) = text.long_length {
        list.add("text_model.embeddings.position_embedding_ori.weight", &[length, width]);
        list.add("text_model.embeddings.position_embedding_res.weight", &[length, width]);
        list.linear("longtext_head", config.dim(), width);
        list.linear("boxtext_head", config.dim(), width);
        list.pooling("dense_feature_head", &vision.tower);
    }
    list.0
}

#[derive(Default)]
struct List(BTreeMap<String, Vec<usize>>);

impl List {
    fn add(&mut self, name: &str, shape: &[usize]) {
        self.0.insert(name.to_owned(), shape.to_owned());
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) {
        self.add(&format!("{name}.weight"), &[outputs, inputs]);
        self.add(&format!("{name}.bias"), &[outputs]);
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.add(&format!("{name}.weight"), &[width]);
        self.add(&format!("{name}.bias"), &[width]);
    }

    fn mlp(&mut self, name: &str, tower: &TowerConfig) {
        self.linear(&format!("{name}.fc1"), tower.mlp, tower.width);
        self.linear(&format!("{name}.fc2"), tower.width, tower.mlp);
    }

    fn pooling(&mut self, name: &str, tower: &TowerConfig) {
        let width = tower.width;
        self.add(&format!("{name}.probe"), &[1, 1, width]);
        self.add(&format!("{name}.attention.in_proj_weight"), &[3 * width, width]);
        self.add(&format!("{name}.attention.in_proj_bias"), &[3 * width]);
        self.linear(&format!("{name}.attention.out_proj"), width, width);
        self.norm(&format!("{name}.layernorm"), width);
        self.mlp(&format!("{name}.mlp"), tower);
    }

    fn blocks(&mut self, tower_name: &str, tower: &TowerConfig) {
        for i in 0..tower.depth {
            let block = format!("{tower_name}.encoder.layers.{i}");
            self.norm(&format!("{block}.layer_norm1"), tower.width);
            for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                self.linear(&format!("{block}.self_attn.{projection}"), tower.width, tower.width);
            }
            self.norm(&format!("{block}.layer_norm2"), tower.width);
            self.mlp(&format!("{block}.mlp"), tower);
        }
    }
}
