#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;

#[test]
fn the_layout_of_hugging_face_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    assert!(OpenClip::open(folder.path()).unwrap().is_none());
    fs::write(folder.path().join(CONFIG), "{").unwrap();
    let broken = OpenClip::open(folder.path()).map(|_| ()).unwrap_err().to_string();
    assert!(broken.contains("open_clip_config.json") && broken.contains("expected JSON"), "{broken}");
    fs::write(folder.path().join(CONFIG), "{}").unwrap();
    let open_clip = OpenClip::open(folder.path()).unwrap().unwrap();
    assert!(!open_clip.strips_punctuation());
    let missing = open_clip.load().map(|_| ()).unwrap_err().to_string();
    assert!(missing.contains("open_clip_model.safetensors"), "{missing}");
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    assert!(OpenClip::open(folder.path()).unwrap().is_none());
}
