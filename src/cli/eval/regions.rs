//! `glimpse eval regions`: does the right place in the right image come back, and nothing for what
//! is not there?

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use glimpse::encoder::Projection;
use glimpse::encoder::dense::Affinity;
use glimpse::engine::calibrate::CUT;
use glimpse::engine::{
    Depth, FindQuery, ImageFeatures, PhraseGrounding, Rect, RegionChoice, RegionOptions, StructuredQuery,
};
use glimpse::{ImageId, IngestOptions};
use serde::Serialize;

use super::coco::{self, DataSet, EvalQuery};
use super::presence::Presence;
use super::reliability::{BinRow, Reliability};
use super::{Bench, folder, share};
use crate::cli::args::EvalRegionsArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::Table;

/// A box is right from this overlap with a true one.
const RIGHT: f32 = 0.5;
/// Cuts that are compared with the one in use.
const CUTS: [f32; 9] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9];
/// Depths of recall.
const DEPTHS: [usize; 3] = [1, 5, 10];

pub fn run(args: &EvalRegionsArgs, context: &Context) -> Result<Outcome, CliError> {
    let data = coco::read(&args.data, args.skip, args.limit)?;
    let languages = data.languages(&args.lang)?;
    let dir = folder(&args.images, &args.data);
    let bench = Bench::new(context)?;
    let roots: Vec<_> = data.images.iter().map(|name| dir.join(name)).collect();
    let regions = RegionOptions { choice: choice(args), ..RegionOptions::default() };
    bench.index(&IngestOptions { roots: roots.clone(), regions, ..IngestOptions::default() }, context)?;
    let questions = questions(&data, &languages);
    let sights = Sights::of(&bench, &data, &roots, &questions)?;
    let mut measure = Measure {
        bench: &bench,
        data: &data,
        sights: &sights,
        report: Report::default(),
        reliability: Reliability::default(),
        presence: Presence::default(),
    };
    for language in &languages {
        measure.language(language, &questions)?;
    }
    let Measure { mut report, reliability, presence, .. } = measure;
    report.presence_auroc = presence.auroc();
    report.calibration_error = reliability.error();
    report.cuts = CUTS.iter().map(|&cut| report.outcomes.at(cut)).collect();
    report.reliability = reliability.rows();
    if let Some(path) = &args.reliability {
        let failed = |error| CliError::new(format!("{}: {error}", path.display()));
        std::fs::write(path, reliability.svg()).map_err(failed)?;
        context.note(format_args!("wrote {}", path.display()));
    }
    super::print_report(context, args.json, &report, |out| report.print(out))
}

/// The way from patches to regions that is measured.
fn choice(args: &EvalRegionsArgs) -> RegionChoice {
    let affinity = if args.affinity == "aligned" { Affinity::Aligned } else { Affinity::Tokens };
    let projection = if args.projection == "linear" { Projection::Linear } else { Projection::Full };
    RegionChoice {
        leaves: Some(args.leaves.into()),
        detail: Some(args.detail),
        affinity: Some(affinity),
        projection: Some(projection),
    }
}

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// By language, then over all.
    languages: BTreeMap<String, Row>,
    all: Row,
    /// Images of one object, and of several.
    single: Row,
    several: Row,
    /// Objects by their share of the image.
    below_1_percent: Row,
    from_1_to_5_percent: Row,
    above_5_percent: Row,
    /// Mean distance between score and share of right images.
    calibration_error: f64,
    reliability: Vec<BinRow>,
    /// How well the best score of a query tells what some image shows from what none does.
    presence_auroc: Option<f64>,
    /// What other cuts would give.
    cuts: Vec<CutRow>,
    #[serde(skip)]
    outcomes: Outcomes,
}

/// What is shown at one cut.
#[derive(Debug, Serialize)]
struct CutRow {
    cut: f32,
    /// Share of the queries for what no image shows that show something.
    false_alarms: f64,
    /// Of what is there and of what is shown.
    recall: f64,
    precision: f64,
}

/// Scores and whether they are right: best scores of queries for what is absent, and all of the
/// others.
#[derive(Debug, Default)]
struct Outcomes {
    absent: Vec<f32>,
    present: Vec<(f32, bool)>,
}

