//! COCO (<https://cocodataset.org/#format-data>): a data set of images, categories and annotations
//! with a score, as detections have it. Readers ask for more than they need: `info` and `licenses`,
//! which are empty, and an outline, which is the box. Of a video, the image is the frame that was
//! looked at: `file_name` is that of the video, `start` and `end` say in seconds when the frame is
//! shown.

use serde_json::json;

use super::{Annotated, FrameOf, labels, names_of, paths};
use crate::cli::outcome::CliError;

pub fn write(images: &[&Annotated<'_>]) -> Result<String, CliError> {
    let labels = labels(images);
    let category = |label: &str| labels.iter().position(|known| *known == label).map_or(0, |place| place + 1);
    let entries = images.iter().zip(names_of(&paths(images))).zip(1..).map(|((image, name), id)| {
        let mut entry = json!({ "id": id, "file_name": name, "width": image.width, "height": image.height });
        if let Some(FrameOf { start, end, .. }) = image.frame {
            (entry["start"], entry["end"]) = (json!(start), json!(end));
        }
        entry
    });
    let found = images.iter().zip(1..).flat_map(|(image, image_id)| {
        image.boxes.iter().map(move |found| (image_id, found, found.rect.pixels(image.width, image.height)))
    });
    let annotations = found.zip(1..).map(|((image_id, found, bbox), id)| {
        let [x, y, width, height] = bbox;
        let outline = [x, y, x + width, y, x + width, y + height, x, y + height];
        json!({
            "id": id, "image_id": image_id, "category_id": category(&found.label), "bbox": bbox,
            "segmentation": [outline], "area": width * height, "iscrowd": 0, "score": found.score,
        })
    });
    let categories = labels.iter().zip(1..).map(|(label, id)| json!({ "id": id, "name": label, "supercategory": "" }));
    let data = json!({
        "info": { "description": "found by glimpse" },
        "licenses": [],
        "images": entries.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
        "categories": categories.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&data)?)
}
