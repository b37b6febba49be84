//! Label Studio tasks with predictions (<https://labelstud.io/guide/predictions>). Boxes are in
//! percent; the labelling configuration must name its image `image` and its rectangle labels
//! `label`. Images are served by Label Studio's local files storage: their names are relative to
//! its document root, which is to be their common folder.

use serde_json::json;

use super::{Annotated, names_of, paths};
use crate::cli::outcome::CliError;

pub fn write(images: &[&Annotated<'_>]) -> Result<String, CliError> {
    let tasks = images.iter().zip(names_of(&paths(images))).map(|(image, name)| {
        let results = image.boxes.iter().zip(1..).map(|(found, id)| {
            let rect = found.rect;
            json!({
                "id": format!("box-{id}"), "type": "rectanglelabels", "from_name": "label", "to_name": "image",
                "original_width": image.width, "original_height": image.height, "image_rotation": 0,
                "score": found.score,
                "value": {
                    "x": 100.0 * rect.left, "y": 100.0 * rect.top, "width": 100.0 * (rect.right - rect.left),
                    "height": 100.0 * (rect.bottom - rect.top), "rotation": 0, "rectanglelabels": [found.label],
                },
            })
        });
        let best = image.boxes.iter().map(|found| found.score).fold(0.0, f32::max);
        let url = format!("/data/local-files/?d={}", encoded(&name));
        json!({
            "data": { "image": url },
            "predictions": [{ "model_version": "glimpse", "score": best, "result": results.collect::<Vec<_>>() }],
        })
    });
    Ok(serde_json::to_string_pretty(&tasks.collect::<Vec<_>>())?)
}

/// A name as a value of an address: letters, digits and a few signs as they are, all other bytes as
/// `%XX`.
pub(super) fn encoded(name: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_in_addresses() {
        assert_eq!(encoded("2019 Lisboa/a&b#1+é%.jpg"), "2019%20Lisboa/a%26b%231%2B%C3%A9%25.jpg");
    }
}
