#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use glimpse_nonempty::each;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

use super::*;

const LAYER: &str = "text_model.encoder.layers.0.mlp.fc1";
/// Shape of the layer's weight in the golden checkpoint.
const OUTPUTS: usize = 96;
const INPUTS: usize = 64;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name)
}

/// An adapter of one layer, rank 2, whose files a test may spoil.
struct Parts {
    config: serde_json::Value,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

fn parts() -> Parts {
    let config = serde_json::json!({
        "peft_type": "LORA", "r": 2, "lora_alpha": 3.0, "bias": "none", "target_modules": ["fc1"],
        "rank_pattern": {}, "modules_to_save": null, "use_dora": false, "init_lora_weights": true
    });
    let name = |matrix: &str| format!("{PREFIX}{LAYER}.lora_{matrix}.weight");
    let values = |count: usize| (0..count).map(|i| (i % 7) as f32 - 3.0).collect();
    let a = (vec![2, INPUTS], values(2 * INPUTS));
    let b = (vec![OUTPUTS, 2], values(2 * OUTPUTS));
    Parts { config, tensors: BTreeMap::from([(name("A"), a), (name("B"), b)]) }
}

fn write(parts: &Parts) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("adapter_config.json"), parts.config.to_string()).unwrap();
    let bytes: Vec<Vec<u8>> = parts
        .tensors
        .values()
        .map(|(_, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = parts.tensors.iter().zip(&bytes);
    let views = views
        .map(|((name, (shape, _)), bytes)| (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    serialize_to_file(views, None, &dir.path().join(WEIGHTS)).unwrap();
    dir
}

/// What is said of an adapter after `spoil`, without its folder.
fn refusal(spoil: impl FnOnce(&mut Parts)) -> String {
    let mut parts = parts();
    spoil(&mut parts);
    let dir = write(&parts);
    let mut checkpoint = Checkpoint::open(&golden("fixed16")).unwrap();
    let error = Adapter::open(dir.path()).and_then(|adapter| adapter.apply(&mut checkpoint)).unwrap_err();
    error.to_string().replace(&dir.path().display().to_string(), "DIR")
}

/// The definition: W + alpha / r B A, and all other tensors as they were.
#[test]
fn a_weight_gets_its_product_and_no_other_changes() {
    let (parts, plain) = (parts(), Checkpoint::open(&golden("fixed16")).unwrap());
    let dir = write(&parts);
    let name = format!("{LAYER}.weight");
    for path in [dir.path().to_owned(), dir.path().join(WEIGHTS)] {
        let mut adapted = plain.clone();
        assert_eq!(Adapter::open(&path).unwrap().apply(&mut adapted).unwrap(), Adapted { images: false });
        for other in each(plain.names().filter(|other| *other != name)) {
            assert_eq!(adapted.get(other).unwrap().to_vec(), plain.get(other).unwrap().to_vec(), "{other}");
        }
        let (before, after) = (plain.get(&name).unwrap().to_vec(), adapted.get(&name).unwrap().to_vec());
        let [(_, (_, a)), (_, (_, b))] = &parts.tensors.iter().collect::<Vec<_>>()[..] else { panic!("two matrices") };
        for (i, (before, after)) in each(before.iter().zip(&after)).enumerate() {
            let (row, column) = (i / INPUTS, i % INPUTS);
            let product: f32 = (0..2).map(|k| b[row * 2 + k] * a[k * INPUTS + column]).sum();
            assert!((before + 1.5 * product - after).abs() < 1e-4, "value {i}");
        }
        assert_ne!(before, after);
    }
}

#[test]
fn every_value_of_an_adapter_is_part_of_the_fingerprint() {
    let print = |parts: &Parts| {
        let (dir, mut checkpoint) = (write(parts), Checkpoint::open(&golden("fixed16")).unwrap());
        Adapter::open(dir.path()).unwrap().apply(&mut checkpoint).unwrap();
        let mut hasher = blake3::Hasher::new();
        checkpoint.fingerprint("", &mut hasher);
        hasher.finalize().to_string()
    };
    let plain = print(&parts());
    assert_eq!(print(&parts()), plain);
    for matrix in ["A", "B"] {
        let mut other = parts();
        other.tensors.get_mut(&format!("{PREFIX}{LAYER}.lora_{matrix}.weight")).unwrap().1[77] += 0.01;
        assert_ne!(print(&other), plain, "{matrix}");
    }
    let mut other = parts();
    other.config["lora_alpha"] = 4.into();
    assert_ne!(print(&other), plain);
}

#[test]
fn what_does_not_fit_the_model_is_named() {
    let renamed = |from: &str, to: &str| {
        refusal(|parts| {
            let tensors = std::mem::take(&mut parts.tensors).into_iter();
            parts.tensors = tensors.map(|(name, tensor)| (name.replace(from, to), tensor)).collect();
            parts.config["target_modules"] = serde_json::json!("pattern");
        })
    };
    let at = "DIR/adapter_model.safetensors: tensor `base_model.model.text_model.encoder.layers.";
    assert_eq!(
        renamed("layers.0", "layers.7"),
        format!(
            "{at}7.mlp.fc1.lora_B.weight`: expected a linear layer or an attention of the model, found [96, 2] of F32"
        )
    );
    assert_eq!(
        renamed("fc1", "fc2"),
        format!("{at}0.mlp.fc2.lora_B.weight`: expected [64, 2], found [96, 2] of F32"),
        "the other layer of the MLP has its shape the other way round"
    );
    assert!(renamed("base_model.model.", "").contains("expected a name that begins with `base_model.model.`"));
    assert!(renamed("lora_A", "lora_embedding_A").contains("lora_A.weight`: expected a tensor, found no such tensor"));
    assert!(renamed("lora_B.weight", "lora_C.weight").contains("lora_B.weight`: expected a tensor"));
    assert!(refusal(|parts| parts.config["r"] = 4.into()).contains("lora_B.weight`: expected [96, 4], found [96, 2]"));
    let infinite = refusal(|parts| parts.tensors.values_mut().for_each(|(_, values)| values[3] = f32::NAN));
    assert!(infinite.contains("expected finite values"), "{infinite}");
    let bias = refusal(|parts| {
        parts.tensors.insert(format!("{PREFIX}{LAYER}.bias"), (vec![OUTPUTS], vec![0.0; OUTPUTS]));
    });
    assert!(bias.contains("fc1.bias`: expected the matrices lora_A and lora_B of a layer, found"), "{bias}");
    let of_head = refusal(|parts| {
        let name = format!("{PREFIX}vision_model.head.attention.base_layer.out_proj.lora_");
        parts.tensors.insert(format!("{name}A.weight"), (vec![2, 64], vec![1.0; 128]));
        parts.tensors.insert(format!("{name}B.weight"), (vec![64, 2], vec![1.0; 128]));
    });
    assert!(of_head.contains("out_proj.lora_B.weight`: expected zeros"), "{of_head}");
}

#[test]
fn what_the_configuration_asks_beyond_plain_lora_is_refused() {
    let set = |field: &str, value: serde_json::Value| refusal(|parts| parts.config[field] = value);
    let field = |name: &str| format!("DIR/adapter_config.json: field `{name}`: expected ");
    for (name, value, rest) in [
        ("peft_type", "IA3".into(), "LORA, found \"IA3\""),
        ("r", 0.into(), "a whole number from 1, found 0"),
        ("lora_alpha", "much".into(), "a number, found \"much\""),
        ("bias", "some".into(), "none, all or lora_only, found \"some\""),
        ("use_dora", true.into(), "nothing: only plain LoRA and rslora are read, found true"),
        ("use_rslora", 1.into(), "true or false, found 1"),
        (
            "rank_pattern",
            serde_json::json!({"fc1": 4}),
            "nothing: only plain LoRA and rslora are read, found {\"fc1\":4}",
        ),
        (
            "init_lora_weights",
            "pissa_niter_16".into(),
            "a start that leaves the model's weights as they are, found \"pissa",
        ),
        (
            "target_modules",
            serde_json::json!(["fc1", "q_proj"]),
            "layers that the safetensors file has tensors of, found q_proj",
        ),
        ("target_modules", serde_json::Value::Null, "names of layers, found null"),
    ] {
        let said = set(name, value);
        assert!(said.starts_with(&format!("{}{rest}", field(name))), "{said}");
    }
    let none = refusal(|parts| parts.tensors.clear());
    assert!(none.contains("field `target_modules`"), "{none}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let dir = write(&parts());
    std::fs::remove_file(dir.path().join("adapter_config.json")).unwrap();
    let missing = |path: &Path| Adapter::open(path).map(|_| ()).unwrap_err().to_string();
    assert!(missing(dir.path()).contains("adapter_config.json"));
    assert!(missing(&dir.path().join("other.safetensors")).contains("other.safetensors"));
}
