//! Videos and animations: one image each, with frames that are found and go with it.

use std::process::Command;

use glimpse_nonempty::{Every as _, each};
use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, RgbaImage};

use super::*;
use crate::{FileRole, Filter, ImageRecord};

const COLOURS: [[u8; 3]; 3] = [[220, 20, 20], [20, 20, 220], [20, 160, 20]];

/// A GIF that shows each colour for three seconds.
fn gif(path: &Path, colours: &[[u8; 3]]) {
    let mut encoder = GifEncoder::new(File::create(path).unwrap());
    for [r, g, b] in colours {
        let image = RgbaImage::from_pixel(32, 24, image::Rgba([*r, *g, *b, 255]));
        encoder.encode_frame(Frame::from_parts(image, 0, 0, Delay::from_numer_denom_ms(3000, 1))).unwrap();
    }
}

/// A video that shows each colour for four seconds; `None` where nothing can make it.
fn video(path: &Path, colours: &[&str], options: &[&str]) -> Option<()> {
    let source = |colour: &&str| format!("color={colour}:s=64x48:r=10:d=4,format=yuv420p[{colour}];");
    let graph: String = colours.iter().map(source).collect();
    let inputs: String = colours.iter().map(|colour| format!("[{colour}]")).collect();
    let graph = format!("{graph}{inputs}concat=n={}", colours.len());
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-y", "-filter_complex", &graph, "-c:v", "mpeg4", "-g", "10"]);
    match ffmpeg.args(options).arg(name).status() {
        Ok(ended) => assert!(ended.success()),
        Err(_) => {
            eprintln!("SKIPPED: ffmpeg is not on this machine");
            return None;
        }
    }
    Some(())
}

impl Fixture {
    fn record(&self, path: &Path) -> ImageRecord {
        self.index.image(self.id(path)).unwrap().unwrap()
    }

    /// When the frames of a file are shown, in tenths of a second.
    fn starts(&self, path: &Path) -> Vec<u64> {
        let frames = self.index.frames_of(self.id(path));
        frames.iter().map(|&id| (self.index.moment(id).unwrap().start + 50_000) / 100_000).collect()
    }

