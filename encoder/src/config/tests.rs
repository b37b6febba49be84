#![allow(clippy::unwrap_used, clippy::expect_used)]

use glimpse_nonempty::each;

use super::*;

fn parse(json: &str) -> Result<ModelConfig, EncodeError> {
    ModelConfig::parse(json, Path::new("config.json"))
}

fn message(json: &str) -> String {
    parse(json).expect_err(json).to_string()
}

#[test]
fn published_config_relies_on_class_defaults() {
    let config = parse(
        r#"{"architectures": ["SiglipModel"], "initializer_factor": 1.0, "model_type": "siglip",
            "text_config": {"model_type": "siglip_text_model", "vocab_size": 256000},
            "torch_dtype": "float32", "transformers_version": "4.49.0.dev0",
            "vision_config": {"image_size": 512, "model_type": "siglip_vision_model"}}"#,
    )
    .unwrap();
    let tower = TowerConfig {
        width: 768,
        depth: 12,
        heads: 12,
        mlp: 3072,
        layer_norm_eps: 1e-6,
        activation: Activation::GeluTanh,
    };
    let resolution = Resolution::Fixed { image_size: 512 };
    assert_eq!(config.vision, VisionConfig { tower, patch_size: 16, resolution });
    assert_eq!(config.text, TextConfig { tower, vocab_size: 256_000, length: 64, long_length: None });
    assert_eq!((config.dim(), config.vision.positions()), (768, 1024));
    assert_eq!(config.model_type(), "siglip");
}

#[test]
fn fg_clip_2_is_naflex_with_long_texts() {
    let config = parse(
        r#"{"model_type": "fgclip2", "text_config": {"model_type": "fgclip2_text_model", "keep_len": 20},
            "vision_config": {"model_type": "fgclip2_vision_model"}}"#,
    )
    .unwrap();
    assert_eq!((config.model_type(), config.text.length, config.text.long_length), ("fgclip2", 64, Some(196)));
    assert!(matches!(config.vision.resolution, Resolution::NaFlex { position_side: 16 }));
    let siglip2 = parse(r#"{"model_type": "siglip2"}"#).unwrap();
    assert_eq!(siglip2.text.long_length, None);
    assert_eq!(config.canonical(), format!("{} long 196", siglip2.canonical()));
}

