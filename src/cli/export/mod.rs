//! Boxes for other programs: annotation tools, image managers, and people.

mod annotated;
mod coco;
mod crops;
mod cvat;
mod label_studio;
pub mod masks;
mod xmp;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use glimpse::engine::{Heatmap, ImageBytes, Rect, files};
use glimpse::{Engine, ImageId};
use image::RgbImage;

use super::args::ExportArgs;
use super::outcome::CliError;
use super::output::count;

/// An image and what was found in it.
pub struct Annotated<'a> {
    /// The file.
    pub path: PathBuf,
    /// EXIF orientation, 1 to 8, that a sidecar gives it in place of the file's own.
    pub orientation: Option<u8>,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// Boxes, best first.
    pub boxes: Vec<Labelled>,
    /// How much its patches show, if that was asked for.
    pub heatmap: Option<Heatmap>,
    /// Where the file is a video or an animation: the frame that was looked at.
    pub frame: Option<FrameOf<'a>>,
}

/// A frame of a video.
#[derive(Clone, Copy)]
pub struct FrameOf<'a> {
    /// What decodes it.
    pub engine: &'a Engine,
    /// Its number.
    pub id: ImageId,
    /// When it is shown, in seconds.
    pub start: f64,
    /// Where the next shot begins, or the video ends, in seconds.
    pub end: f64,
}

impl Annotated<'_> {
    /// The file's name as the start of another one, with the time of the frame: `a.mp4-12.5s`.
    fn name(&self) -> String {
        let name = name_of(&self.path);
        match self.frame {
            Some(FrameOf { start, .. }) => format!("{name}-{}s", (start * 1000.0).round() / 1000.0),
            None => name,
        }
    }
}

/// The name of a file, without its folder.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A box and what it shows.
pub struct Labelled {
    /// What was asked.
    pub label: String,
    /// Where.
    pub rect: Rect,
    /// Calibrated probability.
    pub score: f32,
}