    fn is_sound(&self) {
        assert_eq!(self.index.verify(false).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn an_animation_is_one_image_whose_frames_are_found() {
    let fixture = Fixture::new();
    let path = fixture.path("a.gif");
    gif(&path, &COLOURS);
    let still = fixture.image("b.png", 1);
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, fixture.encoder.images()), (2, 4), "{events:?}");
    fixture.is_sound();
    assert_eq!(fixture.starts(&path), [0, 30, 60]);
    let stats = fixture.index.stats().unwrap();
    assert_eq!((stats.images, stats.frames, fixture.index.len()), (2, 2, 2));
    let all = fixture.index.select(&Filter::default());
    assert_eq!((all.len(), fixture.index.with_frames(&all).len()), (2, 4));
    let moment = fixture.record(&path).moment.unwrap();
    assert_eq!((moment.start, moment.end, moment.duration, moment.complete), (0, 3_000_000, 9_000_000, true));
    assert_eq!(fixture.record(&still).moment, None);
    for frame in each(fixture.index.frames_of(fixture.id(&path))) {
        let vector = fixture.index.vector(frame).unwrap();
        assert_eq!(fixture.index.nearest(&vector, 1, None).unwrap()[0].id, frame);
        assert_eq!(fixture.index.video_of(frame), fixture.id(&path));
        assert_eq!(fixture.index.files_of(frame).unwrap()[0].path, path);
    }
    // All is the same after the program was started anew.
    let fixture = fixture.reopened();
    assert_eq!(fixture.run_without_encoding().0.unchanged, 2);
    assert_eq!(fixture.starts(&path), [0, 30, 60]);
}

#[test]
fn frames_go_and_come_with_their_file() {
    let mut fixture = Fixture::new();
    let (path, other) = (fixture.path("a.gif"), fixture.path("elsewhere.gif"));
    fixture.image("still.png", 1);
    gif(&path, &COLOURS);
    fixture.run();
    fs::rename(&path, &other).unwrap();
    assert_eq!(fixture.run_without_encoding().0.moved, 1);
    assert_eq!(fixture.starts(&other), [0, 30, 60]);
    // Missing ones are not found, and are back without a look at their pixels.
    let aside = fixture.outside("aside.gif");
    fs::rename(&other, &aside).unwrap();
    assert_eq!(fixture.run().0.missing, 1);
    let vector = fixture.index.vector(fixture.index.frames_of(fixture.id(&other))[1]).unwrap();
    let found = |fixture: &Fixture| fixture.index.nearest(&vector, 9, None).unwrap().len();
    assert_eq!(found(&fixture), 1);
    fs::rename(&aside, &other).unwrap();
    fixture.run_without_encoding();
    assert_eq!(found(&fixture), 4);
    // Another content has other frames, and nothing of the old one is left.
    gif(&other, &COLOURS[1..]);
    assert_eq!(fixture.run().0.indexed, 1);
    assert_eq!((fixture.starts(&other), found(&fixture)), (vec![0, 30], 3));
    fixture.is_sound();
    fs::remove_file(&other).unwrap();
    (fixture.options.prune, fixture.options.force) = (true, true);
    assert_eq!(fixture.run().0.pruned, 1);
    assert_eq!((found(&fixture), fixture.index.stats().unwrap().frames), (1, 0));
    fixture.is_sound();
}

#[test]
fn frames_that_did_not_come_are_made_by_the_next_run() {
    let fixture = Fixture::new();
    let path = fixture.path("a.gif");
    gif(&path, &COLOURS);
    fixture.run();
    let id = fixture.id(&path);
    let lost = fixture.index.frames_of(id)[1];
    // As a killed process leaves it: one frame is not there, and the video is not complete.
    fixture.index.forget_frame(lost);
    assert_eq!((fixture.starts(&path), fixture.index.incomplete_videos()), (vec![0, 60], vec![id]));
    let before = fixture.encoder.images();
    fixture.run();
    assert_eq!((fixture.starts(&path), fixture.encoder.images() - before), (vec![0, 30, 60], 1));
    assert!(fixture.index.incomplete_videos().is_empty());
    fixture.is_sound();
}

#[test]
fn what_a_program_of_before_took_for_still_is_looked_through_once() {
    let fixture = Fixture::new();
    let (path, still, away) = (fixture.path("a.gif"), fixture.path("still.gif"), fixture.path("away.gif"));
    gif(&path, &COLOURS);
    gif(&still, &COLOURS[..1]);
    gif(&away, &COLOURS[1..]);
    fixture.run();
    let aside = fixture.outside("aside.gif");
    fs::rename(&away, &aside).unwrap();
    fixture.run();
    let (id, gone) = (fixture.id(&path), fixture.id(&away));
    let vector = fixture.index.vector(id);
    fixture.index.forget_animation(id);
    fixture.index.forget_animation(gone);
    assert_eq!((fixture.index.stats().unwrap().frames, fixture.record(&path).moment), (0, None));
    let before = fixture.encoder.images();
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.failed), (1, 0), "{events:?}");
    assert_eq!((fixture.starts(&path), fixture.encoder.images() - before), (vec![0, 30, 60], 2));
    assert!(fixture.record(&path).moment.is_some_and(|moment| moment.complete && moment.duration == 9_000_000));
    assert_eq!((fixture.id(&path), fixture.index.vector(id)), (id, vector));
    assert_eq!(fixture.record(&still).moment, None);
    fixture.is_sound();
    // Nothing is read again; but one that was away is looked through when it is back.
    assert_eq!(fixture.index.may_move(), [gone]);
    let fixture = fixture.reopened();
    assert_eq!(fixture.run_without_encoding().0.indexed, 0);
    fs::rename(&aside, &away).unwrap();
    assert_eq!(fixture.run().0.indexed, 1);
    assert_eq!(fixture.starts(&away), [0, 30]);
    assert_eq!(fixture.index.may_move(), []);
    fixture.is_sound();
}

#[test]
fn two_animations_may_change_places() {
    let fixture = Fixture::new();
    let (a, b) = (fixture.path("a.gif"), fixture.path("b.gif"));
    gif(&a, &COLOURS);
    gif(&b, &COLOURS[1..]);
    fixture.run();
    let aside = fixture.outside("aside");
    fs::rename(&a, &aside).unwrap();
    fs::rename(&b, &a).unwrap();
    fs::rename(&aside, &b).unwrap();
    let (summary, events) = fixture.run();
    assert_eq!(summary.failed + summary.skipped, 0, "{events:?}");
    assert_eq!((fixture.starts(&a), fixture.starts(&b)), (vec![0, 30], vec![0, 30, 60]));
    fixture.is_sound();
}