#[test]
fn bare_model_type_is_a_whole_model() {
    let config = parse(r#"{"model_type": "siglip2"}"#).unwrap();
    assert_eq!(config.vision.resolution, Resolution::NaFlex { position_side: 16 });
    assert_eq!(config.text.vocab_size, 32_000);
}

#[test]
fn giant_projects_text_to_the_width_of_images() {
    let giant = |projection: &str| {
        format!(
            r#"{{"model_type": "siglip",
                "vision_config": {{"hidden_size": 1536, "num_attention_heads": 16, "num_hidden_layers": 40,
                                   "intermediate_size": 6144}},
                "text_config": {{"hidden_size": 1152, "num_attention_heads": 16, "num_hidden_layers": 27,
                                 "intermediate_size": 4304 {projection}}}}}"#
        )
    };
    let config = parse(&giant(r#", "projection_size": 1536"#)).unwrap();
    assert_eq!((config.dim(), config.text.tower.head_width(), config.vision.tower.head_width()), (1536, 72, 96));
    for wrong in ["", r#", "projection_size": null"#] {
        let expected = "config.json: field `text_config.projection_size`: \
                        expected 1536, the width of image embeddings, found 1152";
        assert_eq!(message(&giant(wrong)), expected);
    }
}

#[test]
fn patch_14_drops_the_border() {
    let config = parse(r#"{"model_type": "siglip", "vision_config": {"image_size": 384, "patch_size": 14}}"#).unwrap();
    assert_eq!(config.vision.positions(), 27 * 27);
}

#[test]
fn errors_name_field_expectation_and_finding() {
    let cases = [
        (
            r#"{"model_type": "clip"}"#,
            r#"field `model_type`: expected "siglip" or "siglip2" or "fgclip2", found "clip""#,
        ),
        (r#"{}"#, r#"field `model_type`: expected "siglip" or "siglip2" or "fgclip2", found nothing"#),
        (r#"[1]"#, "field `(whole file)`: expected a JSON object, found another JSON value"),
        (r#"{"model_type": "siglip", "vision_config": 3}"#, "field `vision_config`: expected an object, found 3"),
        (
            r#"{"model_type": "siglip2", "vision_config": {"model_type": "siglip_vision_model"}}"#,
            r#"field `vision_config.model_type`: expected "siglip2_vision_model", found "siglip_vision_model""#,
        ),
        (
            r#"{"model_type": "siglip", "vision_config": {"hidden_size": "768"}}"#,
            r#"field `vision_config.hidden_size`: expected a whole number from 1 to 16384, found "768""#,
        ),
        (
            r#"{"model_type": "siglip", "text_config": {"hidden_size": 0}}"#,
            "field `text_config.hidden_size`: expected a whole number from 1 to 16384, found 0",
        ),
        (
            r#"{"model_type": "siglip", "text_config": {"num_hidden_layers": -2}}"#,
            "field `text_config.num_hidden_layers`: expected a whole number from 1 to 256, found -2",
        ),
        (
            r#"{"model_type": "siglip", "text_config": {"num_hidden_layers": null}}"#,
            "field `text_config.num_hidden_layers`: expected a whole number from 1 to 256, found null",
        ),
        (
            r#"{"model_type": "siglip", "text_config": {"vocab_size": 18446744073709551615}}"#,
            "field `text_config.vocab_size`: expected a whole number from 1 to 4194304, found 18446744073709551615",
        ),
        (
            r#"{"model_type": "siglip", "vision_config": {"num_attention_heads": 7}}"#,
            "field `vision_config.num_attention_heads`: expected a divisor of hidden_size (768), found 7",
        ),
        (
            r#"{"model_type": "siglip", "vision_config": {"hidden_act": "relu"}}"#,
            r#"field `vision_config.hidden_act`: expected "gelu_pytorch_tanh" or "gelu_new" or "gelu", found "relu""#,
        ),
        (
            r#"{"model_type": "siglip", "vision_config": {"vision_use_head": false}}"#,
            "field `vision_config.vision_use_head`: expected true: without the attention-pooling head images have \
             no embedding, found false",
        ),
        (
            r#"{"model_type": "siglip", "vision_config": {"num_channels": 1}}"#,
            "field `vision_config.num_channels`: expected 3, found 1",
        ),
        (
            r#"{"model_type": "siglip", "vision_config": {"image_size": 8}}"#,
            "field `vision_config.image_size`: expected a whole number from 16 to 2048, found 8",
        ),
        (
            r#"{"model_type": "siglip2", "vision_config": {"num_patches": 250}}"#,
            "field `vision_config.num_patches`: expected a square number, the grid of positions, found 250",
        ),
        (
            r#"{"model_type": "siglip", "text_config": {"layer_norm_eps": 0}}"#,
            "field `text_config.layer_norm_eps`: expected a number between 0 and 0.1, found 0",
        ),
    ];
    for (json, expected) in each(cases) {
        assert_eq!(message(json), format!("config.json: {expected}"));
    }
}

#[test]
fn broken_json_and_long_values_stay_readable() {
    assert!(message("{\"model_type\": ").contains("expected a JSON object, found EOF"));
    let long = format!(r#"{{"model_type": "{}"}}"#, "ü".repeat(500));
    assert!(message(&long).len() < 250, "{}", message(&long));
}

#[test]
fn missing_file_says_what_belongs_there() {
    let dir = tempfile::tempdir().unwrap();
    let error = ModelConfig::load(dir.path()).unwrap_err();
    assert!(matches!(&error, EncodeError::MissingFile { file, .. } if file == FILE), "{error}");
}
