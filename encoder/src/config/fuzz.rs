//! Fuzz target: `config.json` of a model, which comes from whoever made it.

use std::path::Path;

use glimpse_fuzz::Target;
use glimpse_nonempty::Every as _;

use super::ModelConfig;
use crate::weights::expected;

const CONFIG: &str = r#"{"model_type": "siglip",
    "vision_config": {"hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1, "num_attention_heads": 2,
                      "image_size": 4, "patch_size": 2},
    "text_config": {"hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1, "num_attention_heads": 2,
                    "vocab_size": 5, "max_position_embeddings": 3}}"#;

#[test]
fn config() {
    let patches = CONFIG.replace(r#""image_size": 4"#, r#""num_patches": 256"#);
    let words = [
        "siglip2",
        "siglip",
        "fgclip2",
        "model_type",
        "vision_use_head",
        "hidden_act",
        "gelu_pytorch_tanh",
        "num_patches",
    ];
    let target = Target::new("config").seed(CONFIG).seed(patches.replace("siglip", "siglip2")).words(&words);
    target.run(|input| {
        let config = ModelConfig::parse(&String::from_utf8_lossy(input), Path::new("config.json"));
        let config = config.map_err(|error| error.to_string())?;
        // What it asks for can be counted.
        let values = |shape: &Vec<usize>| shape.iter().fold(1usize, |values, &side| values.saturating_mul(side));
        assert!(expected(&config).values().every(|shape| values(shape) > 0));
        assert!(config.dim() > 0 && !expected(&config).is_empty());
        Ok(config.model_type().to_owned())
    });
}
