//! Measures how far a score can be trusted:
//! `cargo run --release -p glimpse-engine --example calibrate [MODEL]`.
//!
//! The demo library is cut into four, each without the images of every fourth thing. A thing's name
//! then asks for what is there in three of the libraries, and for what is not there in the fourth.
//! Names come in 15 languages (`names.tsv`). Printed are: how well scores order images over all
//! queries at once, beside plain cosines; what a query for something absent returns; precision and
//! recall at the cut; and how far a score of p means a share of p.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

mod tally;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse_encoder::{Encode, Outputs, PixelInput};
use glimpse_engine::{
    Depth, Embedding, Engine, FileRecord, Format, ImageId, ImageRecord, Limits, Mode, Query, Settings, Source, decode,
    load_model,
};
use glimpse_indexer::{ContentHash, FileRole, Library};
use tally::{Pair, Tally};
use tempfile::TempDir;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A thing, and its names by language.
type Names = (String, Vec<(String, String)>);

/// Parts that the things are dealt into; one of them is missing from each library.
const FOLDS: usize = 4;

/// Texts for things that are no concept of the demo model, in several languages.
const OUTSIDE: [&str; 40] = [
    "a submarine",
    "quantum physics",
    "my grandmother",
    "swimming pool",
    "desert dunes",
    "a shopping mall",
    "tractor pulling contest",
    "graffiti wall",
    "office meeting",
    "ski slope",
    "newspaper headline",
    "passport",
    "traffic jam",
    "kitchen sink",
    "baby stroller",
    "escalator",
    "ein Einhorn",
    "Bundestag",
    "Hochzeitstanz",
    "le métro",
    "carte routière",
    "la playa de noche",
    "una biblioteca",
    "метро",
    "свадьба",
    "библиотека",
    "تاريخ",
    "مطار",
    "海岸線",
    "会議室",
    "地下鉄",
    "婚礼",
    "地铁站",
    "지하철",
    "도서관",
    "lorem ipsum dolor",
    "???",
    "my cousin Bob",
    "democracy",
    "nostalgia",
];

/// An image of the demo library: what it shows and its vector.
struct Shown {
    path: String,
    things: HashSet<String>,
    vector: Embedding,
}

/// One of the libraries.
struct Folded<'a> {
    engine: Engine,
    shown: HashMap<ImageId, &'a Shown>,
    _home: TempDir,
}

fn main() -> Outcome<()> {
    let model = std::env::args().nth(1).unwrap_or_else(|| "demo".into());
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let encoder = load_model(&model, None)?;
    let shown = encode(encoder.as_ref(), &here.join("../models/demo"))?;
    let names = names(&here.join("examples/calibrate/names.tsv"))?;
    eprintln!("{} images, {} things, model {}", shown.len(), names.len(), encoder.info().name);

    let mut by_language: BTreeMap<&str, Tally> = BTreeMap::new();
    let [mut texts, mut outside, mut images] = [(); 3].map(|()| Tally::default());
    for fold in 0..FOLDS {
        let missing: HashSet<&str> = names.iter().skip(fold).step_by(FOLDS).map(|(thing, _)| thing.as_str()).collect();
        let is_kept = |s: &&Shown| s.things.iter().all(|thing| !missing.contains(thing.as_str()));
        let library = library(&encoder, &shown.iter().filter(is_kept).collect::<Vec<_>>())?;
        for (thing, in_languages) in &names {
            for (language, name) in in_languages {
                let pairs = library.ask(Query::text(name), |image| image.things.contains(thing))?;
                by_language.entry(language).or_default().add(&pairs);
                texts.add(&pairs);
            }
        }
        for text in OUTSIDE {
            outside.add(&library.ask(Query::text(text), |_| false)?);
        }
        for (&id, asked) in &library.shown {
            let query = Query::default().plus(Source::Image(id), 1.0);
            images.add(&library.ask(query, |image| !image.things.is_disjoint(&asked.things))?);
        }
    }

    println!("{:<18}{}", "", Tally::HEAD);
    println!("{:<18}{}", "names", texts.line());
    by_language.iter().for_each(|(language, tally)| println!("  {language:<16}{}", tally.line()));
    println!("{:<18}{}", "outside", outside.line());
    println!("{:<18}{}", "images", images.line());
    println!("\na score of -> is right for (names, pairs)");
    texts.reliability().for_each(|(mean, share, count)| println!("  {mean:.2} -> {share:.2} ({count})"));
    Ok(())
}

