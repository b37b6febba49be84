//! Arguments exactly as they are typed. What they mean is settled in `context`, `query` and the
//! commands.

mod collections;
mod evaluate;
mod groups;
mod library;
mod maintain;
mod regions;
mod search;
mod segment;
mod tools;
#[cfg(feature = "milvus")]
mod vectors;
mod watch;
mod workers;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};
use glimpse::engine::RegionChoice;

pub use collections::{
    AlbumArgs, AlbumCommand, ChosenArgs, FavouriteArgs, FavouriteCommand, FeedbackArgs, FeedbackChange,
    FeedbackCommand, HiddenArgs, HiddenCommand, KeywordArgs, KeywordChange, KeywordCommand, ListedArgs, SidecarArgs,
};
pub use evaluate::{
    EvalArgs, EvalCalibrateArgs, EvalCaptionsArgs, EvalClassifyArgs, EvalCommand, EvalDetectArgs, EvalProbeArgs,
    EvalReferArgs, EvalRegionsArgs, EvalRetrievalArgs, EvalSearchArgs, EvalSegmentArgs, MaskDataArgs, ProbeTask,
};
pub use groups::{BoundArgs, DepthArgs, ExportArgs, FilterArgs, PrintArgs, SortArg};
pub use library::{DemoArgs, IndexArgs, ListenArgs, ServeArgs};
pub use maintain::{RootsArgs, RootsCommand, RunsArgs, StatsArgs, TuneArgs, VerifyArgs};
pub use regions::{CaptionArgs, FindArgs, GroundArgs};
pub use search::{DupsArgs, ModeArg, SearchArgs, SimilarArgs, TagArgs};
pub use segment::{MapArgs, MaskFormat, SegmentArgs};
pub use tools::{CompletionsArgs, EmbedArgs, ModelArgs, ModelCommand};
#[cfg(feature = "milvus")]
pub use vectors::{NewPlaceArgs, VectorsArgs, VectorsCommand};
pub use watch::WatchArgs;
pub use workers::{WorkerArgs, WorkersArgs};

/// Finds images by what is in them, in many languages, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "glimpse", version, propagate_version = true, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  glimpse demo                            try it on bundled images; nothing is downloaded
  glimpse index ~/Pictures                build or update the library
  glimpse search a red boat at sunset     search in words, in any language
  glimpse search ./beach.jpg + snow       search with an image and words
  glimpse find a dog left of a ball       find where things are
  glimpse serve                           search in the browser

Exit status:
  0    done
  1    nothing found (no match; weaker ones may be shown)
  2    error
  3    done but for some files, which are named (`index`, `segment`)
  130  stopped by Ctrl-C; what was done so far is kept

Results go to stdout; progress, notes and errors go to stderr.";

