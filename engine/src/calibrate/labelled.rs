//! Gathers what a fit needs from a library whose images are labelled.

use std::collections::HashSet;

use glimpse_encoder::{Embedding, dot};
use glimpse_indexer::regions::{RegionId, RegionLibrary};
use glimpse_indexer::{Filter, ImageId, Index};
use rayon::prelude::*;

use super::fit::{Data, Labelled};
use super::null::Scores;
use super::vectors::{Vectors, spaced};
use super::{Calibration, MatchPrior, Modality, moved, sampled};
use crate::{Engine, EngineError};

/// Images that a fit looks at.
const IMAGES: usize = 2048;
/// Queries by image, and null queries by image.
const BY_IMAGE: usize = 120;
/// Shares of the mean null query of text that are tried, and shares of the whole image beside its
/// regions.
const HUB_SHARES: [f32; 3] = [0.0, 0.5, 1.0];
const IMAGE_WEIGHTS: [f32; 3] = [0.0, 0.3, 0.8];
/// Rounds of a fit: to compare those shares, and for the one that is chosen.
const ROUNDS: (usize, usize) = (1, 3);

/// A text, and the images of the library that show it; none if it is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledText {
    /// What is asked.
    pub text: String,
    /// What shows it.
    pub shown_by: Vec<ImageId>,
}

/// Images, their vectors, and which texts they show.
struct Gathered<'a> {
    ids: Vec<ImageId>,
    images: Vectors,
    regions: Option<&'a dyn RegionLibrary>,
    texts: Vec<(Embedding, HashSet<ImageId>)>,
    bank: &'a Vectors,
}

impl Engine {
    /// Fits the numbers that turn cosines into scores to labelled images of the library. Without
    /// regions the numbers for regions stay as they are. `progress` is called with steps done and
    /// steps in all.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] if fewer than eight texts are shown by an image; otherwise if
    /// model or index fail.
    pub fn fit_calibration(
        &self,
        texts: &[LabelledText],
        fitted_on: &str,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Calibration, EngineError> {
        let index = self.serving()?;
        let encoder = self.encoder_for(&index)?;
        let bank = self.banks.of(encoder.as_ref())?;
        let regions = index.region_library()?;
        let regions = (!regions.is_empty()).then_some(&*regions);
        let gathered = Gathered::of(&index, regions, texts, &bank, |text| self.embed_text(encoder.as_ref(), text))?;
        let known = self.calibrated(&self.asked_with(&index))?;
        let mut calibration = Calibration { fitted_on: fitted_on.to_owned(), ..known.calibration.clone() };
        let (mut done, tries) = (0, (HUB_SHARES.len() + IMAGE_WEIGHTS.len()) * Data::steps(ROUNDS.0));
        let all = tries + 4 * Data::steps(ROUNDS.1);
        let mut step = || {
            progress(done, all);
            done += 1;
        };

        let start = calibration.text;
        let images = HUB_SHARES.map(|hub_share| (hub_share, gathered.by_text(hub_share, None)));
        (calibration.hub_share, calibration.text) = best_of(images, start, &mut step)?;
        calibration.image = gathered.by_image()?.fit(calibration.image, ROUNDS.1, &mut step).0;
        if regions.is_some() {
            let start = calibration.region_text;
            let hub_share = calibration.hub_share;
            let weighted = IMAGE_WEIGHTS.map(|weight| (weight, gathered.by_text(hub_share, Some(weight))));
            (calibration.image_weight, calibration.region_text) = best_of(weighted, start, &mut step)?;
            calibration.region_image = gathered.by_region()?.fit(calibration.region_image, ROUNDS.1, &mut step).0;
        }
        progress(all, all);
        Ok(calibration)
    }
}

/// The choice whose fit is best, fitted to the end.
fn best_of<const N: usize>(
    choices: [(f32, Result<Data, EngineError>); N],
    start: MatchPrior,
    step: &mut dyn FnMut(),
) -> Result<(f32, MatchPrior), EngineError> {
    let mut best: Option<(f64, f32, MatchPrior, Data)> = None;
    for (choice, data) in choices {
        let data = data?;
        let (prior, loss) = data.fit(start, ROUNDS.0, step);
        if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
            best = Some((loss, choice, prior, data));
        }
    }
    let (_, choice, prior, data) = best.ok_or_else(|| EngineError::BadRequest("nothing to fit to".into()))?;
    Ok((choice, data.fit(prior, ROUNDS.1, step).0))
}

impl<'a> Gathered<'a> {
    fn of(
        index: &Index,
        regions: Option<&'a dyn RegionLibrary>,
        texts: &[LabelledText],
        bank: &'a Vectors,
        embed: impl Fn(&str) -> Result<Embedding, EngineError>,
    ) -> Result<Self, EngineError> {
        let shown = texts.iter().filter(|text| !text.shown_by.is_empty()).count();
        if shown < 8 {
            let reason = format!("{shown} of {} texts are shown by an image; a fit needs eight or more", texts.len());
            return Err(EngineError::BadRequest(reason));
        }
        let mut ids = sampled(index.select(&Filter::default()).iter(), IMAGES);
        ids.retain(|&id| index.vector(id).is_some() && regions.is_none_or(|regions| regions.has(id)));
        let mut images = Vectors::new(index.manifest().model.dim);
        ids.iter().filter_map(|&id| index.vector(id)).for_each(|vector| images.push(&vector));
        let embedded = texts.iter().map(|text| Ok((embed(&text.text)?, text.shown_by.iter().copied().collect())));
        Ok(Self { ids, images, regions, texts: embedded.collect::<Result<_, EngineError>>()?, bank })
    }