#[test]
fn a_video_is_one_image_with_its_facts_and_the_frames_of_its_shots() {
    let fixture = Fixture::new();
    let path = fixture.path("clips/a.mp4");
    fs::create_dir(fixture.path("clips")).unwrap();
    let facts = ["-metadata", "creation_time=2024-05-06T07:08:09Z", "-metadata", "location=+46.5586+007.8356/"];
    let Some(()) = video(&path, &["red", "blue"], &facts) else { return };
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped), (1, 0), "{events:?}");
    fixture.is_sound();
    let record = fixture.record(&path);
    assert_eq!((record.format.name(), record.width, record.height), ("mp4", 64, 48));
    assert_eq!(record.taken, Some(1_714_979_289));
    assert!(record.place.is_some_and(|place| (place.latitude - 46.5586).abs() < 1e-3));
    assert_eq!(fixture.starts(&path), [0, 40]);
    let moment = record.moment.unwrap();
    assert_eq!((moment.duration / 100_000, moment.complete), (80, true));
    assert_eq!(fixture.run_without_encoding().0.unchanged, 1);
    // Regions of frames are made where they lack, as those of images are.
    let frames = fixture.index.frames_of(fixture.id(&path));
    assert!(frames.iter().every(|&frame| fixture.index.has_regions(frame).unwrap()));
    fixture.index.remove_regions(frames[1]).unwrap();
    let mut fixture = fixture;
    fixture.options.regions.refill = true;
    fixture.run();
    assert!(frames.iter().every(|&frame| fixture.index.has_regions(frame).unwrap()));
}

#[test]
fn names_of_videos_are_names_and_nothing_else() {
    let fixture = Fixture::new();
    let names = ["-version.mp4", "http:example.mkv", "concat:a|b.avi", "a %03d '.webm.mkv"];
    for name in each(names) {
        let Some(()) = video(&fixture.path(name), &["red"], &[]) else { return };
    }
    let (summary, events) = fixture.run();
    // Equal pixels in different files are different images.
    assert_eq!((summary.indexed, summary.skipped, summary.failed), (4, 0, 0), "{events:?}");
}

#[test]
fn a_playlist_that_is_named_like_a_video_opens_nothing() {
    let fixture = Fixture::new();
    let secret = fixture.outside("secret.mp4");
    let Some(()) = video(&secret, &["red"], &[]) else { return };
    let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:{}\n#EXT-X-ENDLIST\n", secret.display());
    fs::write(fixture.path("a.mp4"), &list).unwrap();
    // Also behind the first bytes of a container.
    fs::write(fixture.path("b.avi"), [b"RIFF\0\0\0\0AVI ".as_slice(), list.as_bytes()].concat()).unwrap();
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped), (0, 2), "{events:?}");
}

#[test]
fn what_is_cut_off_gives_what_can_be_read() {
    let fixture = Fixture::new();
    let path = fixture.path("a.mkv");
    let Some(()) = video(&path, &["red", "blue", "green", "white"], &[]) else { return };
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() * 5 / 8]).unwrap();
    fs::write(fixture.path("b.mp4"), b"\0\0\0\x18ftypisom\0\0\0\0isom").unwrap();
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped), (1, 1), "{events:?}");
    let starts = fixture.starts(&path);
    assert!(starts.len() >= 2 && starts.len() < 4 && starts[1] == 40, "{starts:?}");
    assert!(fixture.record(&path).truncated);
    let said =
        |event: &FileEvent| matches!(event, FileEvent::Skipped { reason, .. } if reason.text.contains("damaged video"));
    assert!(events.iter().any(said), "{events:?}");
}

#[test]
fn the_video_of_a_live_photo_belongs_to_it_and_is_not_read() {
    let fixture = Fixture::new();
    let (still, motion) = (fixture.image("live.jpg", 1), fixture.path("live.mov"));
    let Some(()) = video(&motion, &["red", "blue"], &[]) else { return };
    let (summary, _) = fixture.run();
    assert_eq!((summary.indexed, summary.paired, fixture.encoder.images()), (1, 1, 1));
    assert_eq!(fixture.index.file(&motion).unwrap().unwrap().role, FileRole::Motion);
    // Alone it is a video.
    fs::remove_file(&still).unwrap();
    fixture.run();
    assert_eq!(fixture.starts(&motion), [0, 40]);
    fixture.is_sound();
}
