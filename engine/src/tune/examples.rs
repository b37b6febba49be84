//! What a library says of its own images: captions, keywords, albums, folders, and what was said of
//! answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use glimpse_encoder::Embedding;
use glimpse_indexer::{Filter, ImageId, Index};
use serde::{Deserialize, Serialize};

use super::query_map::words;
use crate::calibrate::sampled;
use crate::calibrate::vectors::{Vectors, spaced};
use crate::{EngineError, Feedback};

/// Images that are looked at.
const MOST_IMAGES: usize = 20_000;
/// Texts of each source that are learnt from.
const MOST_TEXTS: usize = 1000;
/// Images that a keyword, an album or a folder needs.
const LEAST_IMAGES: usize = 4;
/// Words of such a name.
const MOST_WORDS: usize = 4;
/// Names that cameras and programs give to folders.
const FOLDERS_OF_PROGRAMS: [&str; 22] = [
    "android",
    "backup",
    "bilder",
    "camera",
    "camera roll",
    "dcim",
    "desktop",
    "download",
    "downloads",
    "export",
    "exports",
    "fotos",
    "images",
    "img",
    "import",
    "library",
    "media",
    "photos",
    "pictures",
    "raw",
    "screenshots",
    "whatsapp images",
];

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextSource {
    /// Captions in files and sidecars.
    Caption,
    /// Keywords in files and sidecars.
    Keyword,
    /// Names of albums, with the images that were put there.
    Album,
    /// Names of folders.
    Folder,
    /// Texts that were searched, with the images of which somebody said that they show it, or do
    /// not.
    Feedback,
}

impl TextSource {
    /// All.
    pub const ALL: [Self; 5] = [Self::Caption, Self::Keyword, Self::Album, Self::Folder, Self::Feedback];

    /// In the plural, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Caption => "captions",
            Self::Keyword => "keywords",
            Self::Album => "albums",
            Self::Folder => "folders",
            Self::Feedback => "feedback",
        }
    }
}

/// A text and the images that it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub text: String,
    /// As the model gives it.
    pub vector: Embedding,
    /// Rows of the images.
    pub images: Vec<usize>,
    /// Rows of images that it does not belong to, although one might think so.
    pub wrong: Vec<usize>,
    pub source: TextSource,
}

/// A text of the library, and the rows of its images.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub source: TextSource,
    pub text: String,
    pub images: Vec<usize>,
    /// As [`Example::wrong`].
    pub wrong: Vec<usize>,
}

/// Images and texts of a library.
pub(super) struct Gathered {
    pub images: Vectors,
    pub texts: Vec<Text>,
}

impl Gathered {
    /// What is found in `sources`.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn of(index: &Index, dim: usize, sources: &[TextSource]) -> Result<Self, EngineError> {
        let mut images = Vectors::new(dim);
        let mut rows: HashMap<ImageId, usize> = HashMap::new();
        let feedback = index.collections().all_feedback();
        let feedback: Vec<Feedback> = feedback.into_iter().map(|said| Feedback::of(index, said)).collect();
        let named = feedback.iter().flat_map(|said| said.right.iter().chain(&said.wrong)).copied();
        for id in sampled(index.select(&Filter::default()).iter(), MOST_IMAGES).into_iter().chain(named) {
            if !rows.contains_key(&id)
                && let Some(vector) = index.vector(id)
            {
                rows.insert(id, images.len());
                images.push(&vector);
            }
        }
        let mut found: BTreeMap<(TextSource, String), BTreeSet<usize>> = BTreeMap::new();
        let mut add = |source: TextSource, text: &str, row: usize| {
            if sources.contains(&source) {
                found.entry((source, text.trim().to_owned())).or_default().insert(row);
            }
        };
        for (&id, &row) in &rows {
            let Some(record) = index.image(id)? else { continue };
            record.keywords.iter().for_each(|keyword| add(TextSource::Keyword, &keyword.to_lowercase(), row));
            if let Some(caption) = &record.caption {
                add(TextSource::Caption, caption, row);
            }
        }
        for album in index.collections().albums() {
            for id in index.with_contents(&album.images) {
                rows.get(&id).into_iter().for_each(|&row| add(TextSource::Album, &album.name.to_lowercase(), row));
            }
        }
        for (folder, ids) in index.images_by_folder() {
            let Some(name) = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()) else { continue };
            for row in ids.iter().filter_map(|id| rows.get(id)) {
                add(TextSource::Folder, &name, *row);
            }
        }
        let rows_of = |ids: &[ImageId]| ids.iter().filter_map(|id| rows.get(id).copied()).collect::<Vec<_>>();
        let half = images.len() / 2;
        let said = found.into_iter().map(|((source, text), rows)| {
            let images = rows.into_iter().collect();
            Text { source, text, images, wrong: Vec::new() }
        });
        let with_feedback = feedback.iter().filter(|_| sources.contains(&TextSource::Feedback)).map(|said| {
            let (images, wrong) = (rows_of(&said.right), rows_of(&said.wrong));
            Text { source: TextSource::Feedback, text: said.text.clone(), images, wrong }
        });
        let usable = |text: &Text| is_usable(text.source, &text.text, text.images.len(), half);
        Ok(Self { texts: thinned(said.chain(with_feedback).filter(usable).collect()), images })
    }
}

/// Whether a text with so many images says something.
fn is_usable(source: TextSource, text: &str, images: usize, half: usize) -> bool {
    let words = words(text);
    let is_said = words.iter().any(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
    if source == TextSource::Feedback {
        return is_said && (1..=half.max(1)).contains(&images);
    }
    if source == TextSource::Caption {
        return is_said && words.len() > 1 && images <= half.max(1);
    }
    let is_name = source != TextSource::Folder
        || !FOLDERS_OF_PROGRAMS.contains(&text) && !words.iter().any(|word| word.chars().any(|c| c.is_ascii_digit()));
    is_said && is_name && words.len() <= MOST_WORDS && (LEAST_IMAGES..=half).contains(&images)
}

/// No more than [`MOST_TEXTS`] of each source, evenly out of all.
fn thinned(texts: Vec<Text>) -> Vec<Text> {
    let mut by_source: BTreeMap<TextSource, Vec<Text>> = BTreeMap::new();
    texts.into_iter().for_each(|text| by_source.entry(text.source).or_default().push(text));
    by_source
        .into_values()
        .flat_map(|texts| spaced(texts.len(), MOST_TEXTS).map(|i| texts[i].clone()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn names_that_say_nothing_are_left_out() {
        for (source, text, images, expected) in each([
            (TextSource::Folder, "dcim", 20, false),
            (TextSource::Folder, "100canon", 20, false),
            (TextSource::Folder, "2019-07", 20, false),
            (TextSource::Folder, "oslo", 20, true),
            (TextSource::Keyword, "anna", 20, true),
            (TextSource::Keyword, "anna", 3, false),
            (TextSource::Keyword, "family", 60, false),
            (TextSource::Keyword, "7", 20, false),
            (TextSource::Keyword, "a b c d e", 20, false),
            (TextSource::Caption, "a dog on the beach", 1, true),
            (TextSource::Caption, "OLYMPUS", 1, false),
            (TextSource::Feedback, "rex", 1, true),
            (TextSource::Feedback, "rex", 0, false),
            (TextSource::Feedback, "rex", 51, false),
        ]) {
            assert_eq!(is_usable(source, text, images, 50), expected, "{source:?} {text}");
        }
    }
}
