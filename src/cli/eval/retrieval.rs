//! `glimpse eval retrieval`: R@1, R@5 and R@10 of captions to images and back, by language, as the
//! SigLIP 2 paper has them.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::presence::Presence;
use super::{Bench, folder, read, share, vectors};
use crate::cli::args::EvalRetrievalArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, write_json};

const DEPTHS: [usize; 3] = [1, 5, 10];

/// A caption, and the places of the images that it is right for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Caption {
    pub text: String,
    pub images: Vec<usize>,
}

/// Files, and captions by language.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Captions {
    pub files: Vec<String>,
    pub captions: BTreeMap<String, Vec<Caption>>,
}

/// One language, and the mean of all.
#[derive(Debug, Serialize)]
struct Row {
    language: String,
    captions: usize,
    images: usize,
    text_to_image: [f64; 3],
    image_to_text: [f64; 3],
    /// Whether a caption's best cosine tells if its image is there: against the same captions
    /// without their images.
    presence_auroc: Option<f64>,
}

pub fn run(args: &EvalRetrievalArgs, context: &Context) -> Result<Outcome, CliError> {
    let mut data = read_captions(&args.data, &args.split)?;
    data.captions.retain(|language, _| args.lang.is_empty() || args.lang.contains(language));
    if data.captions.is_empty() {
        return Err(CliError::new(format!(
            "{}: no captions in the languages that were asked for",
            args.data.display()
        )));
    }
    let dir = folder(&args.images, &args.data);
    let bench = Bench::new(context)?;
    let paths: Vec<PathBuf> = data.files.iter().map(|file| dir.join(file)).collect();
    let images = vectors::images(&bench.engine, &paths, context)?;
    let mut rows = Vec::new();
    for (language, captions) in &data.captions {
        // Only images that can be read and that this language describes.
        let readable = |places: &[usize]| places.iter().copied().filter(|&place| images[place].is_some()).collect();
        let captions = captions.iter().map(|it| Caption { text: it.text.clone(), images: readable(&it.images) });
        let captions: Vec<Caption> = captions.filter(|caption| !caption.images.is_empty()).collect();
        let texts: Vec<String> = captions.iter().map(|caption| caption.text.clone()).collect();
        let texts = vectors::texts(&bench.engine, &texts)?;
        let mut places: Vec<usize> = captions.iter().flat_map(|caption| caption.images.iter().copied()).collect();
        places.sort_unstable();
        places.dedup();
        let gallery: Vec<_> = places.iter().filter_map(|&place| images[place].clone()).collect();
        let to_image = captions
            .iter()
            .zip(&texts)
            .map(|(caption, text)| vectors::rank(text, &gallery, |i| caption.images.contains(&places[i])));
        let text_to_image = recall(to_image);
        let to_text = places
            .iter()
            .zip(&gallery)
            .map(|(place, image)| vectors::rank(image, &texts, |i| captions[i].images.contains(place)));
        let image_to_text = recall(to_text);
        let mut presence = Presence::default();
        for (caption, text) in captions.iter().zip(&texts) {
            let best = |right: bool| {
                let counted = |place: &usize| right || !caption.images.contains(place);
                let cosines = places.iter().zip(&gallery).filter(|(place, _)| counted(place));
                cosines.map(|(_, image)| text.cosine(image)).fold(f32::MIN, f32::max)
            };
            presence.note(best(true), true);
            presence.note(best(false), false);
        }
        rows.push(Row {
            language: language.clone(),
            captions: captions.len(),
            images: gallery.len(),
            text_to_image,
            image_to_text,
            presence_auroc: presence.auroc(),
        });
    }
    if rows.len() > 1 {
        rows.push(mean(&rows));
    }
    print(&rows, args.json, context)?;
    Ok(Outcome::Done)
}

