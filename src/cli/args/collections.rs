//! Arguments of the commands that keep what people choose and say: favourites, hidden images,
//! keywords, feedback and albums.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const FAVOURITE_HELP: &str = "\
Examples:
  glimpse favourite add beach.jpg 1207        by file, or by number in the library
  glimpse search -0 sunset | xargs -0 glimpse favourite add
  glimpse favourite list -0 | xargs -0 cp -t ~/best
  glimpse search dog --favourite
  glimpse favourite xmp --dry-run             what would be written beside which files

A favourite is the image, whatever its file is called: it stays one when the file is moved, when another
model is taken, and when the library is made anew.

XMP knows no favourites, so `xmp` writes those without a rating as 5 stars (xmp:Rating) into sidecars:
a.jpg.xmp or a.xmp if there is one, else a new a.jpg.xmp. A rating that is there stays, and so does all
else that a sidecar holds; image files are not touched.";

#[derive(Debug, Args)]
#[command(after_help = FAVOURITE_HELP)]
pub struct FavouriteArgs {
    #[command(subcommand)]
    pub command: FavouriteCommand,
}

#[derive(Debug, Subcommand)]
pub enum FavouriteCommand {
    /// Make images favourites
    Add(ChosenArgs),
    /// Make images no favourites any more
    Remove(ChosenArgs),
    /// List the favourites
    List(ListedArgs),
    /// Write favourites to XMP sidecars, as 5 stars, for other programs
    Xmp(SidecarArgs),
}

const HIDDEN_HELP: &str = "\
Examples:
  glimpse hidden add receipt.jpg 1207
  glimpse search -0 screenshot | xargs -0 glimpse hidden add
  glimpse hidden list
  glimpse search receipt --hidden             among what is hidden

A hidden image is left out of searches, lists, albums, duplicates and the map. Its file is not touched,
and it stays hidden when the file is moved and when the library is made anew.";

#[derive(Debug, Args)]
#[command(after_help = HIDDEN_HELP)]
pub struct HiddenArgs {
    #[command(subcommand)]
    pub command: HiddenCommand,
}

#[derive(Debug, Subcommand)]
pub enum HiddenCommand {
    /// Hide images
    Add(ChosenArgs),
    /// Show images again
    Remove(ChosenArgs),
    /// List the hidden images
    List(ListedArgs),
}

const KEYWORD_HELP: &str = "\
Examples:
  glimpse keyword add \"aunt Rosa\" party.jpg 1207
  glimpse search -0 sunset | xargs -0 glimpse keyword add evening
  glimpse keyword remove evening 1207
  glimpse search --tag \"aunt Rosa\"

Keywords count as those of files do: they are searched and filtered by. They are kept beside the library,
for the image whatever its file is called; files are not touched, and keywords of files stay.";

#[derive(Debug, Args)]
#[command(after_help = KEYWORD_HELP)]
pub struct KeywordArgs {
    #[command(subcommand)]
    pub command: KeywordCommand,
}

#[derive(Debug, Subcommand)]
pub enum KeywordCommand {
    /// Give images a keyword
    Add(KeywordChange),
    /// Take a keyword away that was given here
    Remove(KeywordChange),
}

/// A keyword, and whose.
#[derive(Debug, Args)]
pub struct KeywordChange {
    /// The keyword
    pub keyword: String,

    #[command(flatten)]
    pub chosen: ChosenArgs,
}

/// Whose sidecars are written.
#[derive(Debug, Args)]
pub struct SidecarArgs {
    /// Only these image files of the library, or numbers of images; all favourites without any
    #[arg(value_name = "FILE|ID")]
    pub images: Vec<PathBuf>,

    /// Say what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// One JSON object on stdout: written, unchanged, failed
    #[arg(long)]
    pub json: bool,
}

/// Images of the library.
#[derive(Debug, Args)]
pub struct ChosenArgs {
    /// Image files of the library, or numbers of images
    #[arg(value_name = "FILE|ID", required = true)]
    pub images: Vec<PathBuf>,

    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

/// How a list of images is printed.
#[derive(Debug, Args)]
pub struct ListedArgs {
    /// One JSON object a line
    #[arg(long, conflicts_with = "null")]
    pub json: bool,

    /// Paths with a zero byte behind each, for `xargs -0`
    #[arg(short = '0', long)]
    pub null: bool,
}

const FEEDBACK_HELP: &str = "\
Examples:
  glimpse feedback wrong \"my dog\" wolf.jpg 1207     `glimpse search my dog` finds them no more
  glimpse feedback right \"my dog\" rex.jpg          and finds this one
  glimpse feedback forget \"my dog\" 1207            nothing is said of it any more
  glimpse feedback list
  glimpse tune                                     learns from it for other texts

TEXT is the whole text of a search, whatever its case. What is said counts at once where this text alone is
searched, not beside other texts or images, and not in `find`. It is kept beside the library, for the image
whatever its file is called.";

#[derive(Debug, Args)]
#[command(after_help = FEEDBACK_HELP)]
pub struct FeedbackArgs {
    #[command(subcommand)]
    pub command: FeedbackCommand,
}

#[derive(Debug, Subcommand)]
pub enum FeedbackCommand {
    /// Say that images show what a text asks for
    Right(FeedbackChange),
    /// Say that images do not show what a text asks for
    Wrong(FeedbackChange),
    /// Say nothing of images any more
    Forget(FeedbackChange),
    /// List what was said
    List {
        /// One JSON object a line: text, right, wrong
        #[arg(long)]
        json: bool,
    },
}

/// A text, and images of which something is said.
#[derive(Debug, Args)]
pub struct FeedbackChange {
    /// What was searched
    pub text: String,

    #[command(flatten)]
    pub chosen: ChosenArgs,
}

const ALBUM_HELP: &str = "\
Examples:
  glimpse album create Spain trips/spain/*.jpg
  glimpse search -0 stop sign | xargs -0 glimpse album add Signs
  glimpse album show Spain
  glimpse search beach --album 3f0c9a1b22e47d58
  glimpse album export Spain ~/spain          copies its files into a folder

ALBUM is the name of an album, or its id, which `glimpse album list` shows. Albums hold images, not files:
they keep them when files are moved, when another model is taken, and when the library is made anew.
Saved searches are albums that fill themselves; they are made on the page.";

#[derive(Debug, Args)]
#[command(after_help = ALBUM_HELP)]
pub struct AlbumArgs {
    #[command(subcommand)]
    pub command: AlbumCommand,
}

#[derive(Debug, Subcommand)]
pub enum AlbumCommand {
    /// List the albums
    List {
        /// One JSON object a line: id, name, count, search
        #[arg(long)]
        json: bool,
    },
    /// Make an album
    Create {
        /// Its name
        name: String,
        /// Image files of the library, or numbers of images
        #[arg(value_name = "FILE|ID")]
        images: Vec<PathBuf>,
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Put images into an album
    Add {
        /// Name or id
        album: String,
        #[command(flatten)]
        chosen: ChosenArgs,
    },
    /// Take images out of an album
    Remove {
        /// Name or id
        album: String,
        #[command(flatten)]
        chosen: ChosenArgs,
    },
    /// List the images of an album
    Show {
        /// Name or id
        album: String,
        #[command(flatten)]
        listed: ListedArgs,
    },
    /// Remove an album; its images stay
    Delete {
        /// Name or id
        album: String,
    },
    /// Copy the files of an album into a folder
    Export {
        /// Name or id
        album: String,
        /// The folder, made if it is not there; no file in it is replaced
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}
