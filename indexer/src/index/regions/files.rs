//! The files of regions ([`crate::regions::cells`]): written when a run of changes ends, if there
//! are regions enough. Others write meanwhile: what they change is named in the store's list of
//! changes behind the revision that the files hold, and whoever reads the files looks there.
//!
//! The store is synced before its entry names new files, and these before that: so a killed process
//! leaves the files that counted, or the new ones.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use glimpse_encoder::dense::MAX_REGIONS;
use rayon::prelude::*;

use super::read::fingerprint;
use crate::fault;
use crate::hnsw::Progress;
use crate::index::Index;
use crate::regions::cells::{Cells, OF_EACH, SegmentWriter, StoredImage, cells_of, sweep, train, write_centroids};
use crate::regions::format;
use crate::snapshot::SnapshotManifest;
use crate::store::keys::{self, Table};
use crate::store::region_cells::{CellsEntry, FORMAT, SegmentEntry};
use crate::vectors::VectorIndex;
use crate::vectors::ivf::{Centroids, Sample};
use crate::{ImageId, IndexError};

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
    /// All regions into one segment, in cells of their own. There are about so many.
    Anew(usize),
    /// A segment behind the first `keep` ones.
    Append { cells: Box<Cells>, entry: CellsEntry, keep: usize, images: Vec<ImageId>, gone: Vec<ImageId> },
    /// Nothing: what changed since are no regions.
    Note(CellsEntry),
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
    /// The folder of the files.
    pub(super) fn region_dir(&self) -> PathBuf {
        self.dir.join("region-cells")
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
        // A folder of an older program; what cannot be removed now is removed next time.
        let _ = std::fs::remove_dir_all(self.dir.join("region-snapshot"));
        let revision = self.revision();
        let Some(plan) = self.plan_files(revision)? else { return Ok(()) };
        let written = match plan {
            Plan::Anew(regions) => self.write_anew(revision, regions, progress),
            Plan::Append { cells, entry, keep, images, gone } => {
                let appended = self.write_segment(cells.centroids(), &images, &gone, progress);
                appended.map(|segment| {
                    let segments = entry.segments[..keep].iter().cloned().chain([segment]).collect();
                    CellsEntry { revision, segments, ..entry }
                })
            }
            Plan::Note(entry) => Ok(CellsEntry { revision, ..entry }),
        };
        let entry = match written {
            Ok(entry) => entry,
            Err(Stopped::Index(error)) => return Err(error),
            Err(Stopped::Io(error)) => {
                self.regions.set_fault(Some(error.to_string()));
                return Ok(());
            }
            Err(Stopped::Wanted) => return Ok(()),
        };
        self.regions.set_fault(None);
        // The store must not lack anything that the files have.
        self.store.sync()?;
        fault::nobody_waits();
        self.store.put_region_cells(&entry)?;
        if self.regions.get().is_some() {
            let read = self.read_regions(&|| Some(self.writer.lock()));
            self.regions.end_reading();
            read?;
        }
        sweep(&self.region_dir(), entry.manifests());
        Ok(())
    }

    fn plan_files(&self, revision: u64) -> Result<Option<Plan>, IndexError> {
        let entry = match self.store.region_cells() {
            Err(IndexError::Corrupt { .. }) => None,
            entry => entry?,
        };
        let is_damaged = self.regions.get().is_some_and(|regions| regions.cells().is_some_and(Cells::is_damaged));
        let opened = entry.filter(|_| !is_damaged).and_then(|entry| Some((self.open_cells(&entry).ok()?, entry)));
        let Some((cells, entry)) = opened else {
            let regions = self.stored_region_count()?;
            if regions > 0 && regions >= self.options.regions_from {
                return Ok(Some(Plan::Anew(regions)));
            }
            if self.store.get(Table::Meta, keys::meta::REGION_CELLS)?.is_some() {
                // Of no use, and too few to be made anew.
                self.store.drop_region_cells()?;
                self.regions.clear();
            }
            return Ok(None);
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

    /// Whether the regions of an image are new, or gone; `None` if they are what the files have.
    fn has_changed(&self, cells: &Cells, id: ImageId) -> Result<Option<bool>, IndexError> {
        let known = self.memory.read().contains(id);
        let parts = if known { self.store.region_parts(id)? } else { Vec::new() };
        let is_new = format::decode(id, self.scan.dim(), &parts).is_ok();
        let is_filed = if is_new { cells.has(id, fingerprint(&parts)) } else { cells.count_of(id).is_none() };
        Ok((!is_filed).then_some(is_new))
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
            return Plan::Anew(regions);
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
        if self.scan.len() * MAX_REGIONS < self.options.regions_from || !self.any_regions()? {
            return Ok(0);
        }
        let count = |id: &ImageId| {
            let map = self.store.get(Table::Regions, &keys::region(*id, 0))?;
            Ok(map.and_then(|map| format::decode_map(*id, &map).ok()).map_or(0, |map| map.len()))
        };
        self.image_ids().par_iter().map(count).sum()
    }

    /// All images, by number.
    fn image_ids(&self) -> Vec<ImageId> {
        let mut ids: Vec<ImageId> = self.scan.ids().into_iter().map(|id| id.image()).collect();
        ids.sort_unstable();
        ids
    }

    fn write_anew(&self, revision: u64, regions: usize, progress: &mut Progress<'_>) -> Result<CellsEntry, Stopped> {
        let images = self.image_ids();
        let cells = cells_of(regions);
        let sample = self.sample_regions(&images, regions, cells * OF_EACH)?;
        if sample.len() == 0 {
            return Err(Stopped::Wanted);
        }
        let centroids = train(&sample, cells)?;
        drop(sample);
        let manifest: SnapshotManifest = write_centroids(&self.region_dir(), self.scan.dim(), &centroids)?;
        let segment = self.write_segment(&centroids, &images, &[], progress)?;
        let trained = segment.regions;
        Ok(CellsEntry { format: FORMAT, revision, trained, centroids: manifest, segments: vec![segment] })
    }

    /// About `count` vectors of regions, some of each of as many images as that takes.
    fn sample_regions(&self, images: &[ImageId], regions: usize, count: usize) -> Result<Sample, Stopped> {
        let mut sample = Sample::new(self.scan.dim());
        let of_each = (regions / images.len().max(1)).clamp(1, SAMPLED);
        let wanted = count.div_ceil(of_each).clamp(1, images.len().max(1));
        let places: Vec<usize> = (0..wanted).map(|turn| turn * images.len() / wanted).collect();
        for part in places.chunks(IMAGES_AT_ONCE) {
            let read =
                part.par_iter().filter(|&&place| place < images.len()).map(|&place| self.stored_image(images[place]));
            for (turn, stored) in read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().enumerate() {
                let vectors = &stored.stored.vectors;
                let step = vectors.len().div_ceil(of_each);
                for vector in vectors.iter().skip(turn % step.max(1)).step_by(step.max(1)) {
                    sample.push(vector.planes())?;
                }
            }
        }
        Ok(sample)
    }

    /// The regions of an image as the store has them; `None` if it has none that can be read.
    fn stored_image(&self, image: ImageId) -> Result<Option<StoredImage>, IndexError> {
        let parts = self.store.region_parts(image)?;
        let stored = format::decode(image, self.scan.dim(), &parts).ok().filter(|stored| !stored.vectors.is_empty());
        Ok(stored.map(|stored| StoredImage { image, fingerprint: fingerprint(&parts), stored }))
    }

    /// Writes a segment with the regions of images, which come by number.
    fn write_segment(
        &self,
        centroids: &Centroids,
        images: &[ImageId],
        gone: &[ImageId],
        progress: &mut Progress<'_>,
    ) -> Result<SegmentEntry, Stopped> {
        let mut writer = SegmentWriter::begin(&self.region_dir(), self.scan.dim(), centroids)?;
        let mut done = 0;
        for part in images.chunks(IMAGES_AT_ONCE) {
            let read = part.par_iter().map(|&image| self.stored_image(image)).collect::<Result<Vec<_>, _>>()?;
            writer.add(&read.into_iter().flatten().collect::<Vec<_>>())?;
            done += part.len();
            fault::nobody_waits();
            if let ControlFlow::Break(()) = progress(done, images.len()) {
                return Err(Stopped::Wanted);
            }
        }
        Ok(writer.finish(gone)?)
    }

    /// What is wrong with the files of regions, if anything. The caller has the turn to read the
    /// regions.
    pub(in crate::index) fn region_cells_fault(&self) -> Result<Option<String>, IndexError> {
        let entry = match self.store.region_cells() {
            Err(error @ IndexError::Corrupt { .. }) => return Ok(Some(error.to_string())),
            entry => entry?,
        };
        // Files that somebody removed are no fault: the next run makes them anew.
        let dir = self.region_dir();
        let is_there = |entry: &CellsEntry| entry.manifests().all(|manifest| dir.join(manifest.name()).exists());
        let Some(entry) = entry.filter(is_there) else { return Ok(None) };
        Ok(match self.open_cells(&entry) {
            Err(reason) => Some(format!("the files of regions cannot be read ({reason})")),
            Ok(cells) => {
                fault::nobody_waits();
                let blocks = cells.damaged_blocks();
                (blocks > 0).then(|| format!("the files of regions are damaged (blocks: {blocks})"))
            }
        })
    }
}
