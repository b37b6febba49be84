//! The files of regions ([`crate::regions::cells`]): written when a run of changes ends, if there
//! are regions enough. Others write meanwhile: what they change is named in the store's list of
//! changes behind the revision that the files hold, and whoever reads the files looks there.
//!
//! The store is synced before its entry names new files, and these before that: so a killed process
//! leaves the files that counted, or the new ones. Only then does the store give up what the files
//! have ([`super::moved`]).

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use glimpse_encoder::dense::MAX_REGIONS;
use rayon::prelude::*;

use super::filed;
use crate::fault;
use crate::hnsw::Progress;
use crate::index::Index;
use crate::regions::cells::{
    Cells, CodePlaces, OF_EACH, RegionRows, SegmentWriter, StoredImage, cells_of, sweep, train, write_centroids,
};
use crate::regions::format::{self, Held, Stored};
use crate::snapshot::{SnapshotError, SnapshotManifest};
use crate::store::keys::{self, Table};
use crate::store::region_cells::{CellsEntry, FORMAT, SegmentEntry};
use crate::vectors::VectorIndex;
use crate::vectors::ivf::{Centroids, Sample};
use crate::{ImageId, IndexError};

/// The folder in that of a generation.
pub(crate) const REGION_FILES: &str = "region-cells";
/// Files that lack more than one image in so many, or more than [`MOST`], are brought up to date by
/// the next [`Index::finish`]: until then these images' regions are in memory.
const BEHIND: usize = 50;
const MOST: usize = 2048;
/// A new segment takes in those before it that are not so many times as large, so that there are
/// few.
const TIMES: usize = 2;
/// Cells are made anew when there are so many times as many regions as when they were made.
const GROWN: usize = 2;
/// Images whose regions are read and written at once.
const IMAGES_AT_ONCE: usize = if cfg!(test) { 16 } else { 256 };
/// Regions of an image that a sample takes at most.
const SAMPLED: usize = 8;

/// What is to be written.
enum Plan {
    /// All regions into one segment, in cells of their own. There are about so many, and these
    /// files have those that the store gave up.
    Anew(usize, Option<Box<Cells>>),
    /// A segment behind the first `keep` ones.
    Append { cells: Box<Cells>, entry: CellsEntry, keep: usize, images: Vec<ImageId>, gone: Vec<ImageId> },
    /// Nothing: what changed since are no regions.
    Note(CellsEntry),
}

/// What is known of an image's regions.
enum Found {
    Regions(StoredImage),
    /// There are none, or the store says that they are damaged.
    Nothing,
    /// The files that had them cannot be read.
    Lost(ImageId),
}

/// What was written, and images whose regions could not be.
struct Written {
    entry: CellsEntry,
    lost: Vec<ImageId>,
}

/// Why no files were written.
enum Stopped {
    Index(IndexError),
    Io(io::Error),
    /// Whoever is told of the progress did not want more.
    Wanted,
}

impl From<IndexError> for Stopped {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Index {
    /// The folder of the files, which a copy shares with what it is a copy of.
    pub(super) fn region_dir(&self) -> PathBuf {
        self.copy.as_ref().map_or(&self.dir, |copy| &copy.of).join(REGION_FILES)
    }

    /// Maps the files of an entry.
    pub(in crate::index) fn open_cells(&self, entry: &CellsEntry) -> Result<Cells, SnapshotError> {
        Cells::open(&self.region_dir(), entry, self.scan.dim())
    }

    /// The files that count, mapped, and their entry; `None` if there are none. If they are newer
    /// than the store, nothing is taken for known of when they were written.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn open_region_files(&self) -> Result<Option<(Cells, CellsEntry)>, IndexError> {
        let entry = match self.store.region_cells() {
            Err(IndexError::Corrupt { .. }) => None,
            entry => entry?,
        };
        let Some(mut entry) = entry.or_else(|| self.adopt_region_files()) else { return Ok(None) };
        if entry.revision > self.revision() {
            (entry.revision, entry.moved) = (0, 0);
        }
        Ok(self.open_cells(&entry).ok().map(|cells| (cells, entry)))
    }

    /// Writes files of regions if there are enough and the files lack many, and lets the regions go
    /// over to them.
    pub(in crate::index) fn finish_regions(&self, progress: &mut Progress<'_>) -> Result<(), IndexError> {
        let _regions = self.writer.lock_regions();
        self.finish_read_regions(progress)
    }

