//! COCO panoptic (<https://cocodataset.org/#format-data>, 4): a PNG for each image, whose pixels
//! are numbers of segments (`R + 256 G + 65536 B`, 0 for none), and a list of what the segments
//! are.

use std::path::Path;

use glimpse::engine::{SegmentLabel, Segmentation};
use image::{Rgb, RgbImage};
use serde_json::json;

use super::super::save;
use super::Segmented;
use super::colours::colour;
use crate::cli::outcome::CliError;

/// Segments of an image are numbered from 1.
pub fn write_image(segmentation: &Segmentation, path: &Path) -> Result<(), CliError> {
    let (width, height) = (segmentation.width, segmentation.height);
    let ids = segmentation.stretched(&segmentation.map.segments, width, height);
    let mut pixels = RgbImage::new(width, height);
    pixels.pixels_mut().zip(ids).for_each(|(pixel, id)| {
        let [r, g, b, _] = id.to_le_bytes();
        *pixel = Rgb([r, g, b]);
    });
    save(&pixels, path)
}

pub fn write(images: &[Segmented], names: &[String], labels: &[SegmentLabel]) -> Result<String, CliError> {
    let entries = images.iter().zip(names).zip(1..).map(
        |((image, name), id)| json!({ "id": id, "file_name": name, "width": image.width, "height": image.height }),
    );
    let annotations = images.iter().zip(1..).map(|(image, image_id)| {
        let infos = image.segments.iter().zip(1..).map(|(segment, id)| {
            json!({
                "id": id, "category_id": segment.label + 1, "area": segment.mask.area(),
                "bbox": segment.mask.bounds(), "iscrowd": 0, "score": segment.score,
            })
        });
        json!({ "image_id": image_id, "file_name": image.panoptic, "segments_info": infos.collect::<Vec<_>>() })
    });
    let categories = labels.iter().zip(1..).map(|(label, id)| {
        json!({
            "id": id, "name": label.name, "supercategory": "", "isthing": u8::from(label.is_thing), "color": colour(id),
        })
    });
    let data = json!({
        "info": { "description": "segmented by glimpse" },
        "licenses": [],
        "images": entries.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
        "categories": categories.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string(&data)?)
}