/// Reads captions in one of the three formats, known by the ending of the file.
pub(super) fn read_captions(path: &Path, split: &str) -> Result<Captions, CliError> {
    let text = read(path)?;
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let parsed = match ending.as_str() {
        "tsv" => tsv(&text),
        "jsonl" => crossmodal(&text),
        _ => karpathy(&text, split),
    };
    parsed.map_err(|reason| CliError::new(format!("{}: {reason}", path.display())))
}

fn recall(ranks: impl Iterator<Item = usize>) -> [f64; 3] {
    let (mut hits, mut count) = ([0.0; 3], 0.0);
    for rank in ranks {
        count += 1.0;
        hits.iter_mut().zip(DEPTHS).for_each(|(hit, depth)| *hit += f64::from(u8::from(rank < depth)));
    }
    hits.map(|hit| share(hit, count))
}

fn mean(rows: &[Row]) -> Row {
    let over = |figure: fn(&Row) -> [f64; 3]| {
        let mut sums = [0.0; 3];
        rows.iter().for_each(|row| {
            sums.iter_mut().zip(figure(row)).for_each(|(sum, value)| *sum += value / rows.len() as f64)
        });
        sums
    };
    Row {
        language: "mean".into(),
        captions: rows.iter().map(|row| row.captions).sum(),
        images: rows.iter().map(|row| row.images).max().unwrap_or(0),
        text_to_image: over(|row| row.text_to_image),
        image_to_text: over(|row| row.image_to_text),
        presence_auroc: rows
            .iter()
            .map(|row| row.presence_auroc)
            .sum::<Option<f64>>()
            .map(|sum| sum / rows.len() as f64),
    }
}

