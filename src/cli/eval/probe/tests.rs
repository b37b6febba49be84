//! Layers and figures against those of scikit-learn and SciPy (`tests/golden/probe.py`).

use std::path::Path;

use glimpse_nonempty::each;
use serde::Deserialize;
use serde_json::Value;

use super::super::pixel_truth::VOID;
use super::measures::{Figures, Measures};
use super::ridge::{Linear, Ridge};
use super::targets::{Pixels, Targets, at_pixels, direction};

/// Made-up images, and what comes of them.
#[derive(Deserialize)]
struct Golden {
    rows: usize,
    cols: usize,
    width: usize,
    height: usize,
    categories: usize,
    ridge: f64,
    /// Images that the layer is fitted to.
    train: usize,
    images: Vec<Image>,
    expected: Value,
}

#[derive(Deserialize)]
struct Image {
    /// `(rows * cols, inputs)`
    inputs: Vec<Vec<f64>>,
    /// By pixel; -1 is void.
    categories: Vec<i32>,
    depth: Vec<f64>,
    normals: Vec<[u8; 3]>,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/probe.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl Golden {
    fn measured(&self, pixels: impl Fn(&Image) -> Pixels) -> (Linear, Figures) {
        let targets = |image: &Image| Targets { width: self.width, height: self.height, pixels: pixels(image) };
        let first = targets(&self.images[0]);
        let mut ridge = Ridge::new(self.images[0].inputs[0].len(), first.outputs());
        for image in each(&self.images[..self.train]) {
            let (y, weights) = targets(image).of_patches(self.rows, self.cols);
            ridge.add(&image.inputs.concat(), &y, &weights);
        }
        let layer = ridge.fit(self.ridge).unwrap();
        let mut measures = Measures::of(&first);
        for image in each(&self.images[self.train..]) {
            let answers = layer.of(&image.inputs.concat());
            let answers = at_pixels(&answers, (self.rows, self.cols), (self.width, self.height));
            measures.add(&targets(image), &answers);
        }
        (layer, measures.figures())
    }

    /// Compares the answers of a layer for each input alone and for none, and its figures.
    fn same(&self, task: &str, (layer, figures): (Linear, Figures)) {
        let inputs = self.images[0].inputs[0].len();
        let alone = (0..=inputs).flat_map(|one| (0..inputs).map(move |at| f64::from(u8::from(at == one))));
        let answers = layer.of(&alone.collect::<Vec<_>>());
        let theirs: Vec<f64> = serde_json::from_value(self.expected[task]["answers"].clone()).unwrap();
        assert_eq!(answers.len(), theirs.len());
        for (ours, theirs) in each(answers.into_iter().zip(theirs)) {
            assert!((ours - theirs).abs() < 1e-6, "{task}: {ours}, expected {theirs}");
        }
        let figures = serde_json::to_value(figures).unwrap();
        for (name, theirs) in each(self.expected[task]["figures"].as_object().unwrap()) {
            let numbers = |value: &Value| match value {
                Value::Array(all) => all.iter().map(|value| value.as_f64().unwrap()).collect(),
                one => vec![one.as_f64().unwrap()],
            };
            for (ours, theirs) in each(numbers(&figures[name]).into_iter().zip(numbers(theirs))) {
                assert!((ours - theirs).abs() < 1e-6, "{task} {name}: {ours}, expected {theirs}");
                assert!(theirs > 0.0, "{task} {name}: a golden of nothing proves nothing");
            }
        }
    }
}

#[test]
fn categories_are_read_out_as_scikit_learn_does_it() {
    let golden = golden();
    let of = |&category: &i32| u16::try_from(category).unwrap_or(VOID);
    let pixels =
        |image: &Image| Pixels::Categories { of: image.categories.iter().map(of).collect(), count: golden.categories };
    golden.same("segmentation", golden.measured(pixels));
}

#[test]
fn distances_are_read_out_as_scikit_learn_does_it() {
    let golden = golden();
    golden.same("depth", golden.measured(|image| Pixels::Depth(image.depth.clone())));
}

#[test]
fn directions_are_read_out_as_scikit_learn_does_it() {
    let golden = golden();
    let pixels = |image: &Image| Pixels::Normals(image.normals.iter().copied().map(direction).collect());
    golden.same("normals", golden.measured(pixels));
}

#[test]
fn a_layer_that_sees_nothing_says_the_mean_and_nothing_fits_no_data() {
    let mut ridge = Ridge::new(1, 1);
    ridge.add(&[5.0, 7.0, 9.0], &[1.0, 2.0, 9.0], &[1.0, 3.0, 0.0]);
    assert_eq!(ridge.constant().of(&[123.0]), [1.75]);
    assert!(Ridge::new(2, 1).fit(1.0).is_none());
    let mut flat = Ridge::new(2, 1);
    flat.add(&[1.0, 1.0, 1.0, 2.0], &[1.0, 2.0], &[1.0, 1.0]);
    assert!(flat.fit(0.0).is_none(), "any weight fits an input that never changes");
}

#[test]
fn files_of_distances_and_directions_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (grey, colours) = (folder.path().join("grey.png"), folder.path().join("colours.png"));
    image::ImageBuffer::<image::Luma<u16>, _>::from_raw(2, 1, vec![0u16, 2500]).unwrap().save(&grey).unwrap();
    image::RgbImage::from_raw(2, 1, vec![0, 0, 0, 128, 128, 255]).unwrap().save(&colours).unwrap();
    let Pixels::Depth(depth) = Targets::depth(&grey, 1000.0).unwrap().pixels else { panic!("no distances") };
    assert_eq!(depth, [0.0, 2.5]);
    let Pixels::Normals(normals) = Targets::normals(&colours).unwrap().pixels else { panic!("no directions") };
    assert!(normals[0] == [0.0; 3] && normals[1][2] > 0.99, "{normals:?}");
    assert!(Targets::depth(&colours, 1.0).is_err_and(|error| error.to_string().contains("16 bits")));
}
