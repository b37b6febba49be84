//! `glimpse eval captions`: does a caption name what is in the image, and the words for a box the
//! thing in it?

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use glimpse::Source;
use glimpse::engine::CaptionOptions;
use serde::Serialize;

use super::coco::{self, DataSet};
use super::{Bench, folder, share};
use crate::cli::args::EvalCaptionsArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, write_json};

/// One language, and the mean of all.
#[derive(Debug, Default, Serialize)]
struct Row {
    language: String,
    images: usize,
    /// Of the things that captions name, the share that is there; of what is there, the share that
    /// is named.
    precision: f64,
    recall: f64,
    f1: f64,
    /// Boxes that were described, and the share whose words are the name of the thing in them.
    boxes: usize,
    box_names: f64,
}

pub fn run(args: &EvalCaptionsArgs, context: &Context) -> Result<Outcome, CliError> {
    let data = coco::read(&args.data, 0, args.limit)?;
    let dir = folder(&args.images, &args.data);
    let bench = Bench::new(context)?;
    let spoken = bench.engine.caption_languages()?;
    if spoken.is_empty() {
        return Err(CliError::new("the model has no decoder, so it has no captions to measure"));
    }
    let mut languages = data.languages(&args.lang)?;
    languages.retain(|language| !args.lang.is_empty() || spoken.contains(language));
    let sources: Vec<Source> = data.images.iter().map(|name| Source::File(dir.join(name))).collect();
    let mut rows = Vec::new();
    for language in &languages {
        rows.push(measure(&bench, &data, &sources, language)?);
    }
    if rows.len() > 1 {
        rows.push(mean(&rows));
    }
    print(&rows, args.json, context)?;
    Ok(Outcome::Done)
}

fn measure(bench: &Bench, data: &DataSet, sources: &[Source], language: &str) -> Result<Row, CliError> {
    let names: BTreeMap<usize, &str> =
        data.things.iter().enumerate().filter_map(|(i, it)| Some((i, it.names.get(language)?.as_str()))).collect();
    let options = CaptionOptions { language: Some(language.to_owned()), ..CaptionOptions::default() };
    let (mut right, mut said, mut shown, mut boxes, mut right_boxes) = (0, 0, 0, 0, 0);
    for (place, source) in sources.iter().enumerate() {
        let named = named(&words(bench, source, &options)?, &names);
        let is_there = |thing: &usize| data.things[*thing].boxes.contains_key(&place);
        let there: BTreeSet<usize> = names.keys().copied().filter(is_there).collect();
        right += named.intersection(&there).count();
        said += named.len();
        shown += there.len();
        for thing in there {
            for rect in &data.things[thing].boxes[&place] {
                let of_box = CaptionOptions { rect: Some(*rect), ..options.clone() };
                boxes += 1;
                right_boxes += usize::from(words(bench, source, &of_box)? == names[&thing].to_lowercase());
            }
        }
    }
    let (precision, recall) = (share(right as f64, said as f64), share(right as f64, shown as f64));
    Ok(Row {
        language: language.to_owned(),
        images: sources.len(),
        precision,
        recall,
        f1: share(2.0 * right as f64, (said + shown) as f64),
        boxes,
        box_names: share(right_boxes as f64, boxes as f64),
    })
}

/// What the decoder says, in small letters.
fn words(bench: &Bench, source: &Source, options: &CaptionOptions) -> Result<String, CliError> {
    let said = bench.engine.caption(source, options)?.pop();
    Ok(said.map_or(String::new(), |caption| caption.text.to_lowercase()))
}

/// The things whose names stand in a caption of small letters, longer names first, so that a
/// sunflower is no flower.
fn named(caption: &str, names: &BTreeMap<usize, &str>) -> BTreeSet<usize> {
    let mut rest = caption.to_owned();
    let mut by_length: Vec<(usize, String)> = names.iter().map(|(&thing, name)| (thing, name.to_lowercase())).collect();
    by_length.sort_by_key(|(thing, name)| (std::cmp::Reverse(name.len()), *thing));
    let mut found = BTreeSet::new();
    for (thing, name) in by_length.iter().filter(|(_, name)| !name.is_empty()) {
        if rest.contains(name.as_str()) {
            found.insert(*thing);
            rest = rest.replace(name.as_str(), "\0");
        }
    }
    found
}

fn mean(rows: &[Row]) -> Row {
    let over = |figure: fn(&Row) -> f64| rows.iter().map(figure).sum::<f64>() / rows.len() as f64;
    Row {
        language: "mean".into(),
        images: rows.iter().map(|row| row.images).max().unwrap_or(0),
        precision: over(|row| row.precision),
        recall: over(|row| row.recall),
        f1: over(|row| row.f1),
        boxes: rows.iter().map(|row| row.boxes).max().unwrap_or(0),
        box_names: over(|row| row.box_names),
    }
}

fn print(rows: &[Row], json: bool, context: &Context) -> Result<(), CliError> {
    let mut out = context.stdout();
    if json {
        write_json(&mut out, &rows)?;
        return Ok(out.flush()?);
    }
    let mut table = Table::default();
    table.row(["", "images", "precision", "recall", "F1", "boxes", "named right"].map(str::to_owned));
    for row in rows {
        let figures = [row.precision, row.recall, row.f1].map(|figure| format!("{figure:.3}"));
        let head = [row.language.clone(), row.images.to_string()];
        let tail = [row.boxes.to_string(), format!("{:.3}", row.box_names)];
        table.row(head.into_iter().chain(figures).chain(tail));
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_names_are_looked_for_first() {
        let names = BTreeMap::from([(0, "flower"), (1, "sunflower"), (2, "cat")]);
        assert_eq!(named("sunflower and cat", &names), BTreeSet::from([1, 2]));
        assert_eq!(named("sunflower, flower", &names), BTreeSet::from([0, 1]));
        assert!(named("", &names).is_empty());
    }
}