    /// As [`Index::finish_regions`]; the caller has the turn to read the regions.
    pub(in crate::index) fn finish_read_regions(&self, progress: &mut Progress<'_>) -> Result<(), IndexError> {
        self.store.sweep_region_graph()?;
        if self.outside.is_some() {
            // Files that were there stay as they are, and nothing moves to others.
            return Ok(());
        }
        // A folder of an older program; what cannot be removed now is removed next time.
        let _ = std::fs::remove_dir_all(self.dir.join("region-snapshot"));
        let revision = self.revision();
        self.regions.waiting.store(0, Relaxed);
        let Some(plan) = self.plan_files(revision)? else {
            // A killed process may have left it to be done.
            return match self.store.region_cells() {
                Ok(Some(entry)) => self.move_vectors(entry),
                Ok(None) | Err(IndexError::Corrupt { .. }) => Ok(()),
                Err(error) => Err(error),
            };
        };
        let written = match plan {
            Plan::Anew(regions, cells) => self.write_anew(revision, regions, cells.as_deref(), progress),
            Plan::Append { cells, entry, keep, images, gone } => {
                let appended = self.append((&cells, &entry.segments[..keep]), &images, &gone, progress);
                appended.map(|(segments, lost)| Written { entry: CellsEntry { revision, segments, ..entry }, lost })
            }
            Plan::Note(entry) => Ok(Written { entry: CellsEntry { revision, ..entry }, lost: Vec::new() }),
        };
        let Written { entry, lost } = match written {
            Ok(written) => written,
            Err(Stopped::Index(error)) => return Err(error),
            Err(Stopped::Io(error)) => {
                let fault = format!("regions stay in memory, as no files could be written for them ({error})");
                self.regions.set_fault(Some(fault));
                return Ok(());
            }
            Err(Stopped::Wanted) => return Ok(()),
        };
        self.regions.set_fault(None);
        self.regions.is_stale.store(false, Relaxed);
        // The store must not lack anything that the files have.
        self.store.sync()?;
        fault::nobody_waits();
        self.store.put_region_cells(&entry)?;
        self.regions.forget_files();
        self.forget_lost(&lost)?;
        if self.regions.get().is_some() {
            let read = self.read_regions(&|| Some(self.writer.lock()));
            self.regions.end_reading();
            read?;
        }
        sweep(&self.region_dir(), entry.manifests());
        self.move_vectors(entry)
    }

    fn plan_files(&self, revision: u64) -> Result<Option<Plan>, IndexError> {
        let is_damaged = |cells: &Cells| {
            let known = self.regions.get().is_some_and(|regions| regions.cells().is_some_and(Cells::is_damaged));
            known || cells.is_damaged() || self.regions.is_stale.load(Relaxed)
        };
        let (cells, entry) = match self.open_region_files()? {
            Some((cells, entry)) if !is_damaged(&cells) => (cells, entry),
            opened => return self.plan_anew(opened.map(|(cells, _)| cells)),
        };
        if entry.revision == revision {
            return Ok(None);
        }
        let changed = self.store.changes_after(entry.revision, usize::MAX)?;
        if changed.len() <= MOST && changed.len() * BEHIND <= cells.images() {
            return Ok(None);
        }
        let changed: Vec<ImageId> = changed.into_iter().map(|(_, id)| id).collect();
        let (mut images, mut gone) = (Vec::new(), Vec::new());
        for part in changed.chunks(IMAGES_AT_ONCE) {
            let states = part.par_iter().map(|&id| self.has_changed(&cells, id)).collect::<Result<Vec<_>, _>>()?;
            for (&id, state) in part.iter().zip(states) {
                match state {
                    Some(true) => images.push(id),
                    Some(false) => gone.push(id),
                    None => continue,
                }
                cells.mask(id);
            }
        }
        if images.is_empty() && gone.is_empty() {
            return Ok(Some(Plan::Note(entry)));
        }
        Ok(Some(self.plan_segment(cells, entry, images, gone)))
    }

    /// All regions anew, if there are enough. Where files cannot be read that may have some,
    /// nothing is written, and nothing given up: a drive may be away.
    fn plan_anew(&self, cells: Option<Cells>) -> Result<Option<Plan>, IndexError> {
        let is_whole = cells.as_ref().is_some_and(|cells| cells.faults().is_empty());
        let lost = if is_whole { Vec::new() } else { self.images_without_file(cells.as_ref())? };
        if !lost.is_empty() {
            self.regions.set_fault(Some(format!(
                "the regions of {} images are in files that cannot be read, in {}: run `glimpse verify --repair`, \
                 unless the files can be brought back",
                lost.len(),
                self.region_dir().display()
            )));
            return Ok(None);
        }
        let regions = self.stored_region_count()?;
        if regions > 0 && (regions >= self.options.regions_from || cells.is_some()) {
            return Ok(Some(Plan::Anew(regions, cells.map(Box::new))));
        }
        if self.store.get(Table::Meta, keys::meta::REGION_CELLS)?.is_some() {
            // Of no use, and too few to be made anew.
            self.store.drop_region_cells()?;
            self.regions.clear();
        }
        Ok(None)
    }

