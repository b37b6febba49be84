//! What is kept in memory of every image and file, so that filters, sorting and facets never touch
//! the store: about 80 bytes an image, 4 bytes a keyword and 50 bytes a file.
//!
//! A clone shares all parts with the original until one of them changes, and then copies that part.
//! So whoever has much to look through takes a clone and lets go of the lock
//! ([`super::Index::facts`]).

mod flat;
mod moments;
mod names;
mod places;
mod rows;
mod tags;
mod tiles;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use glimpse_encoder::image_file::Format;

pub(super) use self::flat::FlatMemory;
use self::names::Names;
use self::rows::Rows;
use super::kept::Kept;
use crate::store::keys::PathHash;
use crate::{ContentHash, Facets, FileRecord, Filter, IdSet, ImageId, ImageRecord, Moment};

/// Facts about all images and files of an index.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// By image number; numbers are dense but for removed images.
    rows: Rows<Row>,
    cameras: Arc<Names>,
    lenses: Arc<Names>,
    /// Keywords, of which those that differ in case alone are one.
    tag_names: Arc<Names>,
    /// Numbers of its keywords, for each image that has some.
    tags: Rows<Tags>,
    /// Of frames and of images that stand for a video.
    moments: Rows<Moment>,
    /// Further frames, by the number of the image that stands for their video, in order of time.
    frames: Rows<Arc<[ImageId]>>,
    folders: Arc<Folders>,
    /// Images with a readable vector and a file that is present, and frames of such.
    findable: Arc<IdSet>,
    /// Those of them that are no further frames.
    whole: Arc<IdSet>,
    files: usize,
    missing: usize,
}

/// An image.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    content: ContentHash,
    width: u32,
    height: u32,
    taken: i64,
    place: Point,
    camera: u32,
    lens: u32,
    format: Format,
    present: u32,
    vector: bool,
    revision: u64,
}

/// Numbers of an image's keywords, rising.
type Tags = Arc<[u32]>;

/// Files by folder.
type Folders = BTreeMap<Arc<Path>, Arc<Files>>;

/// Files of a folder.
type Files = HashMap<PathHash, Held>;

/// A file of a folder.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Held {
    image: ImageId,
    missing: bool,
    companion: bool,
}

impl Held {
    fn of(file: &FileRecord) -> Self {
        Self { image: file.image, missing: file.missing, companion: file.role.is_companion() }
    }

    /// True if it is there and holds its image.
    fn shows(&self) -> bool {
        !self.missing && !self.companion
    }
}

const DAY: i64 = 86_400;
const NO_DATE: i64 = i64::MIN;
/// The number of no camera and no lens.
const NO_NAME: u32 = u32::MAX;

impl Memory {
    // ---- changes ----

    /// Adds an image or replaces its facts; its files stay as they are.
    pub(super) fn put_image(&mut self, record: &ImageRecord, vector: bool) {
        let camera = number_of(&mut self.cameras, record.camera.as_deref());
        let lens = number_of(&mut self.lenses, record.exposure.lens.as_deref());
        let old = self.row(record.id);
        let row = Row {
            content: record.content,
            width: record.width,
            height: record.height,
            taken: record.taken.unwrap_or(NO_DATE),
            place: Point::of(record),
            camera,
            lens,
            format: record.format,
            vector,
            present: old.map_or(0, |row| row.present),
            revision: old.map_or(0, |row| row.revision),
        };
        self.rows.put(record.id.0 as usize, row);
        self.put_tags(record);
        self.put_moment(record);
        self.note_findable(record.id);
    }

    /// Replaces the facts of an image that is known.
    pub(super) fn replace_facts(&mut self, record: &ImageRecord) {
        if let Some(vector) = self.row(record.id).map(|row| row.vector) {
            self.put_image(record, vector);
        }
    }

    pub(super) fn remove_image(&mut self, id: ImageId) {
        self.rows.remove(id.0 as usize);
        self.tags.remove(id.0 as usize);
        self.note_findable(id);
        self.remove_moment(id);
    }

    pub(super) fn put_file(&mut self, file: &FileRecord) {
        let (folder, hash) = (folder_of(&file.path), PathHash::of(&file.path));
        let held = Held::of(file);
        let folders = Arc::make_mut(&mut self.folders);
        if !folders.contains_key(folder) {
            folders.insert(folder.into(), Arc::default());
        }
        let old = folders.get_mut(folder).and_then(|files| Arc::make_mut(files).insert(hash, held));
        self.count(old, -1);
        self.count(Some(held), 1);
    }

    pub(super) fn remove_file(&mut self, path: &Path) {
        let folder = folder_of(path);
        if !self.folders.contains_key(folder) {
            return;
        }
        let folders = Arc::make_mut(&mut self.folders);
        let Some(files) = folders.get_mut(folder).map(Arc::make_mut) else { return };
        let old = files.remove(&PathHash::of(path));
        if files.is_empty() {
            folders.remove(folder);
        }
        self.count(old, -1);
    }

    /// Notes the newest change of an image.
    pub(super) fn set_revision(&mut self, id: ImageId, revision: u64) {
        if let Some(row) = self.row_mut(id) {
            row.revision = revision;
        }
    }

