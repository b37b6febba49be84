//! What ffprobe says of a video.

use std::time::Duration;

use serde::Deserialize;

/// What there is to know of a video without decoding it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VideoFacts {
    /// Upright width and height in square pixels.
    pub size: (u32, u32),
    /// Length, as far as it is known.
    pub duration: Option<Duration>,
    /// When it was recorded on the clock there, as the camera wrote it: `2024-05-17T18:30:00+0200`.
    pub recorded: Option<String>,
    /// When the file was made, in UTC: `2024-05-17T16:30:00.000000Z`.
    pub created: Option<String>,
    /// Where it was recorded, as ISO 6709 writes it: `+46.5586+007.8356/`.
    pub location: Option<String>,
    /// Make of the camera.
    pub make: Option<String>,
    /// Model of the camera.
    pub model: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Container,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    disposition: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    tags: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    side_data_list: Vec<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Default, Deserialize)]
struct Container {
    duration: Option<String>,
    #[serde(default)]
    tags: serde_json::Map<String, serde_json::Value>,
}

/// Longer is no length of a video.
const LONGEST: f64 = 1e6;
/// Longer is no name of a camera.
const LONGEST_TAG: usize = 256;

/// Reads the JSON of `ffprobe -show_format -show_streams`; `None` if it names no stream of images.
pub(super) fn parse(json: &[u8]) -> Option<VideoFacts> {
    let answer: Answer = serde_json::from_slice(json).ok()?;
    let is_cover = |stream: &Stream| stream.disposition.get("attached_pic").is_some_and(|is| is.as_i64() == Some(1));
    let is_video = |stream: &&Stream| stream.codec_type.as_deref() == Some("video") && !is_cover(stream);
    let stream = answer.streams.iter().find(is_video)?;
    let (width, height) = (stream.width?, stream.height?);
    let width = stream.sample_aspect_ratio.as_deref().map_or(width, |ratio| in_square_pixels(width, ratio));
    let size = if is_on_its_side(stream) { (height, width) } else { (width, height) };
    let tag = |names: &[&str]| {
        let all = [&answer.format.tags, &stream.tags];
        let found = names.iter().flat_map(|name| all.iter().filter_map(move |tags| tags.get(*name)?.as_str()));
        found.map(str::trim).find(|text| !text.is_empty() && text.len() <= LONGEST_TAG).map(str::to_owned)
    };
    Some(VideoFacts {
        size,
        duration: [&answer.format.duration, &stream.duration].into_iter().flatten().find_map(|text| seconds(text)),
        recorded: tag(&["com.apple.quicktime.creationdate"]),
        created: tag(&["creation_time", "DATE_RECORDED", "date"]),
        location: tag(&["com.apple.quicktime.location.ISO6709", "location", "location-eng"]),
        make: tag(&["com.apple.quicktime.make", "com.android.manufacturer", "make"]),
        model: tag(&["com.apple.quicktime.model", "com.android.model", "model"]),
    })
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (seconds > 0.0 && seconds < LONGEST).then(|| Duration::from_secs_f64(seconds))
}

/// The width of pixels that are not square; `0:1` says nothing.
fn in_square_pixels(width: u32, ratio: &str) -> u32 {
    let parts = ratio.split_once(':').and_then(|(a, b)| Some((a.parse::<u32>().ok()?, b.parse::<u32>().ok()?)));
    match parts {
        Some((a, b)) if a > 0 && b > 0 && f64::from(a) / f64::from(b) < 8.0 && f64::from(b) / f64::from(a) < 8.0 => {
            ((f64::from(width) * f64::from(a) / f64::from(b)).round() as u32).max(1)
        }
        _ => width,
    }
}

/// True if the stream is shown turned by a quarter, by its display matrix or the older tag.
fn is_on_its_side(stream: &Stream) -> bool {
    let of_matrix = stream.side_data_list.iter().find_map(|data| data.get("rotation")?.as_f64());
    let of_tag = || stream.tags.get("rotate")?.as_str()?.parse::<f64>().ok();
    let degrees = of_matrix.or_else(of_tag).unwrap_or(0.0);
    ((degrees / 90.0).round() as i64).rem_euclid(2) == 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn what_a_phone_writes_is_read() {
        let facts = parse(
            br#"{"streams": [
                {"codec_type": "audio", "duration": "12.5"},
                {"codec_type": "video", "width": 100, "height": 100, "disposition": {"attached_pic": 1}},
                {"codec_type": "video", "width": 1920, "height": 1080, "sample_aspect_ratio": "1:1",
                 "duration": "12.345", "disposition": {"attached_pic": 0},
                 "side_data_list": [{"side_data_type": "Display Matrix", "rotation": -90}]}],
             "format": {"duration": "12.400000", "tags": {
                "creation_time": "2024-05-17T16:30:00.000000Z",
                "com.apple.quicktime.creationdate": "2024-05-17T18:30:00+0200",
                "com.apple.quicktime.location.ISO6709": "+46.5586+007.8356+800.0/",
                "com.apple.quicktime.make": "Apple", "com.apple.quicktime.model": " iPhone 13 "}}}"#,
        )
        .unwrap();
        assert_eq!(facts.size, (1080, 1920), "turned upright, and no cover");
        assert_eq!(facts.duration, Some(Duration::from_millis(12_400)));
        assert_eq!(facts.recorded.as_deref(), Some("2024-05-17T18:30:00+0200"));
        assert_eq!(facts.created.as_deref(), Some("2024-05-17T16:30:00.000000Z"));
        assert_eq!(facts.location.as_deref(), Some("+46.5586+007.8356+800.0/"));
        assert_eq!((facts.make.as_deref(), facts.model.as_deref()), (Some("Apple"), Some("iPhone 13")));
    }

    #[test]
    fn what_is_no_video_or_makes_no_sense_is_left_out() {
        for json in
            each(["", "{}", r#"{"streams": [{"codec_type": "audio"}]}"#, r#"{"streams": [{"codec_type": "video"}]}"#])
        {
            assert_eq!(parse(json.as_bytes()), None, "{json}");
        }
        let wide = parse(
            br#"{"streams": [{"codec_type": "video", "width": 720, "height": 576, "sample_aspect_ratio": "16:11",
                "duration": "N/A", "tags": {"rotate": "180"}}], "format": {"duration": "-1"}}"#,
        )
        .unwrap();
        assert_eq!((wide.size, wide.duration), ((1047, 576), None));
        assert_eq!([in_square_pixels(720, "0:1"), in_square_pixels(720, "1:9999")], [720, 720]);
    }
}
