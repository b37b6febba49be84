//! Boxes of objects by category: COCO annotations, or LVIS, which says for each image which
//! categories were looked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::coco_file::{self, CocoFile, Frequency};
use crate::cli::outcome::CliError;

/// A data set. Images and categories are in the order of their numbers, as the field's tools have
/// them.
pub struct Truth {
    pub images: Vec<TrueImage>,
    pub categories: Vec<Category>,
    pub objects: Vec<Object>,
    pub kind: Kind,
}

/// Whose rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Coco,
    Lvis,
}

/// An image.
pub struct TrueImage {
    /// In the file.
    pub id: u64,
    /// Relative to the folder of images.
    pub file: PathBuf,
    /// Of LVIS: categories of which it has none for certain, and those of which not all objects
    /// have boxes.
    pub absent: BTreeSet<usize>,
    pub not_all: BTreeSet<usize>,
}

/// What may be found.
pub struct Category {
    /// In the file.
    pub id: u64,
    pub name: String,
    /// Of LVIS.
    pub frequency: Option<Frequency>,
}

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub image: usize,
    pub category: usize,
    /// Left, top, width and height in pixels.
    pub bbox: [f64; 4],
    /// In pixels.
    pub area: f64,
    /// Many objects in one box.
    pub is_crowd: bool,
}

impl Truth {
    /// Reads a file, of which the first `limit` images count.
    ///
    /// # Errors
    /// If it cannot be read, or does not fit together.
    pub fn read(path: &Path, limit: Option<usize>) -> Result<Self, CliError> {
        CocoFile::read_as(path, "COCO or LVIS annotations", |file| Self::of_file(file, limit))
    }

    fn of_file(mut file: CocoFile, limit: Option<usize>) -> Result<Self, String> {
        file.images.truncate(limit.unwrap_or(usize::MAX));
        file.images.sort_by_key(|image| image.id);
        file.categories.sort_by_key(|category| category.id);
        let kind = match file.categories.iter().any(|category| category.frequency.is_some()) {
            true => Kind::Lvis,
            false => Kind::Coco,
        };
        let (images, places) = (file.image_places(), file.category_places());
        let image = |image: &coco_file::Image| {
            let categories = |ids: &[u64]| ids.iter().map(|&id| places.of(id)).collect::<Result<_, _>>();
            let (absent, not_all) =
                (categories(&image.neg_category_ids)?, categories(&image.not_exhaustive_category_ids)?);
            Ok::<_, String>(TrueImage { id: image.id, file: image.file()?, absent, not_all })
        };
        let object = |image: usize, annotation: &coco_file::Annotation| {
            let bbox = annotation.bbox()?;
            let [.., width, height] = bbox;
            Ok::<_, String>(Object {
                image,
                category: places.of(annotation.category()?)?,
                bbox,
                area: annotation.area.unwrap_or(width * height),
                is_crowd: annotation.iscrowd == 1,
            })
        };
        let of_known = |annotation: &coco_file::Annotation| {
            images.get(&annotation.image_id).map(|&image| object(image, annotation))
        };
        Ok(Self {
            images: file.images.iter().map(image).collect::<Result<_, _>>()?,
            objects: file.annotations.iter().filter_map(of_known).collect::<Result<_, _>>()?,
            categories: file.categories.into_iter().map(Category::from).collect(),
            kind,
        })
    }
}

impl From<coco_file::Category> for Category {
    fn from(category: coco_file::Category) -> Self {
        // LVIS joins words.
        Self { id: category.id, name: category.name.replace('_', " "), frequency: category.frequency }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str, limit: Option<usize>) -> Result<Truth, String> {
        Truth::of_file(coco_file::parse(text, "COCO or LVIS annotations")?, limit)
    }

    const COCO: &str = r#"{"images": [{"id": 9, "file_name": "b.jpg"}, {"id": 7, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 7, "category_id": 4, "bbox": [1, 2, 3, 4]},
                        {"image_id": 9, "category_id": 2, "bbox": [0, 0, 5, 5], "area": 11.5, "iscrowd": 1}],
        "categories": [{"id": 4, "name": "cat"}, {"id": 2, "name": "dog"}]}"#;

    #[test]
    fn images_and_categories_are_in_order_of_their_numbers() {
        let truth = parse(COCO, None).unwrap();
        assert_eq!(truth.kind, Kind::Coco);
        assert_eq!(truth.images.iter().map(|image| image.id).collect::<Vec<_>>(), [7, 9]);
        assert_eq!(truth.categories.iter().map(|category| &category.name[..]).collect::<Vec<_>>(), ["dog", "cat"]);
        let [cat, dog] = &truth.objects[..] else { panic!("{:?}", truth.objects) };
        assert_eq!((cat.image, cat.category, cat.area, cat.is_crowd), (0, 1, 12.0, false));
        assert_eq!((dog.image, dog.category, dog.area, dog.is_crowd), (1, 0, 11.5, true));
        assert_eq!(parse(COCO, Some(1)).unwrap().objects.len(), 1);
    }

    #[test]
    fn what_lvis_says_of_images_is_read() {
        let text = r#"{"images": [{"id": 1, "coco_url": "http://x/val2017/000000000001.jpg", "neg_category_ids": [5],
            "not_exhaustive_category_ids": [3]}], "annotations": [],
            "categories": [{"id": 3, "name": "baseball_bat", "frequency": "f"}, {"id": 5, "name": "bow", "frequency": "r"}]}"#;
        let truth = parse(text, None).unwrap();
        assert_eq!((truth.kind, &truth.categories[0].name[..]), (Kind::Lvis, "baseball bat"));
        let image = &truth.images[0];
        assert_eq!(image.file, Path::new("000000000001.jpg"));
        assert_eq!((image.absent.contains(&1), image.not_all.contains(&0)), (true, true));
        let odd = text.replace("[5]", "[6]");
        assert!(parse(&odd, None).err().unwrap().contains("category 6"));
        assert!(parse("[]", None).is_err());
    }
}