/// Arguments of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct GlobalArgs {
    /// Folder of the library [default: the platform's data folder for glimpse]
    #[arg(long, global = true, value_name = "DIR", env = "GLIMPSE_HOME", hide_env_values = true)]
    pub home: Option<PathBuf>,

    /// Model: a checkpoint folder, a hub id, `demo` or `demo-naflex` [default: the library's own]
    #[arg(long, global = true, value_name = "MODEL", env = "GLIMPSE_MODEL", hide_env_values = true)]
    pub model: Option<String>,

    /// Where the model runs: cpu, cuda, cuda:1, metal [default: cpu]
    ///
    /// `cpu:` and a name take a certain path of the processor, of which `stats` tells the one that
    /// `cpu` takes. Those that compute in int8 in part (cpu:amx-int8, cpu:avx512-int8,
    /// cpu:avx512-int8-f32, cpu:avx2-int8) are faster and a little less exact, so that they are
    /// taken only if asked for.
    #[arg(long, global = true, value_name = "DEVICE", env = "GLIMPSE_DEVICE", hide_env_values = true)]
    pub device: Option<String>,

    /// Patches that a NaFlex model reads of an image at most, 128 to 4096 [default: the library's
    /// own]
    ///
    /// A new library takes the checkpoint's own, which is 256 for those of Google. More patches
    /// show small things and small print; twice as many take more than twice as long. Another
    /// number than the library's makes other vectors, as another model does: `index` builds a
    /// second index beside the first. Models of fixed resolution have no such choice.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(128..=4096))]
    pub patches: Option<u16>,

    /// LoRA adapter that is merged into the model's weights when they are loaded [default: the
    /// library's own]
    ///
    /// In the layout of peft: the folder, or the safetensors file with adapter_config.json beside
    /// it. A library remembers its adapter; `none` takes the model as it is. An adapter of texts
    /// alone needs no new index. One that changes what images look like does, as another model
    /// does: `index` builds a second index beside the first.
    #[arg(long, global = true, value_name = "FILE", env = "GLIMPSE_ADAPTER", hide_env_values = true)]
    pub adapter: Option<PathBuf>,

    /// Memory that what is known of images may take, as 900M or 1.5G [default: what it needs, some
    /// 1.8 KB an image]
    ///
    /// For libraries of some 100,000 images and more, once indexed: vectors that do not fit are
    /// read from the library's file where a search needs them, those that put found images in
    /// order first, 65,536 images at a time. The system keeps these pages as long as nothing else
    /// wants the room. Some 300 bytes an image are needed in any case, which `stats` tells. Regions
    /// are read in this way always.
    #[arg(long, global = true, value_name = "SIZE", env = "GLIMPSE_MEMORY", hide_env_values = true)]
    #[arg(value_parser = size, hide_short_help = true)]
    pub memory: Option<u64>,

    /// No progress and no notes, only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Every detail
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    pub color: When,
}

/// Bytes of a size like `900M`, `1.5G` or `2GiB`; units are powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size like 900M or 1.5G");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let power = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" if unit != "i" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(wrong()),
    };
    Ok((number * (1u64 << power) as f64) as u64)
}

