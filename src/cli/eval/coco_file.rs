//! Files in the COCO format (<https://cocodataset.org/#format-data>) and its relatives: LVIS, COCO
//! panoptic, RefCOCO as MDETR has it, and our own, with names in more languages. What a measure
//! needs of them and a file lacks is an error of that measure.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::read;
use crate::cli::outcome::CliError;

/// A file.
#[derive(Deserialize)]
pub struct CocoFile {
    pub images: Vec<Image>,
    pub annotations: Vec<Annotation>,
    #[serde(default)]
    pub categories: Vec<Category>,
    /// Texts for what no image shows.
    #[serde(default)]
    pub absent: Vec<String>,
}

#[derive(Deserialize)]
pub struct Image {
    pub id: u64,
    file_name: Option<PathBuf>,
    /// LVIS has this in its place.
    coco_url: Option<String>,
    /// In pixels.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// An expression for its only annotation.
    pub caption: Option<String>,
    /// Of LVIS: categories of which it has none for certain, and those of which not all objects
    /// have boxes.
    #[serde(default)]
    pub neg_category_ids: Vec<u64>,
    #[serde(default)]
    pub not_exhaustive_category_ids: Vec<u64>,
}

/// A box, or of COCO panoptic all segments of an image.
#[derive(Deserialize)]
pub struct Annotation {
    #[serde(default)]
    pub id: u64,
    pub image_id: u64,
    pub category_id: Option<u64>,
    /// Left, top, width and height in pixels.
    bbox: Option<[f64; 4]>,
    /// In pixels.
    pub area: Option<f64>,
    /// 1 for many objects in one box.
    #[serde(default)]
    pub iscrowd: u8,
    /// What the box shows, if it is not the name of a category.
    pub caption: Option<String>,
    /// The PNG with the numbers of segments.
    pub file_name: Option<PathBuf>,
    #[serde(default)]
    pub segments_info: Vec<SegmentInfo>,
}

#[derive(Deserialize)]
pub struct SegmentInfo {
    pub id: u32,
    pub category_id: u64,
    /// In pixels.
    pub area: u64,
    #[serde(default)]
    pub iscrowd: u8,
}

#[derive(Deserialize)]
pub struct Category {
    pub id: u64,
    pub name: String,
    /// By language.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Of LVIS.
    pub frequency: Option<Frequency>,
    /// Of COCO panoptic: 1 for things, 0 for stuff.
    pub isthing: Option<u8>,
}

/// In how many training images a category of LVIS is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Frequency {
    /// Up to 10.
    #[serde(rename = "r")]
    Rare,
    /// Up to 100.
    #[serde(rename = "c")]
    Common,
    #[serde(rename = "f")]
    Frequent,
}

impl CocoFile {
    /// Reads a file and makes something of it; `what` the file should have been, for whoever named
    /// another one.
    ///
    /// # Errors
    /// If it cannot be read, is something else, or `make` says what is wrong with it.
    pub fn read_as<T>(path: &Path, what: &str, make: impl FnOnce(Self) -> Result<T, String>) -> Result<T, CliError> {
        let made = parse(&read(path)?, what).and_then(make);
        made.map_err(|reason| CliError::new(format!("{}: {reason}", path.display())))
    }

    /// Places of the images by their number.
    pub fn image_places(&self) -> HashMap<u64, usize> {
        self.images.iter().zip(0..).map(|(image, place)| (image.id, place)).collect()
    }

    /// Places of the categories by their number.
    pub fn category_places(&self) -> Places {
        Places(self.categories.iter().zip(0..).map(|(category, place)| (category.id, place)).collect())
    }
}

/// Reads JSON; `what` is what it should have been.
pub fn parse<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("not {what}: {error}"))
}

/// Places of categories by their number.
pub struct Places(HashMap<u64, usize>);

impl Places {
    /// The place of a category; says so if it is not listed.
    pub fn of(&self, id: u64) -> Result<usize, String> {
        self.0.get(&id).copied().ok_or_else(|| format!("an annotation has category {id}, which is not listed"))
    }
}

impl Image {
    /// Its file, relative to the folder of images.
    pub fn file(&self) -> Result<PathBuf, String> {
        let last = |url: &String| url.rsplit('/').next().map(PathBuf::from);
        let file = self.file_name.clone().or_else(|| self.coco_url.as_ref().and_then(last));
        file.ok_or_else(|| format!("image {} has no `file_name`", self.id))
    }

    /// Its width and height in pixels.
    pub fn size(&self) -> Result<(u32, u32), String> {
        self.width.zip(self.height).ok_or_else(|| format!("image {} has no `width` and `height`", self.id))
    }
}

impl Annotation {
    /// Its box: left, top, width and height in pixels.
    pub fn bbox(&self) -> Result<[f64; 4], String> {
        self.bbox.ok_or_else(|| format!("an annotation of image {} has no `bbox`", self.image_id))
    }

    /// The number of its category.
    pub fn category(&self) -> Result<u64, String> {
        self.category_id.ok_or_else(|| format!("an annotation of image {} has no `category_id`", self.image_id))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_lacks_is_named() {
        let text = r#"{"images": [{"id": 3}, {"id": 4, "coco_url": "http://x/val/4.jpg", "width": 5, "height": 6}],
            "annotations": [{"image_id": 4}]}"#;
        let file: CocoFile = parse(text, "COCO annotations").unwrap();
        let [bare, full] = &file.images[..] else { panic!("two images") };
        assert!(bare.file().unwrap_err().contains("image 3 has no `file_name`") && bare.size().is_err());
        assert_eq!((full.file().unwrap(), full.size()), (PathBuf::from("4.jpg"), Ok((5, 6))));
        assert!(file.annotations[0].bbox().unwrap_err().contains("image 4 has no `bbox`"));
        assert!(file.annotations[0].category().unwrap_err().contains("`category_id`"));
        assert_eq!((file.image_places()[&4], file.category_places().of(7).is_err()), (1, true));
        assert!(parse::<CocoFile>("[]", "COCO annotations").err().unwrap().contains("not COCO annotations"));
    }
}
