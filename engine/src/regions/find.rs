//! `find`: what images of the library show, and where.

use std::sync::Arc;
use std::time::Duration;

use glimpse_encoder::{Embedding, Encode};
use glimpse_indexer::regions::RegionLibrary;
use glimpse_indexer::{Filter, ImageId, Index};

use super::candidates::candidates;
use super::close_look::PlaceScores;
use super::constants::{EVERYWHERE, FAINT, FEW};
use super::found::FoundSet;
use super::judge::{is_counted, together};
use super::query::{FindPage, FindQuery, FoundImage, Target};
use super::refine::BoxRefiner;
use super::scale::{Library, QueryScorer};
use super::search::{Prepared, Search};
use super::structured_query::QueryObject;
use super::together::Together;
use crate::best_frame::{Best, by_video, frame_hit};
use crate::calibrate::CUT;
use crate::control::ActiveQuery;
use crate::query::Position;
use crate::search::order;
use crate::served::Served;
use crate::{Cancel, Depth, Engine, EngineError, Heatmap, Source, Strength};

/// What was found at or above the cut.
struct Found {
    /// In no order.
    images: Vec<FoundImage>,
    together: Together,
}

/// How long a question waits for another one that reads the regions.
const READING: Duration = Duration::from_secs(1);

impl Engine {
    /// Images that show what was asked, and where.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] for a query that makes no sense, or a library without regions;
    /// otherwise if model or store fail, or the question is given up ([`Cancel`]).
    pub fn find(&self, query: &FindQuery) -> Result<FindPage, EngineError> {
        query.validate()?;
        let _active = ActiveQuery::begin(&self.active_queries);
        let index = self.serving()?;
        let position = query.cursor.as_ref().map(Position::of).transpose()?;
        let digest = query.digest();
        if position.is_some_and(|position| position.digest != digest) {
            return Err(EngineError::BadRequest(
                "this cursor belongs to another query; send the same query with it".into(),
            ));
        }
        let name = name(digest, &index);
        let known = |name: u64| index.finds.get(name, digest).map(|set| (name, set));
        let (number, set) = match position.and_then(|position| known(position.set)).or_else(|| known(name)) {
            Some(known) => known,
            None => {
                let set = Arc::new(self.answer_find(&index, query, digest)?);
                index.finds.insert(name, &set);
                (name, set)
            }
        };
        let rank = position.map_or(0, |position| position.rank as usize);
        let end = (rank + query.limit).min(set.images.len());
        let mut images = set.images.get(rank..end).unwrap_or_default().to_vec();
        if query.fine {
            self.look_closer_at_all(&index, query, &set.scorers, &mut images)?;
        }
        let next = Position { set: number, digest, rank: u32::try_from(end).unwrap_or(u32::MAX) };
        Ok(FindPage {
            images,
            accepted: set.accepted,
            strong: set.strong,
            weaker: set.weaker,
            nothing_particular: set.nothing_particular,
            next: (end < set.images.len()).then(|| next.to_cursor()),
            searched: set.searched,
            without_regions: set.without_regions,
        })
    }

    fn look_closer_at_all(
        &self,
        index: &Served,
        query: &FindQuery,
        scorers: &[QueryScorer],
        images: &mut [FoundImage],
    ) -> Result<(), EngineError> {
        let encoder = self.encoder_for(index)?;
        let (things, relations) = query.structured_parts();
        let profile = self.profile_of(index, encoder.as_ref())?;
        let refiner = BoxRefiner { encoder: encoder.as_ref(), profile: &profile, things, relations, scorers };
        let cancel = Cancel::current();
        for image in images {
            cancel.check()?;
            self.refine_boxes(&refiner, image)?;
        }
        Ok(())
    }

    /// How much every place of an image of the library shows of a text.
    ///
    /// # Errors
    /// If the image cannot be read, or model or store fail.
    pub fn heatmap(&self, id: ImageId, text: &str) -> Result<Heatmap, EngineError> {
        let _active = ActiveQuery::begin(&self.active_queries);
        let index = self.serving()?;
        let encoder = self.encoder_for(&index)?;
        let regions = self.regions_of(&index)?;
        let scorer = self.scorer(&index, &*regions, encoder.as_ref(), text)?;
        let profile = self.profile_of(&index, encoder.as_ref())?;
        let bytes = self.original_bytes(id)?;
        let dense = self.dense_features(encoder.as_ref(), &bytes, &profile)?;
        let pixels = self.look_closer(encoder.as_ref(), &bytes, &profile)?;
        Ok(PlaceScores::of(&pixels, &scorer).heatmap(&dense.embedding))
    }