/// `auto` means: if a terminal reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum When {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build or update the library from folders of images
    Index(IndexArgs),
    /// Find images by words, by example, or both
    Search(SearchArgs),
    /// Find where things are, across the library
    Find(FindArgs),
    /// Find where things are in one image, without a library
    Ground(GroundArgs),
    /// Say what every pixel of images shows, out of labels of your own
    Segment(SegmentArgs),
    /// Say in words what an image shows, or a part of it
    Caption(CaptionArgs),
    /// Find images that look like one, or regions like a part of it
    Similar(SimilarArgs),
    /// Find near-duplicates
    Dups(DupsArgs),
    /// Tag images with labels of your own
    Tag(TagArgs),
    /// Keep favourites
    Favourite(FavouriteArgs),
    /// Hide images from searches and lists
    Hidden(HiddenArgs),
    /// Give images keywords of your own
    Keyword(KeywordArgs),
    /// Say which answers are right or wrong
    Feedback(FeedbackArgs),
    /// Keep albums
    Album(AlbumArgs),
    /// Show the folders of the library, and forget some
    Roots(RootsArgs),
    /// Show the last runs that brought the library up to date
    Runs(RunsArgs),
    /// Let queries learn from captions, keywords, albums, folders and feedback
    Tune(TuneArgs),
    /// Show numbers about the library
    Stats(StatsArgs),
    /// Check the library, and mend it
    Verify(VerifyArgs),
    /// Have a server search the vectors of the library, or this program again
    #[cfg(feature = "milvus")]
    Vectors(VectorsArgs),
    /// Download models, and look at them
    Model(ModelArgs),
    /// Search in the browser
    Serve(ServeArgs),
    /// Encode images for libraries on other machines
    Worker(WorkerArgs),
    /// Try everything on bundled images with a bundled model
    Demo(DemoArgs),
    /// Print embeddings of texts and images, for other programs
    Embed(EmbedArgs),
    /// Measure search, regions and labels on data of your own
    Eval(EvalArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// Prints what is wrong with arguments, or the help that they ask for.
pub fn explain(error: &clap::Error) -> ExitCode {
    _ = error.print();
    if let Some(hint) = lacking_feature(error) {
        eprintln!("\nhint: {hint}");
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Says which feature has a command or an option that this program was built without.
fn lacking_feature(error: &clap::Error) -> Option<&'static str> {
    let unknown =
        [ContextKind::InvalidSubcommand, ContextKind::InvalidArg].into_iter().find_map(|key| error.get(key))?;
    let of_vectors =
        matches!(unknown, ContextValue::String(name) if name.trim_start_matches('-').starts_with("vectors"));
    (of_vectors && cfg!(not(feature = "milvus")))
        .then_some("vectors on a server need a program that is built with `--features milvus`")
}

/// How finely images are read: see [`DenseConfig::detail`].
///
/// [`DenseConfig::detail`]: glimpse::engine::DenseConfig::detail
fn detail(text: &str) -> Result<f32, String> {
    let most = RegionChoice::MAX_DETAIL;
    match text.parse::<f32>() {
        Ok(detail) if (1.0..=most).contains(&detail) => Ok(detail),
        _ => Err(format!("give a number from 1 to {most}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::CommandFactory;
    use glimpse::engine::AdapterChoice;
    use glimpse_nonempty::{Every as _, each};

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    #[cfg(not(feature = "milvus"))]
    fn commands_of_a_feature_that_is_left_out_name_it() {
        for arguments in each([["vectors", "move"], ["index", "--vectors-at=http://a"]]) {
            let error = Arguments::try_parse_from([&["glimpse"], &arguments[..]].concat()).unwrap_err();
            assert!(lacking_feature(&error).is_some_and(|hint| hint.contains("--features milvus")), "{error}");
        }
        let error = Arguments::try_parse_from(["glimpse", "index", "--vector"]).unwrap_err();
        assert_eq!(lacking_feature(&error), None);
    }

    #[test]
    fn detail_has_a_range() {
        let given = |text: &str| Arguments::try_parse_from(["glimpse", "index", "photos", "--detail", text]).is_ok();
        assert!(["1", "1.5", "8"].into_iter().every(given));
        assert!(!["0.5", "8.1", "nan", "inf", "fine"].into_iter().any(given));
    }

    #[test]
    fn a_patch_budget_reaches_the_settings() {
        let patches = |args: &[&str]| {
            let arguments = Arguments::try_parse_from([&["glimpse", "index", "photos"], args].concat());
            arguments.map(|arguments| crate::cli::context::Context::resolve(&arguments.global).settings.max_patches)
        };
        assert_eq!(patches(&["--patches", "1024"]).unwrap(), Some(1024));
        assert_eq!(patches(&[]).unwrap(), None);
        for outside in ["127", "4097"] {
            assert!(patches(&["--patches", outside]).is_err());
        }
    }

    #[test]
    fn memory_is_a_size() {
        for (text, bytes) in each([
            ("900M", 900 << 20),
            ("1.5G", 3 << 29),
            ("2GiB", 2 << 30),
            ("512 kb", 512 << 10),
            ("0", 0),
            ("1048576", 1 << 20),
            ("7b", 7),
        ]) {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in each(["", "G", "much", "1.2.3G", "1X", "-1G", "1Gi!", "5i"]) {
            assert!(size(text).is_err(), "{text}");
        }
        let arguments = Arguments::try_parse_from(["glimpse", "serve", "--memory", "1G"]).unwrap();
        assert_eq!(crate::cli::context::Context::resolve(&arguments.global).index.memory, Some(1 << 30));
    }

    #[test]
    fn an_adapter_or_none_reaches_the_settings() {
        let adapter = |args: &[&str]| {
            let arguments = Arguments::try_parse_from([&["glimpse", "index", "photos"], args].concat()).unwrap();
            crate::cli::context::Context::resolve(&arguments.global).settings.adapter
        };
        let here = std::path::Path::new(".").canonicalize().unwrap();
        assert_eq!(adapter(&["--adapter", "."]), Some(AdapterChoice::At(here)));
        assert_eq!(adapter(&["--adapter", "/no/such/file"]), Some(AdapterChoice::At("/no/such/file".into())));
        assert_eq!(adapter(&["--adapter", "none"]), Some(AdapterChoice::None));
        assert_eq!(adapter(&[]), None);
    }
}
