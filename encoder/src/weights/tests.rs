#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;

use glimpse_nonempty::each;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

use super::*;

/// A model small enough to write in every test.
const CONFIG: &str = r#"{"model_type": "siglip",
    "vision_config": {"hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1, "num_attention_heads": 2,
                      "image_size": 4, "patch_size": 2},
    "text_config": {"hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1, "num_attention_heads": 2,
                    "vocab_size": 5, "max_position_embeddings": 3}}"#;

type Tensors = BTreeMap<String, (Dtype, Vec<usize>)>;

pub(super) fn config() -> ModelConfig {
    ModelConfig::parse(CONFIG, Path::new("config.json")).unwrap()
}

fn whole_model() -> Tensors {
    expected(&config()).into_iter().map(|(name, shape)| (name, (Dtype::F32, shape))).collect()
}

/// Writes tensors whose bytes count up, so that every tensor differs.
fn write(path: &Path, tensors: &Tensors) {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|(dtype, shape)| {
            let len = shape.iter().product::<usize>() * dtype.bitsize() / 8;
            (0..len).map(|i| (i % 61) as u8).collect()
        })
        .collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, (dtype, shape)), bytes)| (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    serialize_to_file(views, None, path).unwrap();
}

fn error(dir: &Path) -> String {
    let result = Checkpoint::open(dir).and_then(|c| c.check(&config()));
    result.expect_err("this checkpoint is wrong").to_string().replace(&dir.display().to_string(), "DIR")
}

/// Writes a whole model after `change`, and returns why it is refused.
fn refusal(change: impl FnOnce(&mut Tensors)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut tensors = whole_model();
    change(&mut tensors);
    write(&dir.path().join(SINGLE), &tensors);
    error(dir.path())
}

fn fingerprint(dir: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    Checkpoint::open(dir).unwrap().fingerprint("", &mut hasher);
    hasher.finalize().to_string()
}

#[test]
fn a_whole_model_is_accepted_with_harmless_buffers() {
    let dir = tempfile::tempdir().unwrap();
    let mut tensors = whole_model();
    tensors.insert("vision_model.embeddings.position_ids".to_owned(), (Dtype::I64, vec![1, 4]));
    write(&dir.path().join(SINGLE), &tensors);
    Checkpoint::open(dir.path()).and_then(|c| c.check(&config())).unwrap();
}

#[test]
fn wrong_tensors_are_named_with_both_shapes() {
    assert_eq!(
        refusal(|t| drop(t.remove("text_model.head.weight"))),
        "DIR: tensor `text_model.head.weight`: expected [4, 4], found no such tensor"
    );
    assert_eq!(
        refusal(|t| t.get_mut("vision_model.head.probe").unwrap().1 = vec![1, 4]),
        "DIR/model.safetensors: tensor `vision_model.head.probe`: expected [1, 1, 4], found [1, 4]"
    );
    assert_eq!(
        refusal(|t| t.get_mut("logit_scale").unwrap().0 = Dtype::F64),
        "DIR/model.safetensors: tensor `logit_scale`: expected F32, F16 or BF16, found F64"
    );
    assert_eq!(
        refusal(|t| drop(t.insert("vision_model.encoder.layers.1.mlp.fc1.bias".to_owned(), (Dtype::F32, vec![6])))),
        "DIR/model.safetensors: tensor `vision_model.encoder.layers.1.mlp.fc1.bias`: \
         expected no such tensor in this `siglip` model, found [6]"
    );
}

#[test]
fn files_that_are_no_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    assert!(error(dir.path()).starts_with("DIR: no model.safetensors here"));
    let file = dir.path().join(SINGLE);
    for bytes in [&b""[..], b"abc", b"{\"no\": \"header\"}, but long enough to look like one"] {
        fs::write(&file, bytes).unwrap();
        assert!(error(dir.path()).starts_with("DIR/model.safetensors: "), "{}", error(dir.path()));
    }

    write(&file, &whole_model());
    let whole = fs::read(&file).unwrap();
    for len in [7, 100, whole.len() - 1] {
        fs::write(&file, &whole[..len]).unwrap();
        let expected = format!(
            "DIR/model.safetensors: the file has {len} bytes, which is not the length that its header states; fetch it again"
        );
        assert_eq!(error(dir.path()), expected);
    }
}

