//! Zero-shot tags of parts of images: what each shows, out of the user's own labels.

use std::collections::HashMap;

use glimpse_encoder::dense::Rect;
use glimpse_indexer::ImageId;

use super::TagOptions;
use crate::calibrate::CUT;
use crate::query::MAX_LIMIT;
use crate::regions::{FindQuery, StructuredQuery};
use crate::{Cancel, Depth, Engine, EngineError};

/// Boxes that overlap by as much show the same part, and the surest label counts.
const SAME: f32 = 0.6;

/// A part of an image and its label.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionTag {
    /// The label as given.
    pub label: String,
    /// Calibrated score, 0 to 1.
    pub score: f32,
    /// Where it is.
    pub rect: Rect,
    /// Share of the image that it covers, 0 to 1.
    pub area: f32,
}

/// The tags of the parts of an image, surest first.
#[derive(Debug, Clone, PartialEq)]
pub struct TaggedRegions {
    /// The image; boxes of a video are those of its best frame for each label.
    pub id: ImageId,
    /// Its parts; may be empty.
    pub regions: Vec<RegionTag>,
}

impl Engine {
    /// Tags parts of images with the user's own labels, or, where none are given, with the keywords
    /// of the library, or common words where it has none, as [`Engine::find`] finds them in stored
    /// regions. [`TagOptions::max_tags`] is the most of an image. Images without regions have no
    /// tags.
    ///
    /// # Errors
    /// As [`Engine::tag`].
    pub fn tag_regions(&self, labels: &[String], options: &TagOptions) -> Result<Vec<TaggedRegions>, EngineError> {
        let labels = if labels.is_empty() { self.usual_labels()? } else { labels.to_vec() };
        crate::labels::check_labels(&labels)?;
        let index = self.serving()?;
        let mut found: HashMap<ImageId, Vec<RegionTag>> = HashMap::new();
        let cancel = Cancel::current();
        for label in &labels {
            cancel.check()?;
            self.tag_with(label, options, &mut found)?;
        }
        let allowed = self.selected(&index, &options.filter)?;
        let tagged = allowed.iter().map(|id| {
            let regions = distinct(found.remove(&id).unwrap_or_default(), options.max_tags);
            TaggedRegions { id, regions }
        });
        Ok(tagged.collect())
    }

    /// Adds the parts that one label fits.
    fn tag_with(
        &self,
        label: &str,
        options: &TagOptions,
        found: &mut HashMap<ImageId, Vec<RegionTag>>,
    ) -> Result<(), EngineError> {
        let mut query = FindQuery {
            filter: options.filter.clone(),
            max_boxes: options.max_tags.max(1),
            limit: MAX_LIMIT,
            depth: if options.min_score < CUT { Depth::All } else { Depth::Strict },
            ..FindQuery::structured(StructuredQuery::thing(label))
        };
        loop {
            let page = self.find(&query)?;
            for image in page.images {
                let boxes = image.boxes.iter().filter(|found| found.score >= options.min_score);
                let tags = boxes.map(|found| RegionTag {
                    label: label.to_owned(),
                    score: found.score,
                    rect: found.rect,
                    area: found.area,
                });
                found.entry(image.id).or_default().extend(tags);
            }
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// The surest of tags for the same part, `most` in all.
fn distinct(mut tags: Vec<RegionTag>, most: usize) -> Vec<RegionTag> {
    tags.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<RegionTag> = Vec::new();
    for tag in tags {
        if kept.len() < most && !kept.iter().any(|known| known.rect.iou(&tag.rect) >= SAME) {
            kept.push(tag);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_labels_for_the_same_part_the_surest_counts() {
        let tag = |label: &str, score: f32, left: f32| RegionTag {
            label: label.to_owned(),
            score,
            rect: Rect { left, top: 0.0, right: left + 0.5, bottom: 1.0 },
            area: 0.5,
        };
        let tags = vec![tag("cat", 0.6, 0.0), tag("lynx", 0.9, 0.05), tag("ball", 0.7, 0.5), tag("cat", 0.55, 0.5)];
        let labels = |most| distinct(tags.clone(), most).into_iter().map(|tag| tag.label).collect::<Vec<_>>();
        assert_eq!(labels(5), ["lynx", "ball"]);
        assert_eq!(labels(1), ["lynx"]);
    }
}
