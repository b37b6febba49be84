//! COCO annotations (<https://cocodataset.org/#format-data>), with names in more languages if there
//! are any.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use glimpse::engine::Rect;
use serde::Deserialize;

use crate::cli::outcome::CliError;

#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    #[serde(default)]
    categories: Vec<Category>,
    /// Texts for what no image shows.
    #[serde(default)]
    absent: Vec<String>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    #[serde(default)]
    category_id: u64,
    bbox: [f32; 4],
    /// What the box shows, if it is not the name of a category.
    caption: Option<String>,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
    /// By language.
    #[serde(default)]
    names: BTreeMap<String, String>,
}

/// What a data set shows.
pub struct DataSet {
    /// File names of its images.
    pub images: Vec<String>,
    /// What can be asked.
    pub things: Vec<EvalQuery>,
    /// Objects of an image.
    pub objects: Vec<usize>,
}

/// Something that can be asked for.
pub struct EvalQuery {
    /// By language; `-` where the data name none.
    pub names: BTreeMap<String, String>,
    /// Its boxes by image; none if it is absent.
    pub boxes: BTreeMap<usize, Vec<Rect>>,
}

/// The language of names without one.
pub const UNNAMED: &str = "-";

/// Reads a file, of which the first `limit` images count.
pub fn read(path: &Path, limit: Option<usize>) -> Result<DataSet, CliError> {
    let text = super::read(path)?;
    parse(&text, limit).map_err(|reason| CliError::new(format!("{}: {reason}", path.display())))
}

fn parse(text: &str, limit: Option<usize>) -> Result<DataSet, String> {
    let file: File = serde_json::from_str(text).map_err(|error| format!("not COCO annotations: {error}"))?;
    let images = &file.images[..limit.unwrap_or(usize::MAX).min(file.images.len())];
    let places: HashMap<u64, usize> = images.iter().zip(0..).map(|(image, place)| (image.id, place)).collect();
    let mut things: Vec<EvalQuery> = Vec::new();
    let mut of_category: HashMap<u64, usize> = HashMap::new();
    for category in &file.categories {
        let mut names = category.names.clone();
        if names.is_empty() {
            names.insert(UNNAMED.to_owned(), category.name.clone());
        }
        of_category.insert(category.id, things.len());
        things.push(EvalQuery { names, boxes: BTreeMap::new() });
    }
    let mut of_caption: HashMap<String, usize> = HashMap::new();
    let mut objects = vec![0; images.len()];
    for annotation in file.annotations.iter().filter(|annotation| annotation.iscrowd == 0) {
        let Some(&place) = places.get(&annotation.image_id) else { continue };
        let image = &images[place];
        let Some(rect) = Rect::from_pixels(annotation.bbox, image.width, image.height) else { continue };
        let thing = match &annotation.caption {
            Some(caption) => *of_caption.entry(caption.clone()).or_insert_with(|| {
                let names = BTreeMap::from([(UNNAMED.to_owned(), caption.clone())]);
                things.push(EvalQuery { names, boxes: BTreeMap::new() });
                things.len() - 1
            }),
            None => *of_category
                .get(&annotation.category_id)
                .ok_or_else(|| format!("an annotation has category {}, which is not listed", annotation.category_id))?,
        };
        objects[place] += 1;
        things[thing].boxes.entry(place).or_default().push(rect);
    }
    let absent = file
        .absent
        .into_iter()
        .map(|text| EvalQuery { names: BTreeMap::from([(UNNAMED.to_owned(), text)]), boxes: BTreeMap::new() });
    things.extend(absent);
    Ok(DataSet { images: images.iter().map(|image| image.file_name.clone()).collect(), things, objects })
}

impl DataSet {
    /// The languages that names are in, or those that were asked for.
    pub fn languages(&self, asked: &[String]) -> Result<Vec<String>, CliError> {
        let known: BTreeSet<&String> = self.things.iter().flat_map(|thing| thing.names.keys()).collect();
        match asked.iter().find(|language| !known.contains(language)) {
            Some(odd) => Err(CliError::new(format!("the data have no names in `{odd}`"))),
            None if asked.is_empty() => Ok(known.into_iter().cloned().collect()),
            None => Ok(asked.to_vec()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DATA: &str = r#"{
        "images": [{"id": 7, "file_name": "a.jpg", "width": 100, "height": 50},
                   {"id": 9, "file_name": "b.jpg", "width": 10, "height": 10}],
        "annotations": [{"image_id": 7, "category_id": 1, "bbox": [0, 0, 50, 50]},
                        {"image_id": 9, "category_id": 1, "bbox": [0, 0, 5, 5], "iscrowd": 1},
                        {"image_id": 9, "bbox": [0, 0, 5, 5], "caption": "a small square"}],
        "categories": [{"id": 1, "name": "dog", "names": {"en": "dog", "de": "Hund"}}, {"id": 2, "name": "cat"}],
        "absent": ["unicorn"]}"#;

    #[test]
    fn names_captions_and_absences_are_things() {
        let data = parse(DATA, None).unwrap();
        assert_eq!((data.images.len(), data.things.len(), &data.objects[..]), (2, 4, &[1, 1][..]));
        assert_eq!(data.things[0].boxes[&0], [Rect { right: 0.5, ..Rect::WHOLE }]);
        assert!(data.things[1].boxes.is_empty() && data.things[3].boxes.is_empty());
        assert_eq!(data.things[2].names[UNNAMED], "a small square");
        assert_eq!(data.languages(&[]).unwrap(), ["-", "de", "en"]);
        assert!(data.languages(&["fr".to_owned()]).is_err());
        assert_eq!(parse(DATA, Some(1)).unwrap().things[2].names[UNNAMED], "unicorn");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("[]", None).is_err());
        let odd = DATA.replace("\"category_id\": 1", "\"category_id\": 5");
        assert!(parse(&odd, None).err().unwrap().contains("category 5"));
    }
}