    fn answer_find(&self, index: &Served, query: &FindQuery, digest: u64) -> Result<FoundSet, EngineError> {
        let regions = self.regions_of(index)?;
        let mut allowed = self.selected(index, &query.filter)?;
        let encoder = self.encoder_for(index)?;
        let encoder = encoder.as_ref();
        let (things, scorers, without) = match &query.target {
            Target::Structured(form) => {
                let of = |text: &str| self.scorer(index, &*regions, encoder, text);
                let scorers = form.things.iter().map(|thing| of(&thing.text)).collect::<Result<Vec<_>, _>>()?;
                let without = form.without.iter().map(|text| of(text)).collect::<Result<Vec<_>, _>>()?;
                (form.things.clone(), scorers, without)
            }
            Target::Example(example) => {
                if let Source::Image(id) = example.image {
                    allowed.remove(index.video_of(id));
                }
                let dense = self.dense_features_of(encoder, &example.image, &self.profile_of(index, encoder)?)?;
                let vector = dense.vector_of(&example.rect, encoder)?;
                let background = index.region_calibrator.background(index, &*regions);
                let of = if let Source::Image(id) = example.image { Some(id) } else { None };
                let known = self.calibrated(&self.asked_with(index))?;
                let library = Library { index, regions: &*regions };
                let area = example.rect.area();
                let scorer = background.example(library, &vector, area, of, &known.calibration)?;
                (vec![QueryObject::named("")], vec![scorer], Vec::new())
            }
        };
        let with_regions = regions.images_among(&allowed);
        let without_regions = allowed.len() - with_regions;
        // Frames are looked at, videos are found.
        let search = Search { index, regions, query, allowed: index.with_frames(&allowed) };
        let prepared = search.prepare(&things, &scorers, &without)?;
        let Found { mut images, together } = search.images(&prepared)?;
        images.sort_by(FoundImage::by_score);
        let is_example = matches!(query.target, Target::Example(_));
        let nothing_particular = is_example
            && is_most(images.len(), with_regions)
            && (search.is_everything() && with_regions >= FEW || search.is_like_most_of_all(&prepared)?);
        if nothing_particular {
            images.iter_mut().for_each(FoundImage::fall_below);
            images.truncate(query.depth.weaker(0));
        }
        let accepted = if nothing_particular { 0 } else { images.len() };
        let most = query.depth.weaker(accepted).saturating_sub(images.len() - accepted);
        images.extend(search.closest(&prepared, &together, &images, most)?);
        drop(prepared); // it holds on to what is given back
        let (mut images, accepted, best) = by_video(index, images, accepted, |image| &mut image.id);
        let strong = images[..accepted].partition_point(|image| image.strength == Strength::Strong);
        for image in &mut images {
            image.frame = best
                .get(&image.id)
                .and_then(|&Best { frame, matching }| frame_hit(index, Best { frame, matching: matching.max(1) }));
        }
        let (above, below) = images.split_at_mut(accepted);
        [above, below]
            .into_iter()
            .for_each(|images| order(index, images, (query.sort, &query.filter), |image| image.id));
        let weaker = match query.depth {
            Depth::All => Some(images.len() - accepted),
            _ => without
                .is_empty()
                .then(|| search.regions.images_with(&allowed, query.min_area).saturating_sub(accepted)),
        };
        let searched = with_regions;
        Ok(FoundSet {
            digest,
            images,
            accepted,
            strong,
            weaker,
            nothing_particular,
            searched,
            without_regions,
            scorers,
        })
    }