    /// Whether the regions of an image are new, or gone; `None` if they are what the files have.
    fn has_changed(&self, cells: &Cells, id: ImageId) -> Result<Option<bool>, IndexError> {
        let known = self.memory.read().contains(id);
        let parts = if known { self.store.region_parts(id)? } else { Vec::new() };
        Ok(match format::held(id, self.scan.dim(), &parts) {
            Ok(Held::Whole(_, fingerprint)) => (!cells.has(id, fingerprint)).then_some(true),
            Ok(Held::Filed(_, fingerprint)) if cells.has(id, fingerprint) => None,
            Ok(Held::Filed(..)) | Err(_) => cells.count_of(id).map(|_| false),
        })
    }

    /// Appends a segment of what is new, and of the segments before it that are not much larger.
    fn plan_segment(&self, cells: Cells, entry: CellsEntry, mut images: Vec<ImageId>, mut gone: Vec<ImageId>) -> Plan {
        let (mut keep, mut size) = (entry.segments.len(), images.len() + gone.len());
        while keep > 0 && entry.segments[keep - 1].images <= size * TIMES {
            keep -= 1;
            size += entry.segments[keep].images;
        }
        let filed: usize = entry.segments.iter().map(|segment| segment.regions).sum();
        let regions = cells.regions() + images.len() * (filed / cells.images().max(1)).clamp(1, MAX_REGIONS);
        if keep == 0 || regions > entry.trained * GROWN {
            return Plan::Anew(regions, Some(Box::new(cells)));
        }
        images.extend(cells.images_from(keep));
        images.sort_unstable();
        gone.extend(cells.gone_from(keep));
        gone.sort_unstable();
        gone.dedup();
        gone.retain(|&id| images.binary_search(&id).is_err() && cells.is_before(keep, id));
        Plan::Append { cells: Box::new(cells), entry, keep, images, gone }
    }

    /// Number of regions in the store, as their maps say.
    fn stored_region_count(&self) -> Result<usize, IndexError> {
        let is_few = self.scan.len() * MAX_REGIONS < self.options.regions_from && !self.has_moved_vectors();
        if is_few || !self.any_regions()? {
            return Ok(0);
        }
        let count = |id: &ImageId| {
            let map = self.store.get(Table::Regions, &keys::region(*id, 0))?;
            Ok(map.and_then(|map| format::decode_map(*id, &map).ok()).map_or(0, |map| map.len()))
        };
        self.image_ids().par_iter().map(count).sum()
    }

    /// All images, by number.
    pub(super) fn image_ids(&self) -> Vec<ImageId> {
        let mut ids: Vec<ImageId> = match &self.outside {
            Some(_) => self.facts().ids().collect(),
            None => self.scan.ids().into_iter().map(|id| id.image()).collect(),
        };
        ids.sort_unstable();
        ids
    }

    fn write_anew(
        &self,
        revision: u64,
        regions: usize,
        filed: Option<&Cells>,
        progress: &mut Progress<'_>,
    ) -> Result<Written, Stopped> {
        let images = self.image_ids();
        let cells = cells_of(regions);
        let sample = self.sample_regions(&images, regions, cells * OF_EACH, filed)?;
        if sample.len() == 0 {
            return Err(Stopped::Wanted);
        }
        let centroids = train(&sample, cells)?;
        drop(sample);
        let manifest: SnapshotManifest = write_centroids(&self.region_dir(), self.scan.dim(), &centroids)?;
        let (segment, lost) = self.write_segment(&centroids, &images, &[], (filed, None), progress)?;
        let trained = segment.regions;
        let entry =
            CellsEntry { format: FORMAT, revision, moved: 0, trained, centroids: manifest, segments: vec![segment] };
        Ok(Written { entry, lost })
    }

