//! Making the tags of regions that are kept with the index: of all images once, and of those that
//! come later with the run that brings them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use glimpse_encoder::Encode;
use glimpse_indexer::ImageId;
use glimpse_indexer::regions::{RegionLabel, RegionLabelSet, StoredRegionTag};
use rayon::prelude::*;

use super::label_scales::LabelScales;
use crate::calibrate::{CUT, Modality, Part};
use crate::control::RunControl;
use crate::labels::check_labels;
use crate::regions::{LabelSearch, no_regions};
use crate::served::Served;
use crate::{Engine, EngineError};

/// Most labels that regions are kept tagged with.
pub const MAX_KEPT_LABELS: usize = 2_000;
/// Most bytes of a label that is kept.
const MAX_LABEL: usize = 200;
/// A set of labels that was made in another way is made anew.
const VERSION: u8 = 1;
/// Scales are made anew when there are so many times as many images with regions, or as few.
const GROWN: usize = 2;
/// Images that are looked at in one step.
const IMAGES_AT_ONCE: usize = 128;
/// Most tags of an image as a whole, and of its regions.
const MOST: usize = 255;
/// Labels that are made ready at once.
const LABELS_AT_ONCE: usize = 16;
/// How long what was done may be lost to a killed process.
const COMMIT_EVERY: Duration = Duration::from_secs(2);

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagStage {
    /// Labels are compared with the library, to know what their cosines mean in it.
    Labels,
    /// Images are looked at.
    Images,
}

/// What a run that tags regions came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RegionTagging {
    /// Labels that are kept.
    pub labels: usize,
    /// Images that were looked at.
    pub tagged: usize,
    /// Images that were known already.
    pub unchanged: usize,
    /// Images without regions, which have no tags.
    pub without_regions: usize,
    /// True if it was stopped before its end; the next run goes on there.
    pub cancelled: bool,
}

/// Hears how far it is: what is being done, and how many of how many are done.
type Progress<'a> = dyn FnMut(TagStage, usize, usize) + 'a;

impl Engine {
    /// Tags regions of all images with labels, or with the usual ones ([`Engine::tag_regions`])
    /// where none are given, and keeps these tags with the index from now on: runs that bring
    /// images tag them too. With the labels that are kept already only what lacks tags is looked
    /// at, so a run that was stopped goes on; other labels take their place.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] for labels that make no sense or are too many, or a library
    /// without regions; [`EngineError::Busy`] while folders are being indexed; otherwise if the
    /// model or the store fails.
    pub fn keep_region_tags(
        &self,
        labels: &[String],
        cancel: &AtomicBool,
        progress: &mut Progress<'_>,
    ) -> Result<RegionTagging, EngineError> {
        let labels = if labels.is_empty() { self.usual_labels()? } else { distinct(labels) };
        check_kept(&labels)?;
        let _running = self.turns.claim()?;
        let index = self.writable()?;
        self.regions_of(&index)?;
        let encoder = self.encoder_for(&index)?;
        self.tag_waiting(&index, encoder.as_ref(), &labels, cancel, progress)
    }

    /// Says why a run of [`Engine::keep_region_tags`] with these labels would make no sense.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] for labels that make no sense or are too many, or a library
    /// without regions.
    pub fn check_region_labels(&self, labels: &[String]) -> Result<(), EngineError> {
        if !labels.is_empty() {
            check_kept(&distinct(labels))?;
        }
        if self.has_regions()? { Ok(()) } else { Err(no_regions()) }
    }

    /// As [`Engine::keep_region_tags`], in the background of a server: the run can be paused, and
    /// gives way to queries. Where no labels are given, those that are kept are gone on with.
    ///
    /// # Errors
    /// As [`Engine::keep_region_tags`].
    pub fn keep_region_tags_in_background(
        &self,
        labels: &[String],
        control: &RunControl,
        progress: &mut Progress<'_>,
    ) -> Result<RegionTagging, EngineError> {
        let kept = if labels.is_empty() { self.serving()?.region_label_names()? } else { Vec::new() };
        let labels = if kept.is_empty() { labels } else { &kept };
        self.keep_region_tags(labels, control.cancel_flag(), &mut |stage, done, all| {
            progress(stage, done, all);
            control.wait_for_turn(&self.active_queries);
        })
    }

