//! Why something came to nothing: a code that programs and translations go by, and a sentence.

use std::fmt;
use std::io;

use glimpse_encoder::EncodeError;
use glimpse_encoder::image_file::ImageError;
use glimpse_encoder::video::VideoError;
use serde::{Deserialize, Serialize};

/// The codes with their names, in one list.
macro_rules! reason_codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal,)*) => {
        /// Why something came to nothing. Names stay as they are: other programs go by them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ReasonCode {
            $($(#[$doc])* #[serde(rename = $name)] $code,)*
        }

        impl ReasonCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The name that programs go by.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

reason_codes! {
    /// The file has a format that is not read.
    UnknownFormat = "unknown_format",
    /// It is a video, and the programs that read videos are not there.
    NoVideoTools = "no_video_tools",
    /// The file holds nothing.
    EmptyFile = "empty_file",
    /// The file is cut off or damaged.
    Damaged = "damaged",
    /// The image or its file is larger than allowed.
    TooLarge = "too_large",
    /// Reading it took longer than allowed.
    TooSlow = "too_slow",
    /// So many images take so long that the run cannot go on.
    Stuck = "stuck",
    /// The file kept changing while it was read.
    KeepsChanging = "keeps_changing",
    /// The file has other content than that which was indexed.
    Changed = "changed",
    /// The file or folder is not there.
    NotFound = "not_found",
    /// The system does not let this program read or write there.
    NotPermitted = "not_permitted",
    /// The drive is full.
    DriveFull = "drive_full",
    /// The drive does not answer.
    Unreachable = "unreachable",
    /// Another error of the system with the file or folder.
    System = "system",
    /// A link out of the folder, which is not followed.
    LinkOut = "link_out",
    /// A link to what is not there.
    BrokenLink = "broken_link",
    /// It is neither a file nor a folder.
    NotAFile = "not_a_file",
    /// A line of a `.glimpseignore` file cannot be read.
    BadIgnoreFile = "bad_ignore_file",
    /// The model failed on the image.
    ModelFailed = "model_failed",
    /// No machine that was named as a worker encodes for the library.
    NoWorker = "no_worker",
    /// The server that searches the library's vectors does not answer.
    NoVectors = "no_vectors",
    /// The folder is empty, and files were indexed from it.
    FolderEmpty = "folder_empty",
    /// The folder is gone, and files were indexed from it.
    FolderGone = "folder_gone",
    /// A drive is not mounted from which files were indexed.
    DriveAway = "drive_away",
    /// More files are gone than are forgotten at once.
    ManyGone = "many_gone",
    /// It is not in the index for another model, so that the old index goes on serving.
    OldIndexServes = "old_index_serves",
    /// It is not there, so that the index for another model lacks it.
    LeftOutOfNewIndex = "left_out_of_new_index",
    /// Nothing was indexed yet.
    NoIndex = "no_index",
    /// The folder of the library was taken away while it was in use.
    LibraryGone = "library_gone",
    /// Another process has the library open.
    InUse = "in_use",
    /// The library cannot be written.
    ReadOnly = "read_only",
    /// The library was made with another model.
    OtherModel = "other_model",
    /// The library was made with other settings.
    OtherSettings = "other_settings",
    /// A newer program wrote the library.
    NewerFormat = "newer_format",
    /// The library is damaged.
    DamagedLibrary = "damaged_library",
    /// The library holds as many images as it can.
    LibraryFull = "library_full",
    /// None of the images that others are to be like is in the library any more.
    ExamplesGone = "examples_gone",
    /// The library is being opened.
    Opening = "opening",
    /// The regions of the library are being read.
    ReadingRegions = "reading_regions",
    /// There is no model, or it cannot be loaded.
    NoModel = "no_model",
    /// The model's calibration or tuning cannot be used.
    BadCalibration = "bad_calibration",
    /// The sidecar is there, and nothing can be added to it safely.
    UnusableSidecar = "unusable_sidecar",
    /// Favourites, albums and tags cannot be written.
    CollectionsReadOnly = "collections_read_only",
    /// A word of a typed form has nothing beside it that it needs.
    NothingBeside = "nothing_beside",
    /// A word that rules out what follows stands in the middle of a text.
    NoInText = "no_in_text",
    /// A quotation mark is not closed.
    QuoteOpen = "quote_open",
    /// A form names no thing that images must show.
    NothingToFind = "nothing_to_find",
    /// A form names more things than it can.
    TooManyThings = "too_many_things",
    /// A count is 0, above the most, or falls.
    BadCount = "bad_count",
    /// A relation is between a thing and itself, or one that is not named.
    BadRelation = "bad_relation",
    /// A text has no words.
    EmptyText = "empty_text",
    /// A text is too long.
    TextTooLong = "text_too_long",
    /// A search has more parts than it can.
    TooManyParts = "too_many_parts",
    /// What is looked for and what is ruled out are the same.
    PartsCancel = "parts_cancel",
    /// A search by words has none.
    NeedsWords = "needs_words",
    /// A box is empty or outside the image.
    EmptyBox = "empty_box",
    /// No labels were given, and the library has no keywords to take.
    NoLabels = "no_labels",
    /// More labels than can be asked for at once.
    TooManyLabels = "too_many_labels",
    /// No labels of regions are kept.
    NoRegionTags = "no_region_tags",
    /// The server no longer has an image that was sent to search with.
    UploadForgotten = "upload_forgotten",
    /// An image that was sent is not kept, and so no search with it.
    UploadNotKept = "upload_not_kept",
    /// The name of an album is empty, too long, or of several lines.
    BadName = "bad_name",
    /// There are as many albums as there can be.
    TooManyAlbums = "too_many_albums",
    /// An album has as many images as it can.
    AlbumFull = "album_full",
    /// A saved search fills itself.
    FillsItself = "fills_itself",
    /// A search is too long to be saved.
    SearchTooLong = "search_too_long",
    /// A tag is empty, too long, or of several lines.
    BadTag = "bad_tag",
    /// More tags than an image can have, or than can be given at once.
    TooManyTags = "too_many_tags",
    /// There is feedback on as many texts or images as there can be.
    TooMuchFeedback = "too_much_feedback",
    /// A fault of this program.
    Fault = "fault",
}

/// Why a file or folder came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// For programs and translations.
    pub code: ReasonCode,
    /// For people: a sentence without its subject, in English.
    pub text: String,
}

impl Reason {
    /// A reason in words.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<&io::Error> for ReasonCode {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotPermitted,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DriveFull,
            _ => Self::System,
        }
    }
}