/// Writes everything that the arguments ask for; what was written, for people, and what was left
/// out.
pub fn write(images: &[Annotated<'_>], args: &ExportArgs) -> Result<Vec<String>, CliError> {
    let mut done = Vec::new();
    // Formats in which a box belongs to a file, and not to a moment of it.
    let (stills, moving): (Vec<&Annotated<'_>>, Vec<_>) = images.iter().partition(|image| image.frame.is_none());
    let all: Vec<&Annotated<'_>> = images.iter().collect();
    let files = [
        (&args.coco, coco::write(&all)?),
        (&args.label_studio, label_studio::write(&stills)?),
        (&args.cvat, cvat::write(&stills)),
    ];
    for (path, text) in files {
        if let Some(path) = path {
            fs::write(path, text).map_err(|error| CliError::new(format!("{}: {error}", path.display())))?;
            done.push(format!("wrote {}", path.display()));
        }
    }
    if args.label_studio.is_some() {
        let root = common_folder(&paths(&stills)).display();
        done.push(format!("Label Studio finds the images if it is started with LOCAL_FILES_DOCUMENT_ROOT={root}"));
    }
    let mut folder = |dir: &Option<PathBuf>,
                      what: &str,
                      images: &[&Annotated<'_>],
                      write: &dyn Fn(&Annotated<'_>, &mut Names) -> Result<usize, CliError>| {
        let Some(dir) = dir else { return Ok(()) };
        let mut names = Names::of(dir)?;
        let mut count = 0;
        for image in images {
            count += write(image, &mut names)?;
        }
        done.push(format!("wrote {count} {what} to {}", dir.display()));
        Ok::<(), CliError>(())
    };
    folder(&args.xmp, "sidecars", &stills, &xmp::write)?;
    folder(&args.crops, "crops", &all, &crops::write)?;
    folder(&args.annotated, "images", &all, &annotated::write)?;
    let of_files = [(&args.label_studio, "Label Studio"), (&args.cvat, "CVAT"), (&args.xmp, "XMP")];
    let of_files: Vec<&str> = of_files.iter().filter(|(asked, _)| asked.is_some()).map(|(_, name)| *name).collect();
    if !moving.is_empty() && !of_files.is_empty() {
        let left_out = count(moving.len(), "video was", "videos were");
        let hint = "boxes belong to image files there; --coco, --crops and --annotated have them";
        done.push(format!("{left_out} left out for {}: {hint}", of_files.join(", ")));
    }
    Ok(done)
}

/// Names in a folder, each used once in a run.
struct Names {
    dir: PathBuf,
    used: HashSet<PathBuf>,
}

impl Names {
    fn of(dir: &Path) -> Result<Self, CliError> {
        fs::create_dir_all(dir).map_err(|error| CliError::new(format!("{}: {error}", dir.display())))?;
        Ok(Self { dir: dir.to_path_buf(), used: HashSet::new() })
    }

    /// A path for what belongs to an image: its name and an ending, with a number if that is taken.
    fn path(&mut self, name: &str, ending: &str) -> PathBuf {
        let numbered = (2..).map(|n| self.dir.join(format!("{name}-{n}{ending}")));
        let mut paths = std::iter::once(self.dir.join(format!("{name}{ending}"))).chain(numbered);
        let free = paths.find(|path| !self.used.contains(path)).unwrap_or_default();
        self.used.insert(free.clone());
        free
    }
}

/// The pixels of an image, upright.
fn pixels(image: &Annotated<'_>) -> Result<RgbImage, CliError> {
    if let Some(FrameOf { engine, id, .. }) = image.frame {
        let decoded = engine.original_bytes(id)?.decode();
        return decoded
            .map(|image| image.pixels)
            .map_err(|error| CliError::new(format!("{}: {error}", image.path.display())));
    }
    decoded(&image.path, image.orientation)
}

/// The pixels of a file, upright.
fn decoded(path: &Path, orientation: Option<u8>) -> Result<RgbImage, CliError> {
    let failed = |error: String| CliError::new(format!("{}: {error}", path.display()));
    let bytes = files::read(path).map_err(|error| failed(error.to_string()))?;
    let file = ImageBytes { bytes: bytes.into(), orientation };
    file.decode().map(|image| image.pixels).map_err(|error| failed(error.to_string()))
}

fn save(pixels: &RgbImage, path: &Path) -> Result<(), CliError> {
    pixels.save(path).map_err(|error| CliError::new(format!("{}: {error}", path.display())))
}

/// A text inside XML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 has no way to say these.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

fn paths<'a>(images: &[&'a Annotated<'_>]) -> Vec<&'a Path> {
    images.iter().map(|image| image.path.as_path()).collect()
}

/// The folder that all images are in.
fn common_folder<'a>(images: &[&'a Path]) -> &'a Path {
    let mut folders = images.iter().map(|path| path.parent().unwrap_or(Path::new("")));
    let first = folders.next().unwrap_or(Path::new(""));
    folders.fold(first, |common, folder| {
        common.ancestors().find(|above| folder.starts_with(above)).unwrap_or(Path::new(""))
    })
}

