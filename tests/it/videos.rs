//! Videos and animations, from files that ffmpeg makes to answers and exports.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use glimpse_nonempty::{Every as _, each};
use image::codecs::gif::GifEncoder;
use image::imageops::{FilterType, resize};
use image::{Delay, Frame};
use serde_json::{Value, json};

use crate::util::{Fixture, Run, skipped};

const SIDE: u32 = 192;
/// Two things of the bundled library, of which each image shows one.
const THINGS: [&str; 2] = ["sunflower", "trumpet"];

/// Images of the library that show the two things best.
fn shots(fixture: &Fixture) -> [PathBuf; 2] {
    THINGS.map(|thing| {
        let hits = fixture.json(["search", thing, "--json", "-n", "1"]);
        hits[0]["path"].as_str().unwrap().into()
    })
}

/// A video that shows each image for four seconds; `None`, with a note, where nothing can make it.
fn video(path: &Path, shots: &[PathBuf]) -> Option<()> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-y"]);
    for shot in shots {
        ffmpeg.args(["-loop", "1", "-t", "4", "-framerate", "10", "-i"]).arg(shot);
    }
    let scaled = |i: usize| format!("[{i}]scale={SIDE}:{SIDE},setsar=1,format=yuv420p[s{i}];");
    let graph: String = (0..shots.len()).map(scaled).collect();
    let inputs: String = (0..shots.len()).map(|i| format!("[s{i}]")).collect();
    let graph = format!("{graph}{inputs}concat=n={}", shots.len());
    ffmpeg.args(["-filter_complex", &graph, "-c:v", "mpeg4", "-q:v", "2", "-g", "10"]).arg(path);
    match ffmpeg.status() {
        Ok(ended) => assert!(ended.success()),
        Err(_) => {
            skipped("ffmpeg is not on this machine");
            return None;
        }
    }
    Some(())
}

/// A GIF that shows each image for three seconds.
fn gif(path: &Path, shots: &[PathBuf]) {
    let mut encoder = GifEncoder::new(File::create(path).unwrap());
    for shot in each(shots) {
        let image = resize(&image::open(shot).unwrap().to_rgba8(), SIDE, SIDE, FilterType::Triangle);
        encoder.encode_frame(Frame::from_parts(image, 0, 0, Delay::from_numer_denom_ms(3000, 1))).unwrap();
    }
}

/// The hit of a search that is a file of this name.
fn hit<'a>(hits: &'a [Value], name: &str) -> &'a Value {
    let of = |hit: &&Value| hit["path"].as_str().unwrap().ends_with(name);
    hits.iter().find(of).unwrap_or_else(|| panic!("{name} is not among {} hits", hits.len()))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_video_and_an_animation_are_found_at_the_shot_that_answers() {
    let fixture = Fixture::indexed();
    let [first, second] = shots(&fixture);
    let folder = fixture.images().join("moving");
    fs::create_dir(&folder).unwrap();
    gif(&folder.join("moves.gif"), &[first.clone(), second.clone()]);
    let with_video = video(&folder.join("film.mp4"), &[second, first]).is_some();
    let films = usize::from(with_video);
    let run = fixture.run([Path::new("index"), &folder]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.starts_with(&format!("{} indexed", 1 + films)), "{}", run.stdout);

    // Each answers once, at the frame that shows what is asked for.
    let of_gif = [(0.0, 3.0), (3.0, 6.0)];
    let of_film = [(4.0, 8.0), (0.0, 4.0)];
    for (i, thing) in each(THINGS.iter().enumerate()) {
        let hits = fixture.json(["search", thing, "--json", "--all", "-n", "500"]);
        let is_at = |name: &str, kind: &str, (start, end): (f64, f64), duration: f64| {
            let found = hit(&hits, name);
            assert_eq!(found["kind"], kind);
            for (field, expected) in each([("start", start), ("end", end), ("duration", duration)]) {
                let said = found[field].as_f64().unwrap();
                assert!((said - expected).abs() < 0.2, "{thing}: {name}: {field} {said}, not {expected}");
            }
            assert_eq!(found["frame"] == found["id"], start == 0.0, "the first frame has the number of its file");
            assert_eq!(hits.iter().filter(|hit| hit["path"] == found["path"]).count(), 1);
        };
        is_at("moves.gif", "animation", of_gif[i], 6.0);
        if with_video {
            is_at("film.mp4", "video", of_film[i], 8.0);
            let lines = fixture.run(["search", thing, "--all", "-n", "500"]).stdout;
            let at = ["film.mp4 at 0:04", "film.mp4 at 0:00"][i];
            assert!(lines.contains(at), "{thing}: no `{at}` in {lines}");
        }
    }
    let Run { code, stdout, stderr } = fixture.run(["verify"]);
    assert_eq!(code, 0, "{stdout}{stderr}");

    if with_video {
        exports(&fixture);
        // A second look at the same files finds nothing to do.
        let again = fixture.run([Path::new("index"), &folder]);
        assert!(again.stdout.starts_with("2 unchanged"), "{}", again.stdout);
    }
}