impl From<&ImageError> for ReasonCode {
    fn from(error: &ImageError) -> Self {
        match error {
            ImageError::Unsupported(_) => Self::UnknownFormat,
            ImageError::Empty => Self::EmptyFile,
            ImageError::Broken { .. } => Self::Damaged,
            ImageError::TooLarge { .. } => Self::TooLarge,
        }
    }
}

impl From<&VideoError> for ReasonCode {
    fn from(error: &VideoError) -> Self {
        match error {
            VideoError::NoTools => Self::NoVideoTools,
            VideoError::Program { .. } => Self::System,
            VideoError::TookTooLong(_) => Self::TooSlow,
            VideoError::Unreadable(_) | VideoError::Cancelled => Self::Damaged,
            VideoError::Image(error) => error.into(),
        }
    }
}

impl From<&EncodeError> for ReasonCode {
    fn from(error: &EncodeError) -> Self {
        match error {
            EncodeError::Io { source, .. } => source.into(),
            EncodeError::Image(error) => error.into(),
            EncodeError::NotAVector { .. }
            | EncodeError::PixelInput { .. }
            | EncodeError::Decoder { .. }
            | EncodeError::Contract { .. }
            | EncodeError::Backend { .. } => Self::ModelFailed,
            EncodeError::MissingFile { .. }
            | EncodeError::Config { .. }
            | EncodeError::NoBudget { .. }
            | EncodeError::Tensor { .. }
            | EncodeError::Weights { .. }
            | EncodeError::Tokenizer { .. }
            | EncodeError::Device { .. }
            | EncodeError::Hub(_) => Self::NoModel,
        }
    }
}

/// An error as the reason of a file that it is told beside.
macro_rules! reason_of {
    ($($error:ty),*) => {
        $(impl From<$error> for Reason {
            fn from(error: $error) -> Self {
                Self::new(ReasonCode::from(&error), error.to_string())
            }
        })*
    };
}

reason_of!(io::Error, ImageError, VideoError, EncodeError);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use glimpse_nonempty::{Every as _, each};

    use super::*;

    #[test]
    fn an_error_keeps_its_words_and_gets_a_code() {
        let empty = Reason::from(EncodeError::Image(ImageError::Empty));
        assert_eq!((empty.code, empty.to_string().as_str()), (ReasonCode::EmptyFile, "the file is empty"));
        let denied = Reason::from(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!((denied.code, denied.text.as_str()), (ReasonCode::NotPermitted, "permission denied"));
        assert_eq!(Reason::from(io::Error::other("odd")).code, ReasonCode::System);
        let tools = Reason::from(VideoError::NoTools);
        assert!(tools.code == ReasonCode::NoVideoTools && tools.text.contains("ffmpeg"), "{tools:?}");
        assert_eq!(Reason::from(io::Error::from(io::ErrorKind::StorageFull)).code, ReasonCode::DriveFull);
    }

    #[test]
    fn names_are_written_as_programs_read_them() {
        let names: HashSet<String> = each(ReasonCode::ALL).map(|code| serde_json::to_string(code).unwrap()).collect();
        assert_eq!(names.len(), ReasonCode::ALL.len());
        assert!(ReasonCode::ALL.iter().every(|code| names.contains(&format!("{:?}", code.name()))));
        assert_eq!(serde_json::from_str::<ReasonCode>("\"drive_away\"").unwrap(), ReasonCode::DriveAway);
    }
}
