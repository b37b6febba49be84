//! A checkpoint in the layout of open_clip beside open_clip itself.

use glimpse_encoder::{Embedding, Encode as _, EncodeError, LoadOptions, Outputs, SiglipEncoder, Towers, Trace};
use glimpse_nonempty::each;
use safetensors::SafeTensors;

use crate::golden::{Golden, directory, exact_devices};

#[test]
fn embeddings_and_logits_are_those_of_open_clip() {
    let golden = Golden::read("open_clip");
    for device in each(exact_devices()) {
        let towers = Towers::load(&directory("open_clip"), Some(device)).unwrap();
        let features = towers.encode_images(&golden.images(), Outputs::Pooled, &mut Trace::off()).unwrap();
        let images: Vec<Embedding> = features.into_iter().map(|feature| feature.embedding).collect();
        let texts = towers.encode_ids(&golden.ids(), &mut Trace::off()).unwrap();
        for (name, ours) in each([("images", &images), ("texts", &texts)]) {
            let theirs = golden.reference(name);
            assert_eq!(theirs.shape, [ours.len(), towers.config().dim()]);
            for (ours, theirs) in each(ours.iter().zip(theirs.values.chunks(theirs.shape[1]))) {
                let largest = each(ours.as_slice().iter().zip(theirs)).map(|(a, b)| (a - b).abs());
                let largest = largest.fold(0f32, |most, now| if now <= most { most } else { now });
                assert!(largest <= 1e-5, "{name} on {device}: {largest:e}");
            }
        }
        let (scoring, logits) = (towers.scoring(), golden.reference("logits_per_image"));
        for (i, image) in each(images.iter().enumerate()) {
            for (j, text) in each(texts.iter().enumerate()) {
                let ours = scoring.scale * image.cosine(text) + scoring.bias;
                let theirs = logits.values[i * texts.len() + j];
                assert!((ours - theirs).abs() <= 1e-4, "{device}: logit {i}, {j}: {ours} instead of {theirs}");
            }
        }
    }
}

#[test]
fn a_model_that_was_saved_as_part_of_another_module_is_the_same() {
    let (folder, golden) = (tempfile::tempdir().unwrap(), directory("open_clip"));
    let (config, weights) = ("open_clip_config.json", "open_clip_model.safetensors");
    std::fs::copy(golden.join(config), folder.path().join(config)).unwrap();
    let bytes = std::fs::read(golden.join(weights)).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let save = |prefix: &dyn Fn(&str) -> &'static str| {
        let renamed = tensors.iter().map(|(name, view)| (format!("{}{name}", prefix(name)), view));
        safetensors::serialize_to_file(renamed, None, &folder.path().join(weights)).unwrap();
        Towers::load(folder.path(), Some("cpu:portable-f32"))
    };
    let ids = Golden::read("open_clip").ids();
    let texts = |towers: Towers| towers.encode_ids(&ids, &mut Trace::off()).unwrap();
    let of = |texts: Vec<Embedding>| texts.iter().flat_map(|text| text.as_slice().to_vec()).collect::<Vec<f32>>();
    let plain = of(texts(Towers::load(&golden, Some("cpu:portable-f32")).unwrap()));
    assert_eq!(of(texts(save(&|_| "model.").unwrap())), plain);
    let error = save(&|name| if name == "logit_scale" { "" } else { "model." }).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("no such tensor"), "{error}");
}

/// A copy of the golden checkpoint whose configuration was changed.
fn changed(from: &str, to: &str) -> Result<SiglipEncoder, EncodeError> {
    let (folder, golden) = (tempfile::tempdir().unwrap(), directory("open_clip"));
    std::fs::copy(golden.join("open_clip_model.safetensors"), folder.path().join("open_clip_model.safetensors"))
        .unwrap();
    let config = std::fs::read_to_string(golden.join("open_clip_config.json")).unwrap();
    assert!(config.contains(from), "{from}");
    std::fs::write(folder.path().join("open_clip_config.json"), config.replace(from, to)).unwrap();
    let tokenizer = Some(golden.join("../../../models/demo"));
    SiglipEncoder::load(folder.path(), &LoadOptions { tokenizer, ..LoadOptions::default() })
}

#[test]
fn what_is_another_network_is_named() {
    for (from, to, field) in each([
        ("vit_base_patch16_siglip_256", "vit_base_patch16_clip_224", "`model_cfg.vision_cfg.timm_model_name`"),
        ("vit_base_patch16_siglip_256", "vit_base_patch16_siglip_gap_256", "`model_cfg.vision_cfg.timm_model_name`"),
        (r#""timm_pool": "map""#, r#""timm_pool": "avg""#, "`model_cfg.vision_cfg.timm_pool`"),
        (r#""no_causal_mask": true"#, r#""no_causal_mask": false"#, "`model_cfg.text_cfg.no_causal_mask`"),
        (r#""resize_mode": "squash""#, r#""resize_mode": "shortest""#, "`do_resize`"),
        (r#""interpolation": "bicubic""#, r#""interpolation": "nearest""#, "`resample`"),
        (r#""image_size": 64"#, r#""image_size": 96"#, "visual.trunk.pos_embed"),
        (r#""heads": 4"#, r#""heads": 5"#, "`text_config.num_attention_heads`"),
    ]) {
        let error = changed(from, to).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(field) && error.contains("open_clip_"), "{to}: {error}");
    }
    let encoder = changed("squash", "squash").unwrap();
    assert_eq!((encoder.info().dim, encoder.info().image_size), (48, Some(64)));
}