    fn count(&mut self, file: Option<Held>, by: isize) {
        let Some(file) = file else { return };
        self.files = self.files.saturating_add_signed(by);
        if file.missing {
            self.missing = self.missing.saturating_add_signed(by);
        } else if file.companion {
            // It answers no question about its image.
        } else if let Some(row) = self.row_mut(file.image) {
            row.present = row.present.saturating_add_signed(by as i32);
            self.note_findable(file.image);
            for frame in self.frames_of(file.image).to_vec() {
                self.note_findable(frame);
            }
        }
    }

    fn note_findable(&mut self, id: ImageId) {
        let findable = self.is_findable(id);
        if findable != self.findable.contains(id) {
            change(&mut self.findable, id, findable);
        }
        let whole = findable && !self.is_frame(id);
        if whole != self.whole.contains(id) {
            change(&mut self.whole, id, whole);
        }
    }

    /// True for an image with a vector that is shown by a file, its own or that of its video.
    fn is_findable(&self, id: ImageId) -> bool {
        self.row(id).is_some_and(|row| row.vector) && self.is_present(self.video_of(id))
    }

    // ---- facts ----

    fn row(&self, id: ImageId) -> Option<&Row> {
        self.rows.get(usize::try_from(id.0).ok()?)
    }

    fn row_mut(&mut self, id: ImageId) -> Option<&mut Row> {
        self.rows.get_mut(usize::try_from(id.0).ok()?)
    }

    fn rows(&self) -> impl Iterator<Item = (ImageId, &Row)> {
        self.rows.iter().map(|(number, row)| (ImageId(number as u64), row))
    }

    /// All images, by number.
    pub(super) fn ids(&self) -> impl Iterator<Item = ImageId> + '_ {
        self.rows().map(|(id, _)| id)
    }

    pub(super) fn contains(&self, id: ImageId) -> bool {
        self.row(id).is_some()
    }

    /// True if a file of the image is present, with or without a readable vector.
    pub(super) fn is_present(&self, id: ImageId) -> bool {
        self.row(id).is_some_and(|row| row.present > 0)
    }

    /// Images with a file that is present, with or without a readable vector.
    pub(super) fn present(&self) -> IdSet {
        self.rows().filter(|(_, row)| row.present > 0).map(|(id, _)| id).collect()
    }

    /// Number of images whose vector can be read.
    pub(super) fn with_vector(&self) -> usize {
        self.rows().filter(|(_, row)| row.vector).count()
    }

    /// Names of cameras that contain one of `parts`, whatever the case.
    pub(super) fn cameras_containing(&self, parts: &[String]) -> Vec<String> {
        let numbers = self.cameras.containing(parts).unwrap_or_default();
        let names = (0..).zip(self.cameras.iter());
        names.filter(|(number, _)| numbers.contains(number)).map(|(_, name)| name.to_owned()).collect()
    }

    pub(super) fn revision(&self, id: ImageId) -> Option<u64> {
        self.row(id).map(|row| row.revision)
    }

    pub(super) fn taken(&self, id: ImageId) -> Option<i64> {
        self.row(id).map(|row| row.taken).filter(|&taken| taken != NO_DATE)
    }

    pub(super) fn findable(&self) -> &Arc<IdSet> {
        &self.findable
    }

    /// Images that can be found and are no further frames of a video.
    pub(super) fn whole(&self) -> &Arc<IdSet> {
        &self.whole
    }

    pub(super) fn files(&self) -> usize {
        self.files
    }

    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    pub(super) fn bytes(&self) -> usize {
        let files: usize = self.folders.values().map(|files| files.capacity()).sum();
        let bitmap = self.rows.len() / 8;
        self.rows.bytes()
            + self.tags.bytes()
            + self.moments.bytes()
            + files * (size_of::<(PathHash, Held)>() + 1)
            + bitmap
    }

    /// Path hashes of the files in `folder` and below, rising; a file's own path gives that file.
    pub(super) fn files_under(&self, folder: &Path) -> Vec<PathHash> {
        let mut hashes: Vec<_> = self.folders_under(folder).flat_map(|(_, files)| files.keys().copied()).collect();
        let itself = PathHash::of(folder);
        if self.folders.get(folder_of(folder)).is_some_and(|files| files.contains_key(&itself)) {
            hashes.push(itself);
        }
        hashes.sort_unstable();
        hashes
    }

    /// Paths sort component by component, so what is below a folder follows it without a gap.
    fn folders_under<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = (&'a Arc<Path>, &'a Arc<Files>)> {
        let from = (Bound::Included(folder), Bound::Unbounded);
        self.folders.range::<Path, _>(from).take_while(move |(path, _)| path.starts_with(folder))
    }

    // ---- selection ----

    /// Images that pass a filter, and whose contents pass `kept`; a video is one.
    pub(super) fn select(&self, filter: &Filter, kept: &Kept) -> IdSet {
        let candidates = if filter.folders.is_empty() {
            Arc::clone(&self.whole)
        } else {
            let folders = filter.folders.iter().flat_map(|folder| self.folders_under(folder));
            let files = folders.flat_map(|(_, files)| files.values()).filter(|file| file.shows());
            Arc::new(files.map(|file| file.image).collect::<IdSet>().intersection(&self.whole))
        };
        let cameras = self.cameras.containing(&filter.cameras);
        let lenses = self.lenses.containing(&filter.lenses);
        let tags = self.tag_names.equal(&filter.tags);
        let passes = |id: ImageId, row: &Row| {
            let taken = (row.taken != NO_DATE).then_some(row.taken);
            kept.passes(id, &row.content)
                && filter.taken_from.is_none_or(|from| taken.is_some_and(|taken| taken >= from))
                && filter.taken_before.is_none_or(|before| taken.is_some_and(|taken| taken < before))
                && has_name(&cameras, row.camera)
                && has_name(&lenses, row.lens)
                && tags.as_ref().is_none_or(|asked| self.tags_of(id).iter().any(|tag| asked.contains(tag)))
                && (filter.formats.is_empty() || filter.formats.contains(&row.format))
                && filter.place.is_none_or(|area| row.place.degrees().is_some_and(|(lat, lon)| area.contains(lat, lon)))
        };
        let only_folders = Filter { folders: filter.folders.clone(), ..Filter::default() };
        if *filter == only_folders && kept.asks_nothing() {
            return Arc::unwrap_or_clone(candidates);
        }
        candidates.iter().filter(|&id| self.row(id).is_some_and(|row| passes(id, row))).collect()
    }

    /// What the images of `among` can be filtered by.
    pub(super) fn facets(&self, among: &IdSet) -> Facets {
        let (mut cameras, mut lenses) = (vec![0; self.cameras.len()], vec![0; self.lenses.len()]);
        let mut formats = BTreeMap::new();
        let mut days = BTreeMap::new();
        let mut facets = Facets::default();
        for (_, row) in self.rows().filter(|(id, _)| among.contains(*id)) {
            cameras.get_mut(row.camera as usize).into_iter().for_each(|count| *count += 1);
            lenses.get_mut(row.lens as usize).into_iter().for_each(|count| *count += 1);
            *formats.entry(row.format).or_insert(0) += 1;
            facets.with_place += usize::from(row.place.degrees().is_some());
            if row.taken != NO_DATE {
                let (first, last) = facets.taken.unwrap_or((row.taken, row.taken));
                facets.taken = Some((first.min(row.taken), last.max(row.taken)));
                *days.entry(row.taken.div_euclid(DAY)).or_insert(0) += 1;
            }
        }
        (facets.cameras, facets.lenses) = (self.cameras.counted(&cameras), self.lenses.counted(&lenses));
        facets.tags = self.tag_counts(among).into_iter().map(|tag| (tag.tag, tag.images)).collect();
        facets.days = days.into_iter().collect();
        facets.formats = formats.into_iter().collect();
        facets.formats.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let images_in = |files: &Files| {
            let present = files.values().filter(|file| file.shows() && among.contains(file.image));
            present.map(|file| file.image).collect::<HashSet<_>>().len()
        };
        let folders = self.folders.iter().map(|(path, files)| (path.to_path_buf(), images_in(files)));
        facets.folders = folders.filter(|(_, count)| *count > 0).collect();
        facets
    }
}