impl Outcomes {
    fn at(&self, cut: f32) -> CutRow {
        let alarms = self.absent.iter().filter(|&&best| best >= cut).count() as f64;
        let shown = self.present.iter().filter(|(score, _)| *score >= cut);
        let (all, right) =
            shown.fold((0.0, 0.0), |(all, right), (_, is_right)| (all + 1.0, right + f64::from(u8::from(*is_right))));
        let there = self.present.iter().filter(|(_, is_right)| *is_right).count() as f64;
        let false_alarms = share(alarms, self.absent.len() as f64);
        CutRow { cut, false_alarms, recall: share(right, there), precision: share(right, all) }
    }
}

/// Sums that print as shares.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(into = "Shares")]
struct Row {
    asked: f64,
    pointing: f64,
    accurate: f64,
    accurate_fine: f64,
    accurate_read: f64,
    accurate_refined: f64,
    oracle: f64,
    queries: f64,
    images: [f64; 3],
    boxes: [f64; 3],
    exhaustive: [f64; 3],
    accepted: f64,
    accepted_right: f64,
    relevant: f64,
    absent: f64,
    alarms: f64,
}

/// A row as it is printed.
#[derive(Debug, Serialize)]
struct Shares {
    /// Pairs of image and thing that it shows.
    pairs: f64,
    /// The best patch lies in a true box.
    pointing: f64,
    /// The best region's box is right; the same after a closer look at its patches.
    acc_at_05: f64,
    acc_at_05_fine: f64,
    /// The box that the decoder reads is right; the box that a search shows in the end. As `fine`
    /// without a decoder.
    acc_at_05_read: f64,
    acc_at_05_refined: f64,
    /// Some region's box would be right.
    oracle: f64,
    queries: f64,
    /// Of the images that show it, found among the first 1, 5, 10; and with a right box.
    image_recall: [f64; 3],
    box_recall: [f64; 3],
    /// Images by their best patch, over all patches.
    exhaustive_image_recall: [f64; 3],
    /// At the cut.
    precision: f64,
    recall: f64,
    /// Queries for what no image shows, and the share that found something.
    absent_queries: f64,
    false_alarms: f64,
}

impl From<Row> for Shares {
    fn from(row: Row) -> Self {
        let of = |sums: [f64; 3], of: f64| sums.map(|sum| share(sum, of));
        Self {
            pairs: row.asked,
            pointing: share(row.pointing, row.asked),
            acc_at_05: share(row.accurate, row.asked),
            acc_at_05_fine: share(row.accurate_fine, row.asked),
            acc_at_05_read: share(row.accurate_read, row.asked),
            acc_at_05_refined: share(row.accurate_refined, row.asked),
            oracle: share(row.oracle, row.asked),
            queries: row.queries,
            image_recall: of(row.images, row.queries),
            box_recall: of(row.boxes, row.queries),
            exhaustive_image_recall: of(row.exhaustive, row.queries),
            precision: share(row.accepted_right, row.accepted),
            recall: share(row.accepted_right, row.relevant),
            absent_queries: row.absent,
            false_alarms: share(row.alarms, row.absent),
        }
    }
}

/// A thing and its name in a language.
struct Question<'a> {
    language: &'a str,
    thing: &'a EvalQuery,
    name: &'a str,
}

fn questions<'a>(data: &'a DataSet, languages: &'a [String]) -> Vec<Question<'a>> {
    let of = |language: &'a String| {
        let named = data.things.iter().filter_map(|thing| Some((thing, thing.names.get(language)?)));
        named.map(move |(thing, name)| Question { language, thing, name })
    };
    languages.iter().flat_map(of).collect()
}

/// What the images' own patches say. They are looked at one by one, since the grids of a large set
/// do not fit into memory.
struct Sights {
    places: HashMap<ImageId, usize>,
    /// By question, then by image: its best patch; none if it cannot be read.
    best: Vec<Vec<Option<f32>>>,
    /// By question: the images that show it, and how well it is found there.
    pairs: Vec<Vec<(usize, Row)>>,
}