fn print(rows: &[Row], json: bool, context: &Context) -> Result<(), CliError> {
    let mut out = context.stdout();
    if json {
        write_json(&mut out, &rows)?;
        return Ok(out.flush()?);
    }
    let mut table = Table::default();
    let titles = ["", "captions", "images", "text to image @1/5/10", "image to text @1/5/10", "there or not (AUROC)"];
    table.row(titles.map(str::to_owned));
    let three = |figures: [f64; 3]| figures.map(|figure| format!("{:.1}", 100.0 * figure)).join(" ");
    for row in rows {
        let (captions, images) = (row.captions.to_string(), row.images.to_string());
        let (there, back) = (three(row.text_to_image), three(row.image_to_text));
        let told = row.presence_auroc.map_or_else(|| "-".into(), |auroc| format!("{auroc:.3}"));
        table.row([row.language.clone(), captions, images, there, back, told]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// Files by place, in order of appearance.
#[derive(Default)]
struct Files(HashMap<String, usize>, Captions);

impl Files {
    fn add(&mut self, file: &str, language: &str, caption: &str) {
        let Self(places, data) = self;
        let place = *places.entry(file.to_owned()).or_insert_with(|| {
            data.files.push(file.to_owned());
            data.files.len() - 1
        });
        let caption = Caption { text: caption.trim().to_owned(), images: vec![place] };
        data.captions.entry(language.to_owned()).or_default().push(caption);
    }

    /// Equal captions of a language become one that is right for the images of all.
    fn joined(self) -> Captions {
        let Self(_, mut data) = self;
        for captions in data.captions.values_mut() {
            captions.sort_by(|a, b| a.text.cmp(&b.text)); // stable: images stay in order
            captions.dedup_by(|next, kept| {
                let same = next.text == kept.text;
                if same {
                    kept.images.append(&mut next.images);
                }
                same
            });
        }
        data
    }
}

/// Lines of file, language and caption, or of file and caption. A caption on several lines is right
/// for all their files.
fn tsv(text: &str) -> Result<Captions, String> {
    let mut files = Files::default();
    for (line, n) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        match line.split('\t').collect::<Vec<_>>().as_slice() {
            [file, language, caption] => files.add(file, language, caption),
            [file, caption] => files.add(file, "-", caption),
            other => return Err(format!("line {n}: {} columns; file, [language,] caption were expected", other.len())),
        }
    }
    Ok(files.joined())
}

/// One image on a line, its key and by language its captions (Thapliyal et al., "Crossmodal-3600",
/// 2205.12522).
fn crossmodal(text: &str) -> Result<Captions, String> {
    let mut files = Files::default();
    for (line, n) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let entry: Value = serde_json::from_str(line).map_err(|error| format!("line {n}: {error}"))?;
        let key = entry["image/key"].as_str().ok_or_else(|| format!("line {n}: no `image/key`"))?;
        for (language, captions) in entry.as_object().into_iter().flatten() {
            for caption in captions["caption"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                files.add(&format!("{key}.jpg"), language, caption);
            }
        }
    }
    Ok(files.1)
}

/// COCO or Flickr as Karpathy split them.
fn karpathy(text: &str, split: &str) -> Result<Captions, String> {
    #[derive(Deserialize)]
    struct File {
        images: Vec<Image>,
    }
    #[derive(Deserialize)]
    struct Image {
        #[serde(default)]
        filepath: String,
        filename: String,
        split: String,
        sentences: Vec<Sentence>,
    }
    #[derive(Deserialize)]
    struct Sentence {
        raw: String,
    }
    /// Captions of an image that count; a few have more.
    const CAPTIONS: usize = 5;
    let file: File = serde_json::from_str(text).map_err(|error| format!("not a Karpathy split: {error}"))?;
    let mut files = Files::default();
    for image in file.images.iter().filter(|image| image.split == split) {
        let path = PathBuf::from(&image.filepath).join(&image.filename);
        for sentence in image.sentences.iter().take(CAPTIONS) {
            files.add(&path.to_string_lossy(), "en", &sentence.raw);
        }
    }
    match files.1.files.is_empty() {
        true => Err(format!("no images of the part `{split}`")),
        false => Ok(files.1),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn three_formats_say_the_same() {
        let data = tsv("a.jpg\ten\ta boat\na.jpg\tde\tein Boot\nb.jpg\ten\ta cat\n").unwrap();
        assert_eq!(data.files, ["a.jpg", "b.jpg"]);
        let lines = "{\"image/key\": \"a\", \"en\": {\"caption\": [\"a boat\"]}, \"de\": {\"caption\": [\"ein Boot\"]}}\n\
                     {\"image/key\": \"b\", \"en\": {\"caption\": [\"a cat\"]}}";
        assert_eq!(crossmodal(lines).unwrap(), data);
        let json = r#"{"images": [
            {"filename": "a.jpg", "split": "test", "sentences": [{"raw": "a boat"}]},
            {"filename": "x.jpg", "split": "train", "sentences": []},
            {"filename": "b.jpg", "split": "test", "sentences": [{"raw": " a cat"}]}]}"#;
        assert_eq!(karpathy(json, "test").unwrap().captions["en"], data.captions["en"]);
    }

    #[test]
    fn equal_captions_are_one_that_is_right_for_several_images() {
        let data = tsv("a.jpg\ten\tdog\nb.jpg\ten\tcat\nc.jpg\ten\tdog\nc.jpg\tde\tHund\n").unwrap();
        let caption = |text: &str, images: &[usize]| Caption { text: text.into(), images: images.into() };
        assert_eq!(data.captions["en"], [caption("cat", &[1]), caption("dog", &[0, 2])]);
        assert_eq!(data.captions["de"], [caption("Hund", &[2])]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(tsv("a.jpg").unwrap_err().contains("line 1"));
        assert!(crossmodal("{}").unwrap_err().contains("image/key"));
        assert!(karpathy("{\"images\": []}", "test").unwrap_err().contains("test"));
    }

    #[test]
    fn recall_counts_ranks() {
        assert_eq!(recall([0, 0, 4, 20].into_iter()), [0.5, 0.75, 0.75]);
    }
}