    /// Texts over whole images; over their regions with a share of the whole if `image_weight` is
    /// given.
    fn by_text(&self, hub_share: f32, image_weight: Option<f32>) -> Result<Data, EngineError> {
        let centre: Vec<f32> = self.bank.mean().iter().map(|value| hub_share * value).collect();
        let scores = |query: &[f32]| self.scores(query, &centre, image_weight, None);
        let bank = (0..self.bank.len()).into_par_iter().map(|j| scores(self.bank.row(j)));
        let bank = bank.collect::<Result<Vec<_>, EngineError>>()?;
        let labelled = |(query, shown_by): &(Embedding, HashSet<ImageId>)| {
            let shows = self.ids.iter().map(|id| shown_by.contains(id)).collect();
            Ok(Labelled { scores: scores(query.as_slice())?, shows })
        };
        let queries = self.texts.par_iter().map(labelled).collect::<Result<Vec<_>, EngineError>>()?;
        Ok(Data { bank, queries, usual: Modality::Text.usual(), absent: true })
    }

    /// Images over images: what shows one of the same texts is a match.
    fn by_image(&self) -> Result<Data, EngineError> {
        let none = vec![0.0; self.images.mean().len()];
        let scores = |place: usize| self.scores(self.images.row(place), &none, None, Some(place));
        let bank = spaced(self.ids.len(), BY_IMAGE).map(scores).collect::<Result<Vec<_>, EngineError>>()?;
        let labelled = |place: usize| {
            let own: Vec<_> = self.texts.iter().filter(|(_, shown_by)| shown_by.contains(&self.ids[place])).collect();
            let shows = |id: &ImageId| own.iter().any(|(_, shown_by)| shown_by.contains(id));
            let others = self.ids.iter().enumerate().filter(|(other, _)| *other != place);
            Ok(Labelled { shows: others.map(|(_, id)| shows(id)).collect(), scores: scores(place)? })
        };
        let queries = spaced(self.ids.len(), BY_IMAGE).map(labelled).collect::<Result<Vec<_>, EngineError>>()?;
        Ok(Data { bank, queries, usual: Modality::Image.usual(), absent: false })
    }

    /// Regions over regions: the one of an image that answers a text best asks for the other images
    /// that show the text.
    fn by_region(&self) -> Result<Data, EngineError> {
        let none = vec![0.0; self.images.mean().len()];
        let scores = |vector: &[f32], place: usize| self.scores(vector, &none, Some(0.0), Some(place));
        let null = |place: usize| match self.region(place, |turn, count| turn % count)? {
            Some(vector) => scores(&vector, place),
            None => Ok(Scores::default()),
        };
        let bank = spaced(self.ids.len(), BY_IMAGE).map(null).collect::<Result<Vec<_>, EngineError>>()?;
        let mut queries = Vec::new();
        let shown = self.texts.iter().filter(|(_, shown_by)| shown_by.len() > 1);
        for (text, shown_by) in shown.take(BY_IMAGE) {
            let Some(place) = self.ids.iter().position(|id| shown_by.contains(id)) else { continue };
            let Some(vector) = self.best_region(place, text.as_slice())? else { continue };
            let others = self.ids.iter().enumerate().filter(|(other, _)| *other != place);
            let shows = others.map(|(_, id)| shown_by.contains(id)).collect();
            queries.push(Labelled { scores: scores(&vector, place)?, shows });
        }
        Ok(Data { bank, queries, usual: Modality::Image.usual(), absent: false })
    }

    fn best_region(&self, place: usize, text: &[f32]) -> Result<Option<Vec<f32>>, EngineError> {
        let Some(regions) = self.regions else { return Ok(None) };
        let scored = regions.prepare(text)?.score(self.ids[place]);
        let best = scored.into_iter().max_by(|a, b| a.score.total_cmp(&b.score));
        Ok(best.and_then(|best| regions.vector(best.id)))
    }

    fn region(&self, place: usize, choose: impl Fn(usize, usize) -> usize) -> Result<Option<Vec<f32>>, EngineError> {
        let Some(regions) = self.regions else { return Ok(None) };
        let count = regions.count_of(self.ids[place]).unwrap_or(0);
        let region = (count > 0).then(|| choose(place, count) as u8);
        Ok(region.and_then(|region| regions.vector(RegionId { image: self.ids[place], region })))
    }

    /// The scores of a query over all images but one: of the whole, or of the best region and a
    /// share of the whole.
    fn scores(
        &self,
        query: &[f32],
        centre: &[f32],
        image_weight: Option<f32>,
        except: Option<usize>,
    ) -> Result<Scores, EngineError> {
        let (direction, length) = moved(query, centre);
        let prepared = match (self.regions, image_weight) {
            (Some(regions), Some(weight)) => Some((regions.prepare(&direction)?, weight)),
            _ => None,
        };
        let of_image = |place: usize| {
            let whole = dot(&direction, self.images.row(place));
            length
                * match &prepared {
                    None => whole,
                    Some((regions, weight)) => regions.best(self.ids[place]).unwrap_or(0.0) + weight * whole,
                }
        };
        let sample: Vec<f32> = (0..self.ids.len()).filter(|&place| Some(place) != except).map(of_image).collect();
        Ok(Scores { size: sample.len(), sample, top: Vec::new() })
    }
}