impl Sights {
    fn of(
        bench: &Bench,
        data: &DataSet,
        roots: &[std::path::PathBuf],
        questions: &[Question<'_>],
    ) -> Result<Self, CliError> {
        let phrases = questions.iter().map(|question| bench.engine.phrase(question.name));
        let phrases = phrases.collect::<Result<Vec<_>, _>>()?;
        let mut sights = Self {
            places: HashMap::new(),
            best: vec![vec![None; data.images.len()]; questions.len()],
            pairs: questions.iter().map(|_| Vec::new()).collect(),
        };
        for (place, root) in roots.iter().enumerate() {
            let Some(id) = bench.engine.image_at(root)? else { continue };
            let features = bench.engine.image_features(id)?;
            sights.places.insert(id, place);
            for (number, (question, phrase)) in questions.iter().zip(&phrases).enumerate() {
                sights.best[number][place] = Some(features.best_patch(phrase));
                let Some(boxes) = question.thing.boxes.get(&place) else { continue };
                if let Some(grounding) = features.ground(phrase)? {
                    sights.pairs[number].push((place, Row::of_pair(&grounding, &features, boxes)));
                }
            }
        }
        Ok(sights)
    }

    /// Images by their best patch.
    fn exhaustive(&self, question: usize) -> Vec<usize> {
        let all = self.best[question].iter().enumerate();
        let mut ranked: Vec<(usize, f32)> = all.filter_map(|(place, best)| Some((place, (*best)?))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.into_iter().map(|(place, _)| place).collect()
    }
}

struct Measure<'a> {
    bench: &'a Bench,
    data: &'a DataSet,
    sights: &'a Sights,
    report: Report,
    reliability: Reliability,
    presence: Presence,
}

impl Measure<'_> {
    fn language(&mut self, language: &str, questions: &[Question<'_>]) -> Result<(), CliError> {
        let mut row = Row::default();
        for (number, question) in questions.iter().enumerate().filter(|(_, question)| question.language == language) {
            let ranked = self.rank(question.name)?;
            let best = ranked.first().map_or(0.0, |(_, score, _)| *score);
            self.presence.note(best, !question.thing.boxes.is_empty());
            if question.thing.boxes.is_empty() {
                row.absent += 1.0;
                row.alarms += f64::from(u8::from(best >= CUT));
                self.report.outcomes.absent.push(best);
            } else {
                self.present(question.thing, number, &ranked, &mut row);
            }
        }
        self.report.all.add(&row);
        self.report.languages.insert(language.to_owned(), row);
        Ok(())
    }

    /// All images for a name, best first: place, score, boxes.
    fn rank(&self, name: &str) -> Result<Vec<(usize, f32, Vec<Rect>)>, CliError> {
        let query = FindQuery {
            depth: Depth::All,
            limit: 10_000,
            max_boxes: 1,
            ..FindQuery::structured(StructuredQuery::thing(name))
        };
        let page = self.bench.engine.find(&query)?;
        let ranked = page.images.into_iter().filter_map(|image| {
            let boxes = image.boxes.iter().map(|found| found.rect).collect();
            Some((*self.sights.places.get(&image.id)?, image.score, boxes))
        });
        Ok(ranked.collect())
    }

    fn present(&mut self, thing: &EvalQuery, question: usize, ranked: &[(usize, f32, Vec<Rect>)], row: &mut Row) {
        row.queries += 1.0;
        row.relevant += thing.boxes.len() as f64;
        let shows = |place: usize| thing.boxes.contains_key(&place);
        let right = |place: usize, found: &[Rect]| {
            thing.boxes.get(&place).is_some_and(|boxes| found.iter().any(|rect| hits(rect, boxes)))
        };
        let exhaustive = self.sights.exhaustive(question);
        for (i, depth) in DEPTHS.into_iter().enumerate() {
            let most = depth.min(thing.boxes.len()) as f64;
            let top = &ranked[..depth.min(ranked.len())];
            row.images[i] += top.iter().filter(|(place, ..)| shows(*place)).count() as f64 / most;
            row.boxes[i] += top.iter().filter(|(place, _, boxes)| right(*place, boxes)).count() as f64 / most;
            let top = exhaustive.iter().take(depth);
            row.exhaustive[i] += top.filter(|place| shows(**place)).count() as f64 / most;
        }
        for (place, score, _) in ranked {
            self.reliability.note(*score, shows(*place));
            self.report.outcomes.present.push((*score, shows(*place)));
            if *score >= CUT {
                row.accepted += 1.0;
                row.accepted_right += f64::from(u8::from(shows(*place)));
            }
        }
        for (place, pair) in &self.sights.pairs[question] {
            row.add(pair);
            let objects =
                if self.data.objects[*place] == 1 { &mut self.report.single } else { &mut self.report.several };
            objects.add(pair);
            let area = thing.boxes[place].iter().map(Rect::area).fold(0.0, f32::max);
            let size = match area {
                area if area < 0.01 => &mut self.report.below_1_percent,
                area if area < 0.05 => &mut self.report.from_1_to_5_percent,
                _ => &mut self.report.above_5_percent,
            };
            size.add(pair);
        }
    }
}

impl Row {
    fn of_pair(grounding: &PhraseGrounding, features: &ImageFeatures, boxes: &[Rect]) -> Self {
        let count = |right: bool| f64::from(u8::from(right));
        let (x, y) = grounding.peak;
        Self {
            asked: 1.0,
            pointing: count(boxes.iter().any(|rect| rect.contains(x, y))),
            accurate: count(hits(&grounding.region.rect, boxes)),
            accurate_fine: count(hits(&grounding.fine, boxes)),
            accurate_read: count(hits(&grounding.read.unwrap_or(grounding.fine), boxes)),
            accurate_refined: count(hits(&grounding.refined, boxes)),
            oracle: count(features.regions().any(|rect| hits(&rect, boxes))),
            ..Self::default()
        }
    }

    fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.asked, other.asked),
            (&mut self.pointing, other.pointing),
            (&mut self.accurate, other.accurate),
            (&mut self.accurate_fine, other.accurate_fine),
            (&mut self.accurate_read, other.accurate_read),
            (&mut self.accurate_refined, other.accurate_refined),
            (&mut self.oracle, other.oracle),
            (&mut self.queries, other.queries),
            (&mut self.accepted, other.accepted),
            (&mut self.accepted_right, other.accepted_right),
            (&mut self.relevant, other.relevant),
            (&mut self.absent, other.absent),
            (&mut self.alarms, other.alarms),
        ];
        pairs.into_iter().for_each(|(sum, value)| *sum += value);
        for i in 0..DEPTHS.len() {
            self.images[i] += other.images[i];
            self.boxes[i] += other.boxes[i];
            self.exhaustive[i] += other.exhaustive[i];
        }
    }
}

fn hits(rect: &Rect, boxes: &[Rect]) -> bool {
    boxes.iter().any(|truth| truth.iou(rect) >= RIGHT)
}

impl Report {
    fn print(&self, out: &mut impl Write) -> Result<(), CliError> {
        let mut places = Table::default();
        places.row(["", "pairs", "pointing", "acc@0.5", "fine", "read", "refined", "oracle"].map(str::to_owned));
        let mut place = |name: &str, row: &Row| {
            let s = Shares::from(row.clone());
            let boxes = [s.acc_at_05, s.acc_at_05_fine, s.acc_at_05_read, s.acc_at_05_refined];
            let figures = [&[s.pointing][..], &boxes, &[s.oracle]].concat();
            let figures = figures.into_iter().map(|figure| format!("{figure:.3}"));
            places.row([name.to_owned(), format!("{:.0}", s.pairs)].into_iter().chain(figures));
        };
        place("all", &self.all);
        place("one object", &self.single);
        place("several", &self.several);
        place("< 1 %", &self.below_1_percent);
        place("1-5 %", &self.from_1_to_5_percent);
        place("> 5 %", &self.above_5_percent);
        self.languages.iter().for_each(|(language, row)| place(language, row));
        let mut search = Table::default();
        let head = [
            "",
            "queries",
            "images@1/5/10",
            "boxes@1/5/10",
            "all patches@1/5/10",
            "precision",
            "recall",
            "absent",
            "false alarms",
        ];
        search.row(head.map(str::to_owned));
        let mut line = |name: &str, row: &Row| {
            let s = Shares::from(row.clone());
            let three = |figures: [f64; 3]| figures.map(|figure| format!("{figure:.3}")).join(" ");
            search.row([
                name.to_owned(),
                format!("{:.0}", s.queries),
                three(s.image_recall),
                three(s.box_recall),
                three(s.exhaustive_image_recall),
                format!("{:.3}", s.precision),
                format!("{:.3}", s.recall),
                format!("{:.0}", s.absent_queries),
                format!("{:.3}", s.false_alarms),
            ]);
        };
        line("all", &self.all);
        self.languages.iter().for_each(|(language, row)| line(language, row));
        for row in places.lines().chain(std::iter::once(String::new())).chain(search.lines()) {
            writeln!(out, "{row}")?;
        }
        if let Some(auroc) = self.presence_auroc {
            writeln!(out, "\nthere or not, by the best score: AUROC {auroc:.3}")?;
        }
        writeln!(out, "\nat a cut of: false alarms, recall, precision")?;
        for row in &self.cuts {
            writeln!(out, "{:.2}  {:.3}  {:.3}  {:.3}", row.cut, row.false_alarms, row.recall, row.precision)?;
        }
        writeln!(out, "\nreliability (mean score, share right, images); expected error {:.3}", self.calibration_error)?;
        for bin in &self.reliability {
            writeln!(out, "{:.2}  {:.2}  {}", bin.score, bin.right, bin.count)?;
        }
        Ok(())
    }
}
