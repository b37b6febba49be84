//! Groups, tags and numbers.

use glimpse_engine::{DuplicateGroup, Engine, EngineError, KeptLabels, ModelInfo, Stats, Tag, Tagged};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ImageView, names};

/// Images that are nearly the same, the best one first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct GroupView {
    /// Smallest cosine of a member with the first.
    pub min_cosine: f32,
    /// The members.
    pub images: Vec<ImageView>,
}

impl GroupView {
    /// A group with what the library knows of its images.
    ///
    /// # Errors
    /// If the library fails.
    pub fn read(engine: &Engine, group: &DuplicateGroup) -> Result<Self, EngineError> {
        let images = group.images.iter().map(|&id| ImageView::read(engine, id)).collect::<Result<_, _>>()?;
        Ok(Self { min_cosine: group.min_cosine, images })
    }
}

/// An image and its tags.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TaggedView {
    /// The image.
    #[serde(flatten)]
    pub image: ImageView,
    /// Surest first.
    #[schema(value_type = Vec<names::Tag>)]
    pub tags: Vec<Tag>,
}

impl TaggedView {
    /// A tagged image with what the library knows of it.
    ///
    /// # Errors
    /// If the library fails.
    pub fn read(engine: &Engine, tagged: &Tagged) -> Result<Self, EngineError> {
        Ok(Self { image: ImageView::read(engine, tagged.id)?, tags: tagged.tags.clone() })
    }
}

/// Numbers about the library, and the model that made it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StatsView {
    /// The numbers.
    #[serde(flatten)]
    #[schema(value_type = names::Stats)]
    pub stats: Stats,
    /// The model.
    #[schema(value_type = names::Model)]
    pub model: ModelInfo,
    /// What the scores of the model were fitted on; none if nothing was, so that scores are
    /// estimates.
    pub scores_fitted_on: Option<String>,
    /// Images have regions.
    pub regions: bool,
    /// The tags of regions that are kept with the index; none if none are.
    pub region_tags: Option<KeptTagsView>,
}

/// Tags of regions that are kept with the index.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct KeptTagsView {
    /// How many labels there are.
    pub labels: usize,
    /// Images, frames of videos among them, that were looked at.
    pub tagged: usize,
    /// Images that wait for the next run.
    pub waiting: usize,
}

impl StatsView {
    /// Reads the numbers of a library.
    ///
    /// # Errors
    /// If there is no library, or its `calibration.json` cannot be used.
    pub fn read(engine: &Engine) -> Result<Self, EngineError> {
        let (stats, model) = engine.stats()?;
        let known = engine.calibration()?;
        let scores_fitted_on = known.file.is_some().then(|| known.calibration.fitted_on.clone());
        let of_kept = |KeptLabels { labels, tagged, waiting }| KeptTagsView { labels: labels.len(), tagged, waiting };
        let region_tags = engine.kept_labels()?.map(of_kept);
        Ok(Self { stats, model, scores_fitted_on, regions: engine.has_regions()?, region_tags })
    }
}
