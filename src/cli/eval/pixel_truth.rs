//! What images show, pixel by pixel: COCO panoptic (a list and PNG files with numbers of segments),
//! or semantic PNG files (numbers of categories).

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader};

use super::coco_file::{Annotation, Category as FileCategory, CocoFile, SegmentInfo};
use super::{folder, read};
use crate::cli::args::MaskDataArgs;
use crate::cli::outcome::CliError;

/// The category of pixels that do not count.
pub const VOID: u16 = u16::MAX;

/// A data set.
pub struct Truth {
    pub categories: Vec<Category>,
    pub images: Vec<TrueImage>,
    /// Whether things are told apart.
    pub is_panoptic: bool,
}

/// What pixels may show.
pub struct Category {
    pub name: String,
    pub is_thing: bool,
}

/// An image and where its truth is.
pub struct TrueImage {
    /// The image itself.
    pub file: PathBuf,
    png: PathBuf,
    /// Of a panoptic data set, its segments; otherwise the categories by their number in the PNG.
    content: Content,
}

enum Content {
    Panoptic(Vec<TrueSegment>),
    Semantic(std::sync::Arc<HashMap<u16, u16>>),
}

/// A segment of the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueSegment {
    /// In the PNG.
    pub id: u32,
    pub category: usize,
    /// In pixels, as the data say.
    pub area: u64,
    pub is_crowd: bool,
}

/// The truth of one image.
pub struct TrueMap {
    pub width: u32,
    pub height: u32,
    /// The category of each pixel, or [`VOID`].
    pub categories: Vec<u16>,
    /// Of a panoptic data set, the number of each pixel's segment, 0 for none, and all segments.
    pub segments: Option<(Vec<u32>, Vec<TrueSegment>)>,
}

impl Truth {
    /// Reads what the arguments name.
    ///
    /// # Errors
    /// If it is in none of the forms, or does not fit together.
    pub fn read(args: &MaskDataArgs) -> Result<Self, CliError> {
        let mut truth = match args.data.is_dir() {
            true => Self::semantic(args)?,
            false => {
                let masks = args.masks.clone().unwrap_or_else(|| args.data.with_extension(""));
                Self::panoptic(&args.data, &masks, &folder(&args.images, &args.data))?
            }
        };
        truth.images = args.chosen(truth.images)?;
        Ok(truth)
    }

    /// A panoptic list, PNG files in `masks`.
    pub fn panoptic(path: &Path, masks: &Path, images: &Path) -> Result<Self, CliError> {
        CocoFile::read_as(path, "COCO panoptic annotations", |file| Self::of_file(file, masks, images))
    }

    fn of_file(file: CocoFile, masks: &Path, images: &Path) -> Result<Self, String> {
        let (of_images, places) = (file.image_places(), file.category_places());
        let segment = |info: &SegmentInfo| {
            let (category, is_crowd) = (places.of(info.category_id)?, info.iscrowd == 1);
            Ok(TrueSegment { id: info.id, category, area: info.area, is_crowd })
        };
        let image = |annotation: &Annotation| {
            let id = annotation.image_id;
            let unknown = || format!("an annotation has image {id}, which is not listed");
            let image = &file.images[*of_images.get(&id).ok_or_else(unknown)?];
            let lost = || format!("the annotation of image {id} has no `file_name`, that of a PNG");
            let png = masks.join(annotation.file_name.as_ref().ok_or_else(lost)?);
            let segments = annotation.segments_info.iter().map(segment).collect::<Result<_, String>>()?;
            Ok(TrueImage { file: images.join(image.file()?), png, content: Content::Panoptic(segments) })
        };
        let images = file.annotations.iter().map(image).collect::<Result<_, String>>()?;
        let category = |category: FileCategory| {
            let unsaid = || format!("category {} has no `isthing`", category.id);
            let is_thing = category.isthing.ok_or_else(unsaid)? == 1;
            Ok(Category { name: category.name, is_thing })
        };
        let categories = file.categories.into_iter().map(category).collect::<Result<_, String>>()?;
        Ok(Self { categories, images, is_panoptic: true })
    }

    /// A folder of PNG files, names of categories in a file of their own.
    fn semantic(args: &MaskDataArgs) -> Result<Self, CliError> {
        let names = args.names.as_ref().ok_or_else(|| {
            CliError::with_hint(
                "PNG files with numbers of categories need the categories' names",
                "--names FILE has a number, a tab and a name on each line",
            )
        })?;
        let mut numbers = HashMap::new();
        let mut categories = Vec::new();
        for (line, text) in read(names)?.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let parts =
                text.split_once('\t').and_then(|(number, name)| Some((number.trim().parse::<u16>().ok()?, name)));
            let wrong = || CliError::new(format!("{}:{}: not a number, a tab and a name", names.display(), line + 1));
            let (number, name) = parts.ok_or_else(wrong)?;
            numbers.insert(number, categories.len() as u16);
            categories.push(Category { name: name.trim().to_owned(), is_thing: false });
        }
        let numbers = std::sync::Arc::new(numbers);
        let image = |(file, png)| TrueImage { file, content: Content::Semantic(numbers.clone()), png };
        Ok(Self { categories, images: pairs(args)?.into_iter().map(image).collect(), is_panoptic: false })
    }

    /// The place of a category.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn category(&self, name: &str) -> Result<usize, CliError> {
        let place = self.categories.iter().position(|category| category.name == name);
        place.ok_or_else(|| CliError::new(format!("the data have no category `{name}`")))
    }
}

