//! COCO: a data set of images, categories and annotations with a score, as detections have it.

use serde_json::json;

use super::{Annotated, labels};
use crate::cli::outcome::CliError;

pub fn write(pictures: &[Annotated]) -> Result<String, CliError> {
    let labels = labels(pictures);
    let category = |label: &str| labels.iter().position(|known| *known == label).map_or(0, |place| place + 1);
    let images = pictures.iter().zip(1..).map(|(picture, id)| {
        let name = picture.path.to_string_lossy();
        json!({ "id": id, "file_name": name, "width": picture.width, "height": picture.height })
    });
    let found = pictures.iter().zip(1..).flat_map(|(picture, image)| {
        picture.boxes.iter().map(move |found| (image, found, found.rect.pixels(picture.width, picture.height)))
    });
    let annotations = found.zip(1..).map(|((image, found, bbox), id)| {
        json!({
            "id": id, "image_id": image, "category_id": category(&found.label), "bbox": bbox,
            "area": bbox[2] * bbox[3], "iscrowd": 0, "score": found.score,
        })
    });
    let categories = labels.iter().zip(1..).map(|(label, id)| json!({ "id": id, "name": label }));
    let data = json!({
        "images": images.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
        "categories": categories.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&data)?)
}
