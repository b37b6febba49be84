//! COCO instances (<https://cocodataset.org/#format-data>) with masks as compressed runs, and a
//! score, as results have it.

use glimpse::engine::{Mask, SegmentLabel};
use serde_json::{Value, json};

use super::Segmented;
use crate::cli::outcome::CliError;

pub fn write(images: &[Segmented], names: &[String], labels: &[SegmentLabel]) -> Result<String, CliError> {
    let entries = images.iter().zip(names).zip(1..).map(
        |((image, name), id)| json!({ "id": id, "file_name": name, "width": image.width, "height": image.height }),
    );
    let all = images.iter().zip(1..).flat_map(|(image, id)| image.segments.iter().map(move |segment| (id, segment)));
    let annotations = all.zip(1..).map(|((image_id, segment), id)| {
        json!({
            "id": id, "image_id": image_id, "category_id": segment.label + 1, "bbox": segment.mask.bounds(),
            "segmentation": rle(&segment.mask), "area": segment.mask.area(), "iscrowd": 0, "score": segment.score,
        })
    });
    let data = json!({
        "info": { "description": "segmented by glimpse" },
        "licenses": [],
        "images": entries.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
        "categories": categories(labels),
    });
    Ok(serde_json::to_string(&data)?)
}

/// A mask as pycocotools reads it.
pub fn rle(mask: &Mask) -> Value {
    json!({ "size": [mask.height(), mask.width()], "counts": mask.to_coco_text() })
}

/// Labels as categories, numbered from 1.
fn categories(labels: &[SegmentLabel]) -> Vec<Value> {
    let category = |(label, id): (&SegmentLabel, usize)| json!({ "id": id, "name": label.name, "supercategory": "" });
    labels.iter().zip(1..).map(category).collect()
}