/// Splits a whole model in two shards and writes their index after `change`.
fn sharded(dir: &Path, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Tensors {
    let mut first = whole_model();
    let second = first.split_off("text_model.head.weight");
    write(&dir.join("a.safetensors"), &first);
    write(&dir.join("b.safetensors"), &second);
    let homes = [("a", &first), ("b", &second)];
    let mut map = homes
        .iter()
        .flat_map(|(file, tensors)| tensors.keys().map(move |name| (name.clone(), format!("{file}.safetensors"))))
        .collect();
    change(&mut map);
    fs::write(dir.join(INDEX), serde_json::json!({"metadata": {}, "weight_map": map}).to_string()).unwrap();
    first
}

#[test]
fn shards_are_one_model() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&one.path().join(SINGLE), &whole_model());
    sharded(two.path(), |_| ());
    Checkpoint::open(two.path()).and_then(|c| c.check(&config())).unwrap();
    assert_eq!(fingerprint(one.path()), fingerprint(two.path()));
}

#[test]
fn index_and_shards_must_agree() {
    let tensor = "logit_bias".to_owned();
    let cases: [(&str, &str, &str); 3] = [
        (
            "logit_bias",
            "b.safetensors",
            "DIR/model.safetensors.index.json: places tensor `logit_bias` in b.safetensors, but a.safetensors has it too",
        ),
        (
            "no.such",
            "a.safetensors",
            "DIR/model.safetensors.index.json: places tensor `no.such` in a.safetensors, which does not have it",
        ),
        (
            "logit_bias",
            "../a.safetensors",
            "DIR/model.safetensors.index.json: names the shard \"../a.safetensors\", which is not a plain file name",
        ),
    ];
    for (name, home, expected) in each(cases) {
        let dir = tempfile::tempdir().unwrap();
        sharded(dir.path(), |map| drop(map.insert(name.to_owned(), home.to_owned())));
        assert!(error(dir.path()).starts_with(expected), "{}", error(dir.path()));
    }
    let dir = tempfile::tempdir().unwrap();
    sharded(dir.path(), |map| drop(map.remove(&tensor)));
    assert!(error(dir.path()).contains("does not mention tensor `logit_bias` of a.safetensors"));

    let dir = tempfile::tempdir().unwrap();
    sharded(dir.path(), |_| ());
    fs::remove_file(dir.path().join("b.safetensors")).unwrap();
    assert!(error(dir.path()).starts_with("DIR: no b.safetensors here"), "{}", error(dir.path()));

    // The same tensor in both shards.
    let dir = tempfile::tempdir().unwrap();
    let first = sharded(dir.path(), |_| ());
    write(&dir.path().join("b.safetensors"), &first);
    assert!(error(dir.path()).contains("in a.safetensors, but b.safetensors has it too"), "{}", error(dir.path()));

    fs::write(dir.path().join(INDEX), "[]").unwrap();
    assert!(error(dir.path()).contains("not a shard index"));
}

#[test]
fn stored_types_become_f32() {
    let dir = tempfile::tempdir().unwrap();
    let values = [0.0f32, -1.5, 65504.0, 0.333_251_95];
    let bytes = [
        values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(),
        values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
        values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
    ];
    let views = [Dtype::F32, Dtype::F16, Dtype::BF16]
        .iter()
        .zip(&bytes)
        .map(|(dtype, bytes)| (format!("{dtype:?}"), TensorView::new(*dtype, vec![2, 2], bytes).unwrap()));
    serialize_to_file(views, None, &dir.path().join(SINGLE)).unwrap();
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(checkpoint.get("F32").unwrap().to_vec(), values);
    assert_eq!(checkpoint.get("F16").unwrap().to_vec(), values);
    assert_eq!(checkpoint.get("BF16").unwrap().to_vec(), values.map(|v| bf16::from_f32(v).to_f32()));
    let mut row = vec![9.0];
    checkpoint.get("F16").unwrap().read(2..4, &mut row);
    assert_eq!(row, [9.0, values[2], values[3]]);
}

#[test]
fn fingerprint_changes_with_any_tensor() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join(SINGLE), &whole_model());
    let original = fingerprint(dir.path());
    let file = dir.path().join(SINGLE);
    let bytes = fs::read(&file).unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for at in [header, (header + bytes.len()) / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&file, changed).unwrap();
        assert_ne!(fingerprint(dir.path()), original, "byte {at}");
    }
}