/// What `library.json` says, with vectors.
fn encode(encoder: &dyn Encode, folder: &Path) -> Outcome<Vec<Shown>> {
    let described: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(folder.join("library.json"))?)?;
    let mut shown: Vec<(String, HashSet<String>)> = Vec::new();
    let mut prepared: Vec<PixelInput> = Vec::new();
    for entry in &described {
        let (Some(path), Some(concepts)) = (entry["path"].as_str(), entry["concepts"].as_array()) else { continue };
        let bytes = std::fs::read(folder.join("library").join(path))?;
        let Ok(image) = decode(&bytes, &Limits::default()) else { continue }; // broken on purpose
        prepared.push(encoder.prepare(&image.pixels)?);
        shown.push((path.to_owned(), concepts.iter().filter_map(|c| c.as_str()).map(str::to_owned).collect()));
    }
    let mut vectors = Vec::new();
    for batch in prepared.chunks(16) {
        vectors.extend(encoder.encode_images(batch, Outputs::Pooled)?.into_iter().map(|features| features.embedding));
    }
    Ok(shown.into_iter().zip(vectors).map(|((path, things), vector)| Shown { path, things, vector }).collect())
}

/// Things and their names by language.
fn names(path: &Path) -> Outcome<Vec<Names>> {
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').map(str::to_owned));
    let languages: Vec<String> = lines.next().ok_or("no header")?.skip(1).collect();
    let row = |mut cells: Box<dyn Iterator<Item = String>>| {
        let thing = cells.next()?;
        Some((thing, languages.iter().cloned().zip(cells).filter(|(_, name)| !name.is_empty()).collect()))
    };
    Ok(lines.map(|cells| Box::new(cells.collect::<Vec<_>>().into_iter()) as _).filter_map(row).collect())
}

/// A library of these images.
fn library<'a>(encoder: &Arc<dyn Encode>, shown: &[&'a Shown]) -> Outcome<Folded<'a>> {
    let home = tempfile::tempdir()?;
    let settings = Settings::at(home.path());
    let library = Library::at(&settings.library_dir());
    let index = library.open_for(encoder.info(), false)?;
    let mut ids = HashMap::new();
    for image in shown {
        let record = ImageRecord::bare(ContentHash::of(image.path.as_bytes()), (640, 480), Format::Jpeg, 1);
        let path = PathBuf::from("/").join(&image.path);
        let file = FileRecord {
            path,
            image: ImageId(0),
            role: FileRole::Primary,
            bytes: 1,
            modified: 0,
            changed: 0,
            sidecar_modified: 0,
            missing: false,
        };
        ids.insert(index.add(record, image.vector.as_slice(), file)?, *image);
    }
    index.finish()?;
    drop((index, library));
    Ok(Folded { engine: Engine::with_encoder(settings, Arc::clone(encoder))?, shown: ids, _home: home })
}

impl Folded<'_> {
    /// Every image of the library with what a query says of it.
    fn ask(&self, query: Query, relevant: impl Fn(&Shown) -> bool) -> Outcome<Vec<Pair>> {
        let query = Query { mode: Mode::Semantic, depth: Depth::All, limit: 10_000, ..query };
        let pair = |hit: glimpse_engine::Hit| {
            let cosine = hit.why.cosine?;
            Some(Pair { relevant: relevant(self.shown[&hit.id]), cosine, score: hit.score })
        };
        Ok(self.engine.search(&query)?.hits.into_iter().filter_map(pair).collect())
    }
}