/// Names of images for other programs: relative to their common folder, with `/` between folders.
fn names_of(images: &[&Path]) -> Vec<String> {
    let common = common_folder(images);
    let name = |path: &&Path| {
        let parts = path.strip_prefix(common).unwrap_or(path).components();
        parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    images.iter().map(name).collect()
}

/// The labels of all boxes, each once, in order of appearance.
fn labels<'a>(images: &[&'a Annotated<'_>]) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    let all = images.iter().flat_map(|&image| &image.boxes).map(|found| found.label.as_str());
    all.filter(|label| seen.insert(*label)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn image() -> Annotated<'static> {
        let half = Rect { left: 0.25, top: 0.5, right: 0.75, bottom: 1.0 };
        let found = |label: &str| Labelled { label: label.to_owned(), rect: half, score: 0.75 };
        Annotated {
            path: "/photos/a & b.jpg".into(),
            orientation: None,
            width: 400,
            height: 200,
            boxes: vec![found("dog <1>"), found("猫"), found("dog <1>")],
            heatmap: None,
            frame: None,
        }
    }

    #[test]
    fn coco_has_pixels_and_every_label_once() {
        let json: serde_json::Value = serde_json::from_str(&coco::write(&[&image()]).unwrap()).unwrap();
        assert_eq!(json["categories"].as_array().unwrap().len(), 2);
        assert_eq!(json["annotations"][1]["bbox"], serde_json::json!([100.0, 100.0, 200.0, 100.0]));
        assert_eq!(json["annotations"][2]["category_id"], json["categories"][0]["id"]);
        assert_eq!(json["images"][0]["file_name"], "a & b.jpg");
        assert!(json["info"].is_object() && json["licenses"].is_array());
        assert_eq!(json["annotations"][0]["segmentation"][0].as_array().unwrap().len(), 8);
    }

    #[test]
    fn label_studio_has_percentages() {
        let json: serde_json::Value = serde_json::from_str(&label_studio::write(&[&image()]).unwrap()).unwrap();
        let value = &json[0]["predictions"][0]["result"][0]["value"];
        assert_eq!((value["x"].as_f64(), value["height"].as_f64()), (Some(25.0), Some(50.0)));
        assert_eq!(value["rectanglelabels"][0], "dog <1>");
    }

    #[test]
    fn xml_escapes_what_it_must() {
        let cvat = cvat::write(&[&image()]);
        assert!(cvat.contains("name=\"a &amp; b.jpg\"") && cvat.contains("label=\"dog &lt;1&gt;\""), "{cvat}");
        assert!(cvat.contains("xtl=\"100.00\" ytl=\"100.00\" xbr=\"300.00\" ybr=\"200.00\""), "{cvat}");
        let xmp = xmp::regions(&image(), 1);
        assert!(xmp.contains("<mwg-rs:Name>dog &lt;1&gt;</mwg-rs:Name>") && xmp.contains("stArea:x=\"0.5\""), "{xmp}");
        assert!(xmp.contains("stDim:w=\"400\" stDim:h=\"200\"") && xmp.contains("stArea:y=\"0.75\""), "{xmp}");
        let turned = xmp::regions(&image(), 6);
        assert!(turned.contains("stDim:w=\"200\" stDim:h=\"400\"") && turned.contains("stArea:x=\"0.75\""), "{turned}");
        assert_eq!(escape("\u{1}\"é"), "\u{fffd}&quot;é");
    }

    #[test]
    fn names_are_relative_to_the_folder_of_all() {
        let named = |paths: &[&str]| names_of(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(named(&[]), Vec::<String>::new());
        assert_eq!(named(&["/p/a/x.jpg"]), ["x.jpg"]);
        assert_eq!(named(&["/p/a/x.jpg", "/p/ab/x.jpg", "/p/y.jpg"]), ["a/x.jpg", "ab/x.jpg", "y.jpg"]);
        assert_eq!(named(&["/p/a/b/x.jpg", "/p/a/b/c/y.jpg"]), ["x.jpg", "c/y.jpg"]);
    }

    #[test]
    fn names_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        let mut names = Names::of(dir.path()).unwrap();
        let paths: Vec<PathBuf> = ["x.jpg"; 3].map(|name| names.path(name, ".xmp")).into();
        assert_eq!(paths, ["x.jpg.xmp", "x.jpg-2.xmp", "x.jpg-3.xmp"].map(|name| dir.path().join(name)));
    }

    #[test]
    fn a_heatmap_and_boxes_are_drawn_and_crops_are_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.png");
        RgbImage::from_pixel(40, 20, image::Rgb([100; 3])).save(&path).unwrap();
        let heatmap = Some(Heatmap { rows: 1, cols: 2, scores: vec![0.0, 1.0] });
        let image = Annotated { path, width: 40, height: 20, heatmap, ..image() };
        let out = dir.path().join("out");
        assert_eq!(annotated::write(&image, &mut Names::of(&out).unwrap()).unwrap(), 1);
        let drawn = image::open(out.join("p.png.png")).unwrap().to_rgb8();
        assert_eq!(drawn.dimensions(), (40, 20));
        assert_eq!(drawn.get_pixel(1, 1).0, [100; 3], "cold and outside the box");
        assert_ne!(drawn.get_pixel(38, 1).0, [100; 3], "hot");
        assert_eq!(crops::write(&image, &mut Names::of(&out).unwrap()).unwrap(), 3);
        assert_eq!(image::open(out.join("p.png-crop.png")).unwrap().width(), 20);
    }
}
