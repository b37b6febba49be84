//! Values of published checkpoints that others printed. They are facts; the images are drawn by
//! `tests/golden/published.py`.

use super::{Logits, Published, ReferenceImage, TextEmbedding, Values};

/// All checkpoints of which values are known.
pub(super) static ALL: [Published; 2] = [
    Published {
        checkpoint: "google/siglip2-base-patch16-naflex",
        source: "huggingface/transformers, tests/models/siglip2/test_modeling_siglip2.py",
        max_patches: Some(256),
        tolerance: 1e-3,
        values: Values::Logits(Logits { images: &DISCS, texts: &DISC_TEXTS, of_text: &DISC_LOGITS }),
    },
    Published {
        checkpoint: "google/siglip2-base-patch16-224",
        source: "khasinski/siglip2-rb, spec/fixtures (an export to ONNX, in f32)",
        max_patches: None,
        tolerance: 1e-4,
        values: Values::Texts(&PHOTO_TEXTS),
    },
];

const DISCS: [ReferenceImage; 3] = [
    ReferenceImage { name: "disc, 224 x 224", png: include_bytes!("disc-224x224.png") },
    ReferenceImage { name: "disc, 1024 x 1024", png: include_bytes!("disc-1024x1024.png") },
    ReferenceImage { name: "disc, 1024 x 224", png: include_bytes!("disc-1024x224.png") },
];

const DISC_TEXTS: [&str; 7] = [
    "circle",
    "ellipsoid",
    "blue circle on red background",
    "blue circle with green border on red background",
    "green circle on red background",
    "a dog",
    "a blue dog with a green border on a red background",
];

const DISC_LOGITS: [[f32; 3]; 7] = [
    [1.0195, -0.028, -1.4468],
    [-4.5395, -6.2269, -1.5667],
    [4.1757, 5.0358, 3.5159],
    [9.4264, 10.1879, 6.3353],
    [2.4409, 3.1058, 4.5491],
    [-12.323, -13.7355, -13.4632],
    [1.152, 1.1687, -1.9647],
];

const PHOTO_TEXTS: [TextEmbedding; 2] = [
    TextEmbedding {
        text: "a photo of a cat",
        first: [-0.011_983_5, 0.000_758_7, -0.009_031_2, 0.011_290_9, 0.350_122_2],
        last: [-0.014_799_6, -0.008_427_3, -0.023_717_1, -0.007_892_6, -0.049_449_4],
    },
    TextEmbedding {
        text: "a photo of a dog",
        first: [-0.011_897_5, 0.010_257_6, 0.005_089_8, 0.005_841_3, 0.344_579_3],
        last: [-0.008_331_1, 0.012_250_1, -0.024_079_9, -0.023_702_2, -0.031_057_5],
    },
];