/// A box is exported with its video where a format can say when it is there, and is named as left
/// out elsewhere.
fn exports(fixture: &Fixture) {
    let out = fixture.path().join("out");
    fs::create_dir(&out).unwrap();
    let option = |name: &str, file: &str| [format!("--{name}"), out.join(file).to_str().unwrap().to_owned()];
    let files = [("coco", "coco.json"), ("label-studio", "tasks.json"), ("cvat", "cvat.xml")];
    let folders = ["xmp", "crops", "annotated"].map(|name| (name, name));
    let options = files.iter().chain(&folders).flat_map(|(name, file)| option(name, file));
    let asked = ["find", "sunflower", "--all", "-n", "500", "--thumbnails", "always"].map(str::to_owned);
    let run = fixture.run(asked.into_iter().chain(options));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("2 videos were left out for Label Studio, CVAT, XMP"), "{}", run.stderr);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let of_film = lines.iter().position(|line| line.contains("film.mp4 at 0:04")).unwrap();
    assert!(lines[of_film - 1].starts_with("\u{1b}]1337;File="), "the frame is drawn above its line");

    let coco = read(&out.join("coco.json"));
    let images = coco["images"].as_array().unwrap();
    let film = images.iter().find(|image| image["file_name"].as_str().unwrap().ends_with("film.mp4")).unwrap();
    assert!((film["start"].as_f64().unwrap() - 4.0).abs() < 0.2, "{film}");
    assert_eq!((&film["width"], &film["height"]), (&json!(SIDE), &json!(SIDE)));
    assert!(coco["annotations"].as_array().unwrap().iter().any(|found| found["image_id"] == film["id"]));
    let stills = images.iter().filter(|image| image.get("start").is_none());
    assert_eq!(stills.count(), images.len() - 2, "nothing else has a time");

    assert_eq!(read(&out.join("tasks.json")).as_array().unwrap().len(), images.len() - 2);
    let names = |folder: &str| {
        let names = fs::read_dir(out.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect::<Vec<_>>()
    };
    let of_film = |folder: &str| names(folder).into_iter().filter(|name| name.contains("film.mp4")).collect::<Vec<_>>();
    assert_eq!(of_film("xmp"), Vec::<String>::new());
    assert_eq!(of_film("annotated").len(), 1);
    assert!(of_film("crops").into_iter().every(|name| name.starts_with("film.mp4-4") && name.contains("s-crop")));
    let drawn = image::open(out.join("annotated").join(&of_film("annotated")[0])).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (SIDE, SIDE));
}

#[test]
fn without_ffmpeg_a_video_is_listed_with_the_remedy_and_the_rest_is_indexed() {
    let fixture = Fixture::indexed();
    let folder = fixture.images().join("moving");
    fs::create_dir(&folder).unwrap();
    let [first, second] = shots(&fixture);
    gif(&folder.join("moves.gif"), &[first, second]);
    // The first bytes say that it is an MP4.
    fs::write(folder.join("film.mp4"), b"\0\0\0\x18ftypisom\0\0\0\0isomiso2").unwrap();
    let without = |args: &[&str]| {
        let nowhere = fixture.path().join("no programs here");
        Run::of(fixture.command(args).env("PATH", nowhere).output().unwrap())
    };
    let run = without(&["index", folder.to_str().unwrap()]);
    assert_eq!(run.code, 0, "no image that can be indexed is no error: {}", run.stderr);
    assert!(run.stdout.starts_with("1 indexed, 1 skipped"), "{}", run.stdout);
    let told = run.stderr.lines().find(|line| line.contains("film.mp4")).unwrap();
    assert!(told.starts_with("skipped ") && told.contains("install ffmpeg (with ffprobe)"), "{told}");
    let run = without(&["index", "--json", folder.to_str().unwrap()]);
    let skipped: Vec<Value> = run.json().into_iter().filter(|line| line["event"] == "skipped").collect();
    assert_eq!(skipped.len(), 1, "{}", run.stdout);
    assert!(skipped[0]["path"].as_str().unwrap().ends_with("film.mp4"));
    let run = without(&["search", "sunflower", "--json", "--all", "-n", "500"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(hit(&run.json(), "moves.gif")["start"], 0.0);
}
