//! Label Studio tasks with predictions (<https://labelstud.io/guide/predictions>). Boxes are in percent; the labelling
//! configuration must name its picture `image` and its rectangle labels `label`. Pictures are served by Label Studio's
//! local files storage.

use serde_json::json;

use super::Annotated;
use crate::cli::outcome::CliError;

pub fn write(pictures: &[Annotated]) -> Result<String, CliError> {
    let tasks = pictures.iter().map(|picture| {
        let results = picture.boxes.iter().zip(1..).map(|(found, id)| {
            let rect = found.rect;
            json!({
                "id": format!("box-{id}"), "type": "rectanglelabels", "from_name": "label", "to_name": "image",
                "original_width": picture.width, "original_height": picture.height, "image_rotation": 0,
                "score": found.score,
                "value": {
                    "x": 100.0 * rect.left, "y": 100.0 * rect.top, "width": 100.0 * (rect.right - rect.left),
                    "height": 100.0 * (rect.bottom - rect.top), "rotation": 0, "rectanglelabels": [found.label],
                },
            })
        });
        let best = picture.boxes.iter().map(|found| found.score).fold(0.0, f32::max);
        let image = format!("/data/local-files/?d={}", picture.path.to_string_lossy().trim_start_matches('/'));
        json!({
            "data": { "image": image },
            "predictions": [{ "model_version": "glimpse", "score": best, "result": results.collect::<Vec<_>>() }],
        })
    });
    Ok(serde_json::to_string_pretty(&tasks.collect::<Vec<_>>())?)
}