/// The images of a folder that PNG files of another folder are about, by their names, and these.
///
/// # Errors
/// If a folder is not named or cannot be read, or a PNG is about no image.
pub fn pairs(args: &MaskDataArgs) -> Result<Vec<(PathBuf, PathBuf)>, CliError> {
    let failed = |path: &Path, error: std::io::Error| CliError::new(format!("{}: {error}", path.display()));
    let folder = args.images.as_ref().ok_or_else(|| CliError::new("--images says where the images are"))?;
    let list = |dir: &Path| {
        let entries = std::fs::read_dir(dir).map_err(|error| failed(dir, error))?;
        let paths = entries.map(|entry| Ok(entry.map_err(|error| failed(dir, error))?.path()));
        let mut paths = paths.collect::<Result<Vec<_>, CliError>>()?;
        paths.sort();
        Ok::<_, CliError>(paths)
    };
    let files: HashMap<_, _> =
        list(folder)?.into_iter().filter_map(|path| Some((path.file_stem()?.to_owned(), path))).collect();
    let pngs = list(&args.data)?.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "png"));
    let pair = |png: PathBuf| {
        let file = png.file_stem().and_then(|stem| files.get(stem)).cloned();
        let none = || CliError::new(format!("{}: no image of this name in {}", png.display(), folder.display()));
        Ok((file.ok_or_else(none)?, png))
    };
    pngs.map(pair).collect()
}

impl TrueMap {
    /// The categories that pixels show.
    pub fn shown(&self) -> BTreeSet<usize> {
        self.categories.iter().filter(|&&category| category != VOID).map(|&category| category.into()).collect()
    }

    /// The same where only some categories are asked for: other pixels show `none`, or do not count
    /// if there is no category for that. Without segments.
    pub fn asked(self, asked: &[usize], none: Option<usize>) -> Self {
        let other = none.map_or(VOID, |none| none as u16);
        let of = |category: u16| match category {
            VOID => VOID,
            category if asked.contains(&category.into()) => category,
            _ => other,
        };
        Self { categories: self.categories.into_iter().map(of).collect(), segments: None, ..self }
    }
}

impl TrueImage {
    /// Its map.
    ///
    /// # Errors
    /// If the PNG cannot be read, or has pixels of segments that are not listed.
    pub fn load(&self) -> Result<TrueMap, CliError> {
        let failed = |reason: String| CliError::new(format!("{}: {reason}", self.png.display()));
        let png = ImageReader::open(&self.png).map_err(|error| failed(error.to_string()))?;
        let png = png.decode().map_err(|error| failed(error.to_string()))?;
        let (width, height) = (png.width(), png.height());
        match &self.content {
            Content::Panoptic(segments) => {
                let ids = numbers(&png);
                let of: HashMap<u32, usize> = segments.iter().map(|segment| (segment.id, segment.category)).collect();
                let category = |id: &u32| match of.get(id) {
                    Some(category) => Ok(*category as u16),
                    None if *id == 0 => Ok(VOID),
                    None => Err(failed(format!("segment {id} is not listed"))),
                };
                let categories = ids.iter().map(category).collect::<Result<_, _>>()?;
                Ok(TrueMap { width, height, categories, segments: Some((ids, segments.clone())) })
            }
            Content::Semantic(places) => {
                let numbers = semantic_numbers(&self.png).map_err(failed)?;
                let category = |number: &u16| places.get(number).copied().unwrap_or(VOID);
                Ok(TrueMap { width, height, categories: numbers.iter().map(category).collect(), segments: None })
            }
        }
    }
}

/// `R + 256 G + 65536 B` of each pixel.
pub fn numbers(png: &DynamicImage) -> Vec<u32> {
    png.to_rgb8().pixels().map(|pixel| u32::from_le_bytes([pixel.0[0], pixel.0[1], pixel.0[2], 0])).collect()
}

/// The number of each pixel of a PNG with a palette (its place there) or in grey.
fn semantic_numbers(path: &Path) -> Result<Vec<u16>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut decoder = png::Decoder::new(std::io::BufReader::new(file));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let (colour, depth) = (reader.info().color_type, reader.info().bit_depth);
    if !matches!(colour, png::ColorType::Indexed | png::ColorType::Grayscale) {
        return Err("not a PNG of numbers: it has neither a palette nor one channel".into());
    }
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let line = reader.next_frame(&mut bytes).map_err(|error| error.to_string())?.line_size;
    let bits = depth as usize;
    let number = |row: &[u8], x: usize| match bits {
        16 => u16::from_be_bytes([row[2 * x], row[2 * x + 1]]),
        8 => row[x].into(),
        _ => (u16::from(row[x * bits / 8]) >> (8 - bits - x * bits % 8)) & ((1 << bits) - 1),
    };
    let rows = bytes.chunks_exact(line.max(1)).take(height);
    Ok(rows.flat_map(|row| (0..width).map(|x| number(row, x)).collect::<Vec<_>>()).collect())
}
