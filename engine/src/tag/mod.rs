//! Zero-shot tags with the user's own labels.

mod keep;
mod kept;
mod label_scales;
mod regions;
mod tagged;

use std::collections::HashMap;
use std::sync::Arc;

use glimpse_indexer::{Filter, ImageId};

use crate::calibrate::{CUT, Modality, Part};
use crate::labels::check_labels;
use crate::{Cancel, Engine, EngineError};
pub use keep::{MAX_KEPT_LABELS, RegionTagging, TagStage};
pub use kept::{KeptLabels, KeptTags};
pub use regions::{RegionTag, TaggedRegions};
pub use tagged::{Tag, Tagged};

/// Most tags of all images together that are remembered: some 60 MB.
const MOST_KEPT: usize = 1_000_000;

/// How to tag.
#[derive(Debug, Clone, PartialEq)]
pub struct TagOptions {
    /// Which images.
    pub filter: Filter,
    /// Most tags of an image.
    pub max_tags: usize,
    /// Smallest calibrated score of a tag.
    pub min_score: f32,
}

impl Default for TagOptions {
    fn default() -> Self {
        Self { filter: Filter::default(), max_tags: 5, min_score: CUT }
    }
}

impl Engine {
    /// Tags images with the user's own labels, from stored vectors. Every label is calibrated by
    /// itself, as a query is: a label that fits no image tags none, and an image that no label fits
    /// has no tags. Models are asked for labels as [`crate::prompt`] says.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] for labels that make no sense; otherwise if the model or the
    /// store fails, or the question is given up ([`Cancel`]).
    pub fn tag(&self, labels: &[String], options: &TagOptions) -> Result<Vec<Tagged>, EngineError> {
        check_labels(labels)?;
        let index = self.serving()?;
        let encoder = self.encoder_for(&index)?;
        let vectors = self.label_queries(encoder.as_ref(), labels)?;
        let allowed = self.selected(&index, &options.filter)?;
        let known = self.calibrated(&self.asked_with(&index))?;

        let mut tags: HashMap<ImageId, Vec<Tag>> = HashMap::new();
        let cancel = Cancel::current();
        for (label, vector) in labels.iter().zip(vectors) {
            cancel.check()?;
            let part = Part { modality: Modality::Text, weight: 1.0, vector };
            let scale = index.calibrator.scale(&index, &[part], Some(encoder.as_ref()), &known.calibration)?;
            let (direction, length) = scale.direction();
            for scored in index.score_all(&direction)? {
                let score = scale.score_of(scored.score * length);
                // A video has the tags of its frames, each once.
                let id = index.video_of(scored.id);
                if score >= options.min_score && allowed.contains(id) {
                    let tags = tags.entry(id).or_default();
                    match tags.iter().position(|tag| tag.label == *label) {
                        Some(known) if tags[known].score >= score => continue,
                        Some(known) => _ = tags.remove(known),
                        None => {}
                    }
                    let place = tags.partition_point(|tag| tag.score >= score);
                    tags.insert(place, Tag { label: label.clone(), score });
                    tags.truncate(options.max_tags);
                }
            }
        }
        Ok(allowed.iter().map(|id| Tagged { id, tags: tags.remove(&id).unwrap_or_default() }).collect())
    }

    /// As [`Engine::tag`]: the images that some label fits, by number. The last answer is
    /// remembered until the library changes, so that its pages can be read from it.
    ///
    /// # Errors
    /// As [`Engine::tag`].
    pub fn tagged(&self, labels: &[String], options: &TagOptions) -> Result<Arc<Vec<Tagged>>, EngineError> {
        let served = self.serving()?;
        let question = format!("{} {} {labels:?} {options:?}", served.revision(), served.region_tag_changes());
        let make = || {
            let mut tagged = self.tag(labels, options)?;
            tagged.retain(|tagged| !tagged.tags.is_empty());
            tagged.sort_unstable_by_key(|tagged| tagged.id);
            Ok(tagged)
        };
        let count = |tagged: &Vec<Tagged>| tagged.iter().map(|one| one.tags.len()).sum::<usize>();
        served.tags.get_or_make(question, make, |tagged| count(tagged) <= MOST_KEPT)
    }
}
