//! What clients may ask, and how it becomes a query.

use std::path::PathBuf;

use glimpse_engine::query::{MAX_TERMS, parts};
use glimpse_engine::{Cursor, Depth, Filter, Format, GeoBox, ImageId, Mode, Query, Sort, Source, Term};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::uploads::Uploads;
use crate::wire::{DateError, names, parse_date};

/// Most hits of an answer with records.
pub const MAX_RECORDS: usize = 200;
/// Most hits of an answer with tiles.
pub const MAX_TILES: usize = 5_000;

/// Most folders, cameras and the like of a filter: each image is compared with all of them.
const MAX_CHOICES: usize = 100;

/// A search in an address.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SimpleForm {
    /// What to look for, in any language. Between white space, `+` adds a part and `-` moves away
    /// from one: `dog - cat`.
    #[param(example = "a red boat")]
    pub q: Option<String>,
    /// Number of an image to look like.
    pub like: Option<u64>,
    #[param(value_type = Option<names::Mode>)]
    pub mode: Mode,
    #[param(value_type = Option<names::Sort>)]
    pub sort: Sort,
    /// Most hits of this answer, 40 unless said otherwise.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// How far down the answer goes, `usual` unless said otherwise.
    #[param(value_type = Option<names::Depth>)]
    pub depth: Option<Depth>,
    /// The same as `depth=all`.
    #[param(value_type = Option<bool>)]
    pub all: bool,
    /// Taken in or after this year, month, day or second (`2024`, `2024-05`, `2024-05-17`,
    /// `2024-05-17T18:30`).
    pub after: Option<String>,
    /// Taken before it.
    pub before: Option<String>,
    /// In this folder or below.
    #[param(value_type = Option<String>)]
    pub folder: Option<PathBuf>,
    /// Part of the camera's name.
    pub camera: Option<String>,
    /// Part of the lens's name.
    pub lens: Option<String>,
    /// A keyword, whatever its case.
    pub tag: Option<String>,
    /// A label that a region of it shows, whatever its case, where tags of regions are kept.
    pub region_tag: Option<String>,
    #[param(value_type = Option<names::Format>)]
    pub format: Option<Format>,
    /// Only favourites: `1` or `true`.
    #[serde(deserialize_with = "flag")]
    #[param(value_type = Option<bool>)]
    pub favourite: bool,
    /// Only hidden images, which all else leaves out: `1` or `true`.
    #[serde(deserialize_with = "flag")]
    #[param(value_type = Option<bool>)]
    pub hidden: bool,
    /// In this album, by its id.
    pub album: Option<String>,
}

/// `1` or `true`, `0` or `false`, as in an address.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match &*String::deserialize(deserializer)? {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => Err(D::Error::custom(format!("`{other}` is neither 1 nor 0"))),
    }
}

/// A search in a body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FullForm {
    /// What to look for; none lists everything that passes the filter.
    #[schema(max_items = 64)]
    pub terms: Vec<TermForm>,
    #[schema(value_type = names::Mode)]
    pub mode: Mode,
    #[schema(value_type = names::Sort)]
    pub sort: Sort,
    /// Most hits of this answer, 500 unless said otherwise.
    #[schema(minimum = 1, maximum = 5000)]
    pub limit: Option<usize>,
    /// `next` of the page before, with the query otherwise as it was.
    pub cursor: Option<String>,
    /// How far down the answer goes, `usual` unless said otherwise.
    #[schema(value_type = Option<names::Depth>)]
    pub depth: Option<Depth>,
    /// The same as `"depth": "all"`.
    pub all: bool,
    /// Conditions on stored facts, which must all hold.
    pub filter: FilterForm,
}

/// A part of a query: exactly one of `text`, `image` and `upload`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermForm {
    /// Words in any language.
    #[schema(max_length = 16384)]
    text: Option<String>,
    /// Number of an image of the library.
    image: Option<u64>,
    /// Key of an uploaded image, from `POST /api/v1/uploads`.
    upload: Option<String>,
    /// How much it counts beside the others; below 0 it moves the query away.
    #[serde(default = "one")]
    #[schema(minimum = -100, maximum = 100)]
    weight: f32,
}

fn one() -> f32 {
    1.0
}

/// Conditions on stored facts.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FilterForm {
    /// Taken in or after this year, month, day or second.
    pub after: Option<String>,
    /// Taken before it.
    pub before: Option<String>,
    /// In one of these folders or below.
    #[schema(value_type = Vec<String>, max_items = 100)]
    pub folders: Vec<PathBuf>,
    /// The camera's name contains one of these.
    #[schema(max_items = 100)]
    pub cameras: Vec<String>,
    /// The lens's name contains one of these.
    #[schema(max_items = 100)]
    pub lenses: Vec<String>,
    /// Has one of these keywords, whatever their case.
    #[schema(max_items = 100)]
    pub tags: Vec<String>,
    /// A region of it shows one of these labels, whatever their case; an error where no tags of
    /// regions are kept.
    #[schema(max_items = 100)]
    pub region_tags: Vec<String>,
    /// In one of these formats.
    #[schema(value_type = Vec<names::Format>, max_items = 100)]
    pub formats: Vec<Format>,
    /// Taken inside this box.
    #[schema(value_type = Option<names::GeoBox>)]
    pub place: Option<GeoBox>,
    /// Only favourites.
    pub favourite: bool,
    /// Only hidden images, which all else leaves out.
    pub hidden: bool,
    /// In this album, by its id; not a saved search, which has a query to ask.
    pub album: Option<String>,
}