    /// Keeps no tags of regions any more, and forgets those that are kept. False if there were
    /// none.
    ///
    /// # Errors
    /// [`EngineError::Busy`] while folders are being indexed or regions tagged; if there is no
    /// index yet, or it cannot be written.
    pub fn drop_region_tags(&self) -> Result<bool, EngineError> {
        let _running = self.turns.claim()?;
        let were_kept = self.kept_labels()?.is_some();
        let index = self.writable()?;
        index.set_region_labels(None)?;
        index.commit()?;
        Ok(were_kept)
    }

    /// Tags what a run brought, where tags are kept: with the labels of `index`, or, of a
    /// generation that is new, with those of the one before. False if it was stopped before its
    /// end.
    ///
    /// # Errors
    /// If the model or the store fails.
    pub(crate) fn tag_what_came(
        &self,
        index: &Served,
        before: Option<&Served>,
        encoder: &dyn Encode,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<bool, EngineError> {
        let kept = match index.region_labels()? {
            None => before.map_or(Ok(None), |before| before.region_labels())?,
            kept => kept,
        };
        let Some(kept) = kept.filter(|kept| !kept.labels.is_empty()) else { return Ok(true) };
        if !index.any_regions()? {
            return Ok(true);
        }
        let labels: Vec<String> = kept.labels.into_iter().map(|label| label.name).collect();
        let done = self.tag_waiting(index, encoder, &labels, cancel, &mut |stage, done, all| {
            if stage == TagStage::Images {
                progress(done, all);
            }
        })?;
        Ok(!done.cancelled)
    }

    /// Looks at all images with regions that were not looked at with these labels.
    fn tag_waiting(
        &self,
        index: &Served,
        encoder: &dyn Encode,
        labels: &[String],
        cancel: &AtomicBool,
        progress: &mut Progress<'_>,
    ) -> Result<RegionTagging, EngineError> {
        let regions = index.region_library()?;
        let is_stopped = || cancel.load(Ordering::Relaxed);
        let with_regions = regions.images();
        let mut done = RegionTagging {
            labels: labels.len(),
            tagged: 0,
            unchanged: 0,
            without_regions: index.searchable().saturating_sub(with_regions),
            cancelled: false,
        };
        let number = self.number_of(index, labels)?;
        let is_kept = index.region_label_set()?.is_some_and(|(set, made_for)| {
            set == number && made_for <= with_regions * GROWN && with_regions <= made_for * GROWN
        });
        let kept = if is_kept { kept_scales(index)? } else { None };
        let scales = match kept {
            Some(scales) => scales,
            None => {
                let Some(scales) = self.label_scales(index, encoder, labels, cancel, progress)? else {
                    return Ok(RegionTagging { cancelled: true, ..done });
                };
                let label = |(name, scales): (&String, &LabelScales)| RegionLabel {
                    name: name.clone(),
                    scale: scales.to_bytes(),
                };
                let labels = labels.iter().zip(&scales).map(label).collect();
                index.set_region_labels(Some(RegionLabelSet { set: number, made_for: with_regions, labels }))?;
                scales
            }
        };
        let search = LabelSearch::of(&*regions, scales.iter().map(|scales| &scales.of_regions))?;
        let waiting = index.images_without_region_tags()?;
        done.unchanged = index.images_with_region_tags()?;
        progress(TagStage::Images, 0, waiting.len());
        let mut committed = Instant::now();
        for part in waiting.chunks(IMAGES_AT_ONCE) {
            if is_stopped() {
                done.cancelled = true;
                break;
            }
            let revision = index.revision();
            let tagged: Vec<_> = part.par_iter().map(|&id| (id, tags_of(index, &search, &scales, id))).collect();
            index.put_region_tags(number, revision, &tagged)?;
            done.tagged += part.len();
            if committed.elapsed() >= COMMIT_EVERY {
                index.commit()?;
                committed = Instant::now();
            }
            progress(TagStage::Images, done.tagged, waiting.len());
        }
        index.commit()?;
        Ok(done)
    }

    /// What the cosines of labels mean in a library; `None` if it was stopped.
    fn label_scales(
        &self,
        index: &Served,
        encoder: &dyn Encode,
        labels: &[String],
        cancel: &AtomicBool,
        progress: &mut Progress<'_>,
    ) -> Result<Option<Vec<LabelScales>>, EngineError> {
        let regions = index.region_library()?;
        let known = self.calibrated(&index.manifest().model)?;
        let mut scales = Vec::with_capacity(labels.len());
        for part in labels.chunks(LABELS_AT_ONCE) {
            progress(TagStage::Labels, scales.len(), labels.len());
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let texts: Vec<&str> = part.iter().map(|label| label.trim()).collect();
            let vectors = self.texts.embed(encoder, &texts)?;
            let of_images = self.label_queries(encoder, part)?;
            for (vector, of_images) in vectors.iter().zip(of_images) {
                let of_regions = self.scorer_of(index, &*regions, encoder, vector)?;
                let asked = Part { modality: Modality::Text, weight: 1.0, vector: of_images };
                let of_images = index.calibrator.scale(index, &[asked], Some(encoder), &known.calibration)?;
                scales.push(LabelScales { of_images, of_regions });
            }
        }
        Ok(Some(scales))
    }

    /// Names a set of labels together with all that decides on its tags beside the regions.
    fn number_of(&self, index: &Served, labels: &[String]) -> Result<u64, EngineError> {
        let model = index.manifest().model;
        let known = self.calibrated(&model)?;
        let learnt = self.texts.maps().of(&model.fingerprint, model.dim)?;
        let parts = format!("{VERSION} {labels:?} {} {:?} {learnt:?}", model.fingerprint, known.calibration);
        let mut hasher = blake3::Hasher::new_derive_key("glimpse labels of regions, version 1");
        hasher.update(parts.as_bytes());
        Ok(u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default()))
    }
}