    /// The regions of a library that has some. The first question reads them, which takes long
    /// where there are many, or while they are being linked; others do not wait for it.
    ///
    /// # Errors
    /// [`EngineError::ReadingRegions`] while another thread reads them, [`EngineError::BadRequest`]
    /// if there are none.
    pub(crate) fn regions_of<'i>(&self, index: &'i Served) -> Result<Arc<dyn RegionLibrary + 'i>, EngineError> {
        let regions = match index.region_library_if_read() {
            Some(regions) => regions,
            None => {
                let _reading = index.reading.try_lock_for(READING).ok_or(EngineError::ReadingRegions)?;
                index.region_library()?
            }
        };
        if regions.is_empty() && !index.is_empty() {
            return Err(no_regions());
        }
        Ok(regions)
    }

    /// What a text's cosines mean in this library.
    pub(super) fn scorer(
        &self,
        index: &Served,
        regions: &dyn RegionLibrary,
        encoder: &dyn Encode,
        text: &str,
    ) -> Result<QueryScorer, EngineError> {
        self.scorer_of(index, regions, encoder, &self.embed_text(encoder, text)?)
    }

    /// What the cosines of a text's vector mean in this library.
    pub(crate) fn scorer_of(
        &self,
        index: &Served,
        regions: &dyn RegionLibrary,
        encoder: &dyn Encode,
        vector: &Embedding,
    ) -> Result<QueryScorer, EngineError> {
        let background = index.region_calibrator.background(index, regions);
        let bank = self.banks.of(encoder)?;
        let known = self.calibrated(&self.asked_with(index))?;
        background.text(Library { index, regions }, vector, &bank, &known.calibration)
    }

    pub(crate) fn embed_text(&self, encoder: &dyn Encode, text: &str) -> Result<Embedding, EngineError> {
        self.texts.embed(encoder, &[text.trim()])?.pop().ok_or_else(|| EngineError::BadRequest("no text".into()))
    }
}

fn name(digest: u64, index: &Index) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("glimpse find set, version 1");
    hasher.update(&digest.to_le_bytes()).update(&index.revision().to_le_bytes());
    hasher.update(&index.region_tag_changes().to_le_bytes());
    hasher.update(index.dir().as_os_str().as_encoded_bytes());
    u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default())
}

/// True if so many of all images are like an example that nothing in it tells one from another.
fn is_most(found: usize, all: usize) -> bool {
    found as f32 > EVERYWHERE * all as f32
}

impl Search<'_> {
    /// True if no image is left out but that of an example.
    fn is_everything(&self) -> bool {
        self.allowed.len() + 1 >= self.index.searchable()
    }

    /// True if an example is like most images of the library, whatever the filter leaves of them:
    /// in a folder of zebras, most images are rightly like a zebra.
    fn is_like_most_of_all(&self, example: &Prepared<'_>) -> Result<bool, EngineError> {
        let allowed = self.index.select(&Filter::default());
        let whole = Search { index: self.index, regions: Arc::clone(&self.regions), query: self.query, allowed };
        let all = whole.regions.images_among(&whole.allowed);
        Ok(all >= FEW && is_most(whole.images(example)?.images.len(), all))
    }

    /// Images that fulfil the form, and how its things come together.
    fn images(&self, prepared: &Prepared<'_>) -> Result<Found, EngineError> {
        let Prepared { things, scorers, .. } = *prepared;
        // Several weak boxes may make a likely image.
        let is_one = things.len() == 1 && !is_counted(&things[0]);
        let ids = candidates(&prepared.nearest, scorers, if is_one { CUT } else { FAINT })?;
        let judged = self.judge_all(ids, prepared)?;
        let together = together(things, scorers, judged.iter().map(|(_, judged)| judged));
        let scored = judged.into_iter().map(|(id, judged)| (id, judged.score(&together), judged.boxes));
        let found = scored.filter(|(_, score, _)| *score >= CUT).map(|(id, score, boxes)| FoundImage {
            id,
            score,
            strength: Strength::of(score),
            boxes,
            refined: false,
            frame: None,
        });
        Ok(Found { images: found.collect(), together })
    }
}

/// What a library that was indexed without regions says.
pub(crate) fn no_regions() -> EngineError {
    EngineError::BadRequest(
        "this library was indexed without regions; run `glimpse index --regions FOLDER` once".into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_of_all_images_is_most() {
        assert_eq!([0, 196, 197, 392].map(|found| is_most(found, 392)), [false, false, true, true]);
    }
}
