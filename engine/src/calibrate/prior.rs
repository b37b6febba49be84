//! What is known of matches before a library is asked: one table, and what each row was fitted on.

use serde::{Deserialize, Serialize};

/// How the cosines of matches lie beside those of unrelated images, for one kind of query and one
/// model.
///
/// All cosines are *excesses*: differences from the median cosine of the query with unrelated
/// images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchPrior {
    /// Median, over queries, of the mean excess of a query's matches.
    pub excess: f32,
    /// Standard deviation of the logarithm of that mean between queries.
    pub between: f32,
    /// Standard deviation of the excesses of one query's matches about their mean.
    pub within: f32,
    /// Mean excess of near misses (another fruit for `apple`), as a share of that of matches.
    pub near_miss: f32,
    /// Share of the images of a library that are near misses.
    pub near_miss_rate: f32,
    /// Weight of the query's own median cosine, the rest being the null bank's: 0 to 1.
    pub own_level: f32,
    /// Weight of the query's own deviation, the rest being the null bank's: 0 to 1.
    pub own_deviation: f32,
    /// Deviation of unrelated images beside which the excesses are meant, if nothing was fitted:
    /// where they deviate more, matches are taken to stand out by as much more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_deviation: Option<f32>,
    /// Probability that a library holds what is asked for.
    pub presence: f32,
}

/// The priors of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Images asked for by text.
    pub text: MatchPrior,
    /// Images asked for by image.
    pub image: MatchPrior,
    /// Regions asked for by text; the best region of an image stands for the image.
    pub region_text: MatchPrior,
    /// Regions asked for by region.
    pub region_image: MatchPrior,
    /// Share of the cosine with the whole image that is added to the cosine with each of its
    /// regions.
    pub image_weight: f32,
    /// Share of the mean null query of text that is taken away from texts: what images score for
    /// any text.
    pub hub_share: f32,
    /// What the numbers were fitted on, for people.
    pub fitted_on: String,
}

/// What is used for a model that brings no `calibration.json`.
///
/// * `text`: the logits of SigLIP 2 So400m/16 that the notebooks of big_vision print, for 11
///   photographs and 36 texts in 19 languages: excesses of matches 0.05 to 0.33, of look-alikes 0.3
///   to 0.6 of that, deviations of unrelated images 0.01 to 0.045 by text.
/// * `region_text`: the same; no logits of regions of a published checkpoint were at hand.
/// * `image`, `region_image`: the bundled model on its demo library, in units of the deviation of
///   unrelated images.
impl Default for Calibration {
    fn default() -> Self {
        let text = MatchPrior {
            excess: 0.115,
            between: 0.3,
            within: 0.02,
            near_miss: 0.35,
            near_miss_rate: 0.03,
            own_level: 1.0,
            own_deviation: 1.0,
            usual_deviation: Some(0.03),
            presence: 0.9,
        };
        // Another image of what an image shows is nearly always there.
        let image = MatchPrior {
            presence: 0.95,
            excess: 0.35,
            between: 0.3,
            within: 0.08,
            near_miss: 0.5,
            usual_deviation: Some(0.15),
            ..text
        };
        Self {
            text,
            image,
            // The best of many regions lies far out more often than a whole image does.
            region_text: MatchPrior { presence: 0.8, ..text },
            region_image: image,
            image_weight: 0.3,
            hub_share: 1.0,
            fitted_on: "printed logits of SigLIP 2 So400m/16; scores are estimates".into(),
        }
    }
}

impl MatchPrior {
    /// The prior between this one and `other`, by the share of the other.
    pub fn towards(&self, other: &Self, share: f32) -> Self {
        let mix = |a: f32, b: f32| a + share * (b - a);
        Self {
            excess: mix(self.excess, other.excess),
            between: mix(self.between, other.between),
            within: mix(self.within, other.within),
            near_miss: mix(self.near_miss, other.near_miss),
            near_miss_rate: mix(self.near_miss_rate, other.near_miss_rate),
            own_level: mix(self.own_level, other.own_level),
            own_deviation: mix(self.own_deviation, other.own_deviation),
            usual_deviation: self.usual_deviation.zip(other.usual_deviation).map(|(a, b)| mix(a, b)),
            presence: mix(self.presence, other.presence),
        }
    }

    /// The prior with `change` added to the log odds of presence.
    pub(crate) fn with_presence_odds(&self, change: f32) -> Self {
        let odds = self.presence_log_odds() + change;
        Self { presence: 1.0 / (1.0 + (-odds).exp()), ..*self }
    }

    /// Log odds that a library holds what is asked for, before it is asked.
    pub(crate) fn presence_log_odds(&self) -> f32 {
        (self.presence / (1.0 - self.presence)).ln()
    }

    /// The prior of a query whose matches lie `gain` times as far above unrelated images.
    pub fn scaled(&self, gain: f32) -> Self {
        Self { excess: self.excess * gain, within: self.within * gain, ..*self }
    }

    /// The prior beside unrelated images of this deviation.
    pub(crate) fn beside(&self, deviation: f32) -> Self {
        let by = self.usual_deviation.map_or(1.0, |usual| (deviation / usual).max(1.0));
        Self { usual_deviation: None, ..self.scaled(by) }
    }

    /// True if every number is one that a model can have.
    pub(crate) fn is_sound(&self) -> bool {
        let positive = [self.excess, self.between, self.within];
        let shares = [self.near_miss, self.near_miss_rate, self.own_level, self.own_deviation, self.presence];
        positive.iter().all(|value| value.is_finite() && (1e-4..=10.0).contains(value))
            && shares.iter().all(|value| (0.0..=1.0).contains(value))
            && (0.01..=0.9999).contains(&self.presence)
    }
}

impl Calibration {
    /// True if every number is one that a model can have.
    pub(crate) fn is_sound(&self) -> bool {
        [self.text, self.image, self.region_text, self.region_image].iter().all(MatchPrior::is_sound)
            && (0.0..=4.0).contains(&self.image_weight)
            && (0.0..=1.0).contains(&self.hub_share)
    }
}