/// The scales that are kept; `None` if they are not those of this program.
fn kept_scales(index: &Served) -> Result<Option<Vec<LabelScales>>, EngineError> {
    let dim = index.manifest().model.dim;
    let Some(kept) = index.region_labels()? else { return Ok(None) };
    Ok(kept.labels.iter().map(|label| LabelScales::from_bytes(&label.scale, dim)).collect())
}

/// What an image shows as a whole, and then what its regions show, each surest first.
fn tags_of(index: &Served, search: &LabelSearch<'_>, scales: &[LabelScales], id: ImageId) -> Vec<StoredRegionTag> {
    let whole = index.vector(id);
    let of_image = whole.iter().flat_map(|whole| {
        (0u16..).zip(scales).map(|(label, scales)| {
            let score = scales.of_images.score_of(scales.of_images.product(whole));
            StoredRegionTag { label, region: None, score }
        })
    });
    let mut tags: Vec<_> = of_image.filter(|tag| tag.score >= CUT).collect();
    tags.sort_by(|a, b| b.score.total_cmp(&a.score));
    tags.truncate(MOST);
    let of_regions = search.tags(id, whole.as_deref());
    tags.extend(of_regions.into_iter().take(MOST));
    tags
}

/// Labels without spaces around them, each once, whatever the case.
fn distinct(labels: &[String]) -> Vec<String> {
    let mut known = std::collections::HashSet::new();
    let trimmed = labels.iter().map(|label| label.trim().to_owned());
    trimmed.filter(|label| known.insert(label.to_lowercase())).collect()
}

fn check_kept(labels: &[String]) -> Result<(), EngineError> {
    check_labels(labels)?;
    if labels.len() > MAX_KEPT_LABELS {
        let reason = format!("{} labels are too many to be kept; {MAX_KEPT_LABELS} is the most", labels.len());
        return Err(EngineError::BadRequest(reason));
    }
    match labels.iter().find(|label| label.len() > MAX_LABEL) {
        Some(label) => {
            let reason = format!("a label of {} bytes is too long to be kept; {MAX_LABEL} is the most", label.len());
            Err(EngineError::BadRequest(reason))
        }
        None => Ok(()),
    }
}
