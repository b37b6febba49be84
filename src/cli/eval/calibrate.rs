//! `glimpse eval calibrate`: fits what turns cosines into scores to labelled images, and writes it
//! where searches read it.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use glimpse::engine::RegionOptions;
use glimpse::engine::calibrate::{CALIBRATION_FILE, Calibration, LabelledText, StoredCalibration};
use glimpse::{ImageId, IngestOptions};

use super::retrieval::Captions;
use super::{Bench, coco, folder, retrieval};
use crate::cli::args::EvalCalibrateArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::write_json;

/// Files, and texts with the places of the files that show them.
struct Data {
    files: Vec<PathBuf>,
    texts: Vec<(String, Vec<usize>)>,
    /// Boxes are known, so regions can be fitted too.
    has_boxes: bool,
}

pub fn run(args: &EvalCalibrateArgs, context: &Context) -> Result<Outcome, CliError> {
    let data = read(args)?;
    let dir = folder(&args.images, &args.data);
    let bench = Bench::new(context)?;
    let roots: Vec<PathBuf> = data.files.iter().map(|name| dir.join(name)).collect();
    let regions = RegionOptions { make: data.has_boxes, ..RegionOptions::default() };
    let used = roots.get(args.skip..).unwrap_or_default().to_vec();
    bench.index(&IngestOptions { roots: used, regions, ..IngestOptions::default() }, context)?;
    let ids = roots.iter().map(|root| bench.engine.image_at(root)).collect::<Result<Vec<Option<ImageId>>, _>>()?;

    let is_read = |place: &usize| ids[*place].is_some();
    // A text whose images were left out, or could not be read, is neither there nor absent.
    let usable = data.texts.iter().filter(|(_, places)| places.is_empty() || places.iter().any(is_read));
    let texts: Vec<LabelledText> = usable
        .map(|(text, places)| LabelledText {
            text: text.clone(),
            shown_by: places.iter().filter_map(|&place| ids[place]).collect::<HashSet<_>>().into_iter().collect(),
        })
        .collect();
    let model = bench.engine.load_model()?;
    let count = ids.iter().flatten().count();
    let fitted_on =
        format!("{} texts and {count} images of {}", texts.len(), args.data.file_name().unwrap_or_default().display());
    let bar = context.progress_bar(None, "fitting, step {human_pos} of {human_len}");
    let calibration = bench.engine.fit_calibration(&texts, &fitted_on, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();

    let path = match &args.out {
        Some(path) => path.clone(),
        None => context.settings.library_dir().join(CALIBRATION_FILE),
    };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let failed = |error| CliError::new(format!("{}: {error}", parent.display()));
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    // Beside weights the file is of those weights, whatever prepares them; in a library it is of
    // one model.
    let of = args.out.is_none().then_some(model.fingerprint);
    StoredCalibration { model: of, calibration: calibration.clone() }.write(&path)?;
    context.note(format_args!("wrote {}", path.display()));
    let mut out = context.stdout();
    match args.json {
        true => write_json(&mut out, &calibration)?,
        false => print(&calibration, data.has_boxes, &mut out)?,
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn read(args: &EvalCalibrateArgs) -> Result<Data, CliError> {
    let in_language = |language: &str| args.lang.is_empty() || args.lang.iter().any(|asked| asked == language);
    if let Ok(data) = coco::read(&args.data, 0, args.limit) {
        let languages = data.languages(&args.lang)?;
        let named = data.things.iter().flat_map(|thing| {
            let names = languages.iter().filter_map(|language| thing.names.get(language));
            names.map(|name| (name.clone(), thing.boxes.keys().copied().collect()))
        });
        let texts = named.collect();
        return Ok(Data { texts, files: data.images, has_boxes: true });
    }
    let Captions { files, captions } = retrieval::read_captions(&args.data, &args.split)?;
    let kept = args.limit.unwrap_or(usize::MAX).min(files.len());
    let captions =
        captions.into_iter().filter(|(language, _)| in_language(language)).flat_map(|(_, captions)| captions);
    let texts = captions.filter(|caption| caption.images.iter().all(|&place| place < kept));
    let texts = texts.map(|caption| (caption.text, caption.images)).collect();
    Ok(Data { texts, files: files[..kept].iter().map(PathBuf::from).collect(), has_boxes: false })
}

fn print(calibration: &Calibration, has_boxes: bool, out: &mut impl Write) -> Result<(), CliError> {
    let rows = [
        ("text", &calibration.text, true),
        ("image", &calibration.image, true),
        ("text, regions", &calibration.region_text, has_boxes),
        ("region, regions", &calibration.region_image, has_boxes),
    ];
    for (asked_by, prior, is_fitted) in rows {
        let note = if is_fitted { "" } else { "  (not fitted: no boxes)" };
        writeln!(
            out,
            "asked by {asked_by:<16} matches {:.3} above unrelated images (deviation {:.3}), near misses at {:.2} of that{note}",
            prior.excess, prior.within, prior.near_miss
        )?;
    }
    Ok(())
}