/// Puts an image into a set, or takes it out.
fn change(set: &mut Arc<IdSet>, id: ImageId, into: bool) {
    let set = Arc::make_mut(set);
    if into {
        set.insert(id)
    } else {
        set.remove(id)
    };
}

/// The number of a name, which is added if it is new.
fn number_of(names: &mut Arc<Names>, name: Option<&str>) -> u32 {
    name.map_or(NO_NAME, |name| number_by_key(names, name, name))
}

/// The number of a name by what makes it the same as another; names are copied only to add one.
fn number_by_key(names: &mut Arc<Names>, key: &str, name: &str) -> u32 {
    match names.number(key) {
        Some(number) => number,
        None => Arc::make_mut(names).add(key, name),
    }
}

/// True if nothing is asked, or the name is one of those asked for.
fn has_name(asked: &Option<HashSet<u32>>, name: u32) -> bool {
    asked.as_ref().is_none_or(|asked| asked.contains(&name))
}

/// A point on earth in steps of 1e-7 degrees, about a centimetre: half the bytes of two f64.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    latitude: i32,
    longitude: i32,
}

impl Point {
    const STEPS: f64 = 1e7;
    const NOWHERE: Self = Self { latitude: i32::MIN, longitude: i32::MIN };

    fn of(record: &ImageRecord) -> Self {
        let steps = |degrees: f64| (degrees * Self::STEPS).round() as i32;
        record
            .place
            .map_or(Self::NOWHERE, |place| Self { latitude: steps(place.latitude), longitude: steps(place.longitude) })
    }

    fn degrees(self) -> Option<(f64, f64)> {
        let degrees = |steps: i32| f64::from(steps) / Self::STEPS;
        (self.latitude != i32::MIN).then(|| (degrees(self.latitude), degrees(self.longitude)))
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}
