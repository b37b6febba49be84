//! What can be asked of COCO annotations: names of categories, in more languages if there are any,
//! captions, and what is not there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use glimpse::engine::Rect;

use super::coco_file::CocoFile;
use crate::cli::outcome::CliError;

/// What a data set shows.
pub struct DataSet {
    /// File names of its images.
    pub images: Vec<PathBuf>,
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

/// Reads a file, of which the first `limit` images count, without the first `skip` of them.
pub fn read(path: &Path, skip: usize, limit: Option<usize>) -> Result<DataSet, CliError> {
    CocoFile::read_as(path, "COCO annotations", |file| of_file(file, skip, limit))
}

fn of_file(mut file: CocoFile, skip: usize, limit: Option<usize>) -> Result<DataSet, String> {
    file.images.truncate(limit.unwrap_or(usize::MAX));
    file.images.drain(..skip.min(file.images.len()));
    let (places, categories) = (file.image_places(), file.category_places());
    let mut things: Vec<EvalQuery> = Vec::new();
    for category in &file.categories {
        let mut names = category.names.clone();
        if names.is_empty() {
            names.insert(UNNAMED.to_owned(), category.name.clone());
        }
        things.push(EvalQuery { names, boxes: BTreeMap::new() });
    }
    let mut of_caption: HashMap<String, usize> = HashMap::new();
    let mut objects = vec![0; file.images.len()];
    for annotation in file.annotations.iter().filter(|annotation| annotation.iscrowd == 0) {
        let Some(&place) = places.get(&annotation.image_id) else { continue };
        let (width, height) = file.images[place].size()?;
        let bbox = annotation.bbox()?.map(|side| side as f32);
        let Some(rect) = Rect::from_pixels(bbox, width, height) else { continue };
        let thing = match &annotation.caption {
            Some(caption) => *of_caption.entry(caption.clone()).or_insert_with(|| {
                let names = BTreeMap::from([(UNNAMED.to_owned(), caption.clone())]);
                things.push(EvalQuery { names, boxes: BTreeMap::new() });
                things.len() - 1
            }),
            None => categories.of(annotation.category()?)?,
        };
        objects[place] += 1;
        things[thing].boxes.entry(place).or_default().push(rect);
    }
    let absent = file
        .absent
        .into_iter()
        .map(|text| EvalQuery { names: BTreeMap::from([(UNNAMED.to_owned(), text)]), boxes: BTreeMap::new() });
    things.extend(absent);
    let images = file.images.iter().map(|image| image.file()).collect::<Result<_, _>>()?;
    Ok(DataSet { images, things, objects })
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
    use super::super::coco_file;
    use glimpse_nonempty::Every as _;

    use super::*;

    fn parse(text: &str, limit: Option<usize>) -> Result<DataSet, String> {
        of_file(coco_file::parse(text, "COCO annotations")?, 0, limit)
    }

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
    fn images_can_be_left_out_at_both_ends() {
        let rest = of_file(coco_file::parse(DATA, "COCO annotations").unwrap(), 1, Some(2)).unwrap();
        assert_eq!((rest.images, rest.objects), (vec![PathBuf::from("b.jpg")], vec![1]));
        let none = of_file(coco_file::parse(DATA, "COCO annotations").unwrap(), 5, Some(1)).unwrap();
        assert!(none.images.is_empty());
        assert!(none.things.iter().every(|thing| thing.boxes.is_empty()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("[]", None).is_err());
        let odd = DATA.replace("\"category_id\": 1", "\"category_id\": 5");
        assert!(parse(&odd, None).err().unwrap().contains("category 5"));
    }
}
