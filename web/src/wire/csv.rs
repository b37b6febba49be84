//! Records as lines of comma-separated values (RFC 4180).

use super::ImageView;

/// The names of the values, with the line's end.
pub const HEAD: &str = "id,path,content,format,width,height,bytes,taken,camera,latitude,longitude,caption,keywords,model_caption,favourite,lens,focal_length,aperture,exposure_time,iso,rating,place_name,country,companions,kind,duration,start,end\r\n";

/// The values of an image, without the line's end. Keywords and companions have semicolons between
/// them. Times are in seconds, and empty for a still image.
pub fn line(image: &ImageView) -> String {
    let format = image.format.name().to_owned();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let decimal = |value: Option<f32>| value.map(|value| value.to_string()).unwrap_or_default();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let values = [
        image.id.to_string(),
        image.path.clone(),
        image.content.clone(),
        format,
        image.width.to_string(),
        image.height.to_string(),
        image.bytes.to_string(),
        text(&image.taken),
        text(&image.camera),
        number(image.place.map(|place| place.latitude)),
        number(image.place.map(|place| place.longitude)),
        text(&image.caption),
        image.keywords.join("; "),
        text(&image.model_caption),
        image.favourite.to_string(),
        text(&image.lens),
        decimal(image.focal_length),
        decimal(image.aperture),
        decimal(image.exposure_time),
        image.iso.map(|iso| iso.to_string()).unwrap_or_default(),
        image.rating.map(|rating| rating.to_string()).unwrap_or_default(),
        text(&image.place_name),
        text(&image.country),
        companions(image),
        image.kind.name().to_owned(),
        number(image.duration),
        number(image.start),
        number(image.end),
    ];
    values.map(|value| quoted(&value)).join(",")
}

/// `raw: /photos/a.cr2`
fn companions(image: &ImageView) -> String {
    let told = image.companions.iter().map(|file| format!("{}: {}", file.role.name(), file.path));
    told.collect::<Vec<_>>().join("; ")
}

fn quoted(value: &str) -> String {
    match value.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_signs_of_the_format_stand_in_quotes() {
        assert_eq!(quoted("plain text"), "plain text");
        assert_eq!(quoted("a, \"b\"\nc"), "\"a, \"\"b\"\"\nc\"");
    }
}