impl From<SimpleForm> for FullForm {
    fn from(form: SimpleForm) -> Self {
        let term = |text, image, weight| TermForm { text, image, upload: None, weight };
        let typed = form.q.unwrap_or_default();
        let texts = parts(&typed).into_iter().map(|(text, weight)| term(Some(text.to_owned()), None, weight));
        let image = form.like.map(|id| term(None, Some(id), 1.0));
        Self {
            terms: texts.chain(image).collect(),
            mode: form.mode,
            sort: form.sort,
            limit: form.limit,
            cursor: form.cursor,
            depth: form.depth,
            all: form.all,
            filter: FilterForm {
                after: form.after,
                before: form.before,
                folders: form.folder.into_iter().collect(),
                cameras: form.camera.into_iter().collect(),
                lenses: form.lens.into_iter().collect(),
                tags: form.tag.into_iter().collect(),
                region_tags: form.region_tag.into_iter().collect(),
                formats: form.format.into_iter().collect(),
                place: None,
                favourite: form.favourite,
                hidden: form.hidden,
                album: form.album,
            },
        }
    }
}

impl FullForm {
    /// True if it asks with an image that was uploaded.
    pub fn names_upload(&self) -> bool {
        self.terms.iter().any(|term| term.upload.is_some())
    }

    /// The query, with uploads looked up.
    pub fn into_query(self, usual: usize, most: usize, uploads: &Uploads) -> Result<Query, ApiError> {
        at_most("terms", self.terms.len(), MAX_TERMS)?; // before anything is looked up
        Ok(Query {
            terms: self.terms.into_iter().map(|term| term.into_term(uploads)).collect::<Result<_, _>>()?,
            filter: self.filter.try_into()?,
            mode: self.mode,
            sort: self.sort,
            limit: checked_limit(self.limit, usual, most)?,
            cursor: self.cursor.map(Cursor),
            depth: depth_of(self.depth, self.all),
        })
    }
}

/// The depth asked for, by its name or by the older `all`.
pub fn depth_of(depth: Option<Depth>, all: bool) -> Depth {
    depth.unwrap_or(if all { Depth::All } else { Depth::Usual })
}

/// Refuses lists that are too long, before anything is done for each of their members.
pub fn at_most(name: &str, count: usize, most: usize) -> Result<(), ApiError> {
    match count <= most {
        true => Ok(()),
        false => Err(ApiError::bad_request(format!("`{name}` has {count} members; {most} is the most"))),
    }
}

/// A limit within its bounds.
pub fn checked_limit(limit: Option<usize>, usual: usize, most: usize) -> Result<usize, ApiError> {
    let limit = limit.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::bad_request(format!("`limit` is {limit}; it goes from 1 to {most}")))
}

impl TermForm {
    fn into_term(self, uploads: &Uploads) -> Result<Term, ApiError> {
        let source = match (self.text, self.image, self.upload) {
            (Some(text), None, None) => Source::Text(text),
            (None, Some(id), None) => Source::Image(ImageId(id)),
            (None, None, Some(key)) => Source::Bytes(uploads.get(&key)?.bytes),
            _ => return Err(ApiError::bad_request("a term has exactly one of `text`, `image` and `upload`")),
        };
        Ok(Term { source, weight: self.weight })
    }
}

impl TryFrom<FilterForm> for Filter {
    type Error = ApiError;

    fn try_from(form: FilterForm) -> Result<Self, ApiError> {
        at_most("folders", form.folders.len(), MAX_CHOICES)?;
        at_most("cameras", form.cameras.len(), MAX_CHOICES)?;
        at_most("lenses", form.lenses.len(), MAX_CHOICES)?;
        at_most("tags", form.tags.len(), MAX_CHOICES)?;
        at_most("region_tags", form.region_tags.len(), MAX_CHOICES)?;
        at_most("formats", form.formats.len(), MAX_CHOICES)?;
        let date = |text: Option<String>| text.as_deref().map(parse_date).transpose();
        let wrong = |error: DateError| ApiError::bad_request(error.to_string());
        Ok(Self {
            taken_from: date(form.after).map_err(wrong)?,
            taken_before: date(form.before).map_err(wrong)?,
            folders: form.folders,
            cameras: form.cameras,
            lenses: form.lenses,
            tags: form.tags,
            region_tags: form.region_tags,
            formats: form.formats,
            place: form.place,
            favourite: form.favourite,
            hidden: form.hidden,
            album: form.album,
        })
    }
}