    /// About `count` vectors of regions, some of each of as many images as that takes.
    fn sample_regions(
        &self,
        images: &[ImageId],
        regions: usize,
        count: usize,
        filed: Option<&Cells>,
    ) -> Result<Sample, Stopped> {
        let mut sample = Sample::new(self.scan.dim());
        let of_each = (regions / images.len().max(1)).clamp(1, SAMPLED);
        let wanted = count.div_ceil(of_each).clamp(1, images.len().max(1));
        let places: Vec<usize> = (0..wanted).map(|turn| turn * images.len() / wanted).collect();
        for part in places.chunks(IMAGES_AT_ONCE) {
            let images = part.par_iter().filter_map(|&place| images.get(place));
            let read = images.map(|&image| self.stored_image(image, filed, None)).collect::<Result<Vec<_>, _>>()?;
            for (turn, found) in read.into_iter().enumerate() {
                let Found::Regions(StoredImage { vectors, .. }) = found else { continue };
                let vectors = vectors.vectors();
                let step = vectors.len().div_ceil(of_each);
                for vector in vectors.iter().skip(turn % step.max(1)).step_by(step.max(1)) {
                    sample.push(vector.planes())?;
                }
            }
        }
        Ok(sample)
    }

    /// The regions of an image, of which these files have what the store gave up, and codes if the
    /// places of these are given.
    fn stored_image(
        &self,
        image: ImageId,
        files: Option<&Cells>,
        places: Option<&CodePlaces>,
    ) -> Result<Found, IndexError> {
        let parts = self.store.region_parts(image)?;
        let (map, vectors, fingerprint) = match format::held(image, self.scan.dim(), &parts) {
            Ok(Held::Whole(Stored { map, vectors }, fingerprint)) => (map, RegionRows::New(vectors), fingerprint),
            Ok(Held::Filed(map, fingerprint)) => {
                let Some(files) = files else { return Ok(Found::Lost(image)) };
                let coded = places.and_then(|places| files.rows_and_codes(places, image, fingerprint, map.len()));
                let read = match coded {
                    Some((rows, codes)) => Some((map, RegionRows::Coded(rows, codes))),
                    None => filed(files, image, map, fingerprint)
                        .map(|(Stored { map, vectors }, rows)| (map, RegionRows::Filed(vectors, rows))),
                };
                let Some((map, vectors)) = read else { return Ok(Found::Lost(image)) };
                (map, vectors, fingerprint)
            }
            Err(_) => return Ok(Found::Nothing),
        };
        Ok(match map.len() {
            0 => Found::Nothing,
            _ => Found::Regions(StoredImage { image, fingerprint, map, vectors }),
        })
    }

    /// A segment behind those that are kept.
    fn append(
        &self,
        (cells, kept): (&Cells, &[SegmentEntry]),
        images: &[ImageId],
        gone: &[ImageId],
        progress: &mut Progress<'_>,
    ) -> Result<(Vec<SegmentEntry>, Vec<ImageId>), Stopped> {
        let centroids = cells.centroids().ok_or(Stopped::Wanted)?;
        let places = cells.code_places(kept.len());
        let (segment, lost) = self.write_segment(centroids, images, gone, (Some(cells), Some(&places)), progress)?;
        Ok((kept.iter().cloned().chain([segment]).collect(), lost))
    }

    /// Writes a segment with the regions of images, which come by number; and which of them cannot
    /// be read.
    fn write_segment(
        &self,
        centroids: &Centroids,
        images: &[ImageId],
        gone: &[ImageId],
        (filed, places): (Option<&Cells>, Option<&CodePlaces>),
        progress: &mut Progress<'_>,
    ) -> Result<(SegmentEntry, Vec<ImageId>), Stopped> {
        let mut writer = SegmentWriter::begin(&self.region_dir(), self.scan.dim(), centroids)?;
        let (mut done, mut lost) = (0, Vec::new());
        if let ControlFlow::Break(()) = progress(0, images.len()) {
            return Err(Stopped::Wanted);
        }
        for part in images.chunks(IMAGES_AT_ONCE) {
            let read =
                part.par_iter().map(|&image| self.stored_image(image, filed, places)).collect::<Result<Vec<_>, _>>()?;
            let mut found = Vec::with_capacity(read.len());
            for image in read {
                match image {
                    Found::Regions(image) => found.push(image),
                    Found::Nothing => {}
                    Found::Lost(image) => lost.push(image),
                }
            }
            writer.add(&found)?;
            done += part.len();
            fault::nobody_waits();
            if let ControlFlow::Break(()) = progress(done, images.len()) {
                return Err(Stopped::Wanted);
            }
        }
        Ok((writer.finish(gone)?, lost))
    }
}
