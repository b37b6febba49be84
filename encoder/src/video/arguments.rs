//! Arguments of ffmpeg and ffprobe. Files are named as `file:` and an absolute path, so that none
//! passes for an option or an address, and nothing but files and pipes may be opened.

use std::ffi::OsString;
use std::time::Duration;

use super::VideoFile;
use super::shots::SIDE;

/// Sync frames nearer to each other are not looked at, in seconds.
const APART: f32 = 0.5;
/// Frames a second of what is written, which are not those of the video.
const RATE: u32 = 25;

/// ffprobe: container and streams as JSON.
pub(super) fn facts(file: VideoFile<'_>) -> Vec<OsString> {
    let mut args = texts(&["-hide_banner", "-v", "error", "-print_format", "json", "-show_format", "-show_streams"]);
    args.extend(input(file));
    args
}

/// ffmpeg: the brightness of sync frames on a grid as bytes, and their times as lines.
pub(super) fn sync_frames(file: VideoFile<'_>) -> Vec<OsString> {
    let mut args =
        texts(&["-hide_banner", "-nostdin", "-nostats", "-v", "info", "-threads", "2", "-skip_frame", "nokey"]);
    args.extend(input(file));
    let filter = format!(
        "select='isnan(prev_selected_t)+gte(t-prev_selected_t,{APART})',scale={SIDE}:{SIDE}:flags=area,\
         format=gray,settb=AVTB,showinfo,settb=1/{RATE},setpts=N"
    );
    args.extend(texts(&["-map", "0:V:0", "-an", "-sn", "-dn", "-vf", &filter]));
    // Counted at a steady rate behind the filter that tells times: none is dropped or repeated.
    args.extend(texts(&["-r", &RATE.to_string(), "-f", "rawvideo", "pipe:1"]));
    args
}

/// ffmpeg: the frame at a time, as RGB bytes.
pub(super) fn frame(file: VideoFile<'_>, at: Duration, (width, height): (u32, u32)) -> Vec<OsString> {
    let at = format!("{}.{:06}", at.as_secs(), at.subsec_micros());
    let mut args = texts(&["-hide_banner", "-nostdin", "-nostats", "-v", "error", "-threads", "1", "-ss", &at]);
    args.extend(input(file));
    let filter = format!("scale={width}:{height}:flags=bicubic,setsar=1");
    args.extend(texts(&["-map", "0:V:0", "-an", "-sn", "-dn", "-vf", &filter, "-frames:v", "1"]));
    args.extend(texts(&["-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]));
    args
}

fn input(file: VideoFile<'_>) -> Vec<OsString> {
    let mut args = texts(&["-protocol_whitelist", "file,pipe", "-f", file.format.demuxer().unwrap_or("mov"), "-i"]);
    let mut name = OsString::from("file:");
    name.push(file.path);
    args.push(name);
    args
}

fn texts(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use glimpse_nonempty::each;

    use super::*;
    use crate::image_file::Format;

    #[test]
    fn a_file_is_no_option_and_no_address() {
        for name in each(["-version", "http://example.org/a.mp4", "concat:a|b", "/v/a.mp4", "pipe:0"]) {
            let file = VideoFile { path: Path::new(name), format: Format::Mp4 };
            for args in each([facts(file), sync_frames(file), frame(file, Duration::ZERO, (4, 4))]) {
                let at = args.iter().position(|arg| arg == "-i").unwrap_or(args.len() - 2);
                assert_eq!(args[at + 1], OsString::from(format!("file:{name}")));
                let before =
                    args[..at].windows(2).any(|pair| pair[0] == "-protocol_whitelist" && pair[1] == "file,pipe");
                assert!(before && args[..at].windows(2).any(|pair| pair[0] == "-f" && pair[1] == "mov"), "{args:?}");
            }
        }
    }

    #[test]
    fn times_are_exact_to_the_microsecond() {
        let file = VideoFile { path: Path::new("/a.mkv"), format: Format::Mkv };
        let args = frame(file, Duration::from_micros(61_000_040), (8, 6));
        let at = args.iter().position(|arg| arg == "-ss").map(|at| args[at + 1].clone());
        assert_eq!(at, Some("61.000040".into()));
    }
}
