//! COCO (<https://cocodataset.org/#format-data>): a data set of images, categories and annotations with a score, as detections
//! have it. Readers ask for more than they need: `info` and `licenses`, which are empty, and an outline, which is the box.

use serde_json::json;

use super::{Annotated, labels, names_of};
use crate::cli::outcome::CliError;

pub fn write(pictures: &[Annotated]) -> Result<String, CliError> {
    let labels = labels(pictures);
    let category = |label: &str| labels.iter().position(|known| *known == label).map_or(0, |place| place + 1);
    let images = pictures.iter().zip(names_of(pictures)).zip(1..).map(|((picture, name), id)| {
        json!({ "id": id, "file_name": name, "width": picture.width, "height": picture.height })
    });
    let found = pictures.iter().zip(1..).flat_map(|(picture, image)| {
        picture.boxes.iter().map(move |found| (image, found, found.rect.pixels(picture.width, picture.height)))
    });
    let annotations = found.zip(1..).map(|((image, found, bbox), id)| {
        let [x, y, width, height] = bbox;
        let outline = [x, y, x + width, y, x + width, y + height, x, y + height];
        json!({
            "id": id, "image_id": image, "category_id": category(&found.label), "bbox": bbox,
            "segmentation": [outline], "area": width * height, "iscrowd": 0, "score": found.score,
        })
    });
    let categories = labels.iter().zip(1..).map(|(label, id)| json!({ "id": id, "name": label, "supercategory": "" }));
    let data = json!({
        "info": { "description": "found by glimpse" },
        "licenses": [],
        "images": images.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
        "categories": categories.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&data)?)
}
