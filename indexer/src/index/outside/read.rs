//! What is asked of single vectors is read from the store, which holds all of them, or, of regions
//! that moved there while they were searched here, from files.

use std::sync::Arc;

use glimpse_encoder::dot;
use rayon::prelude::*;

use super::Outside;
use super::cosine::cosine;
use super::regions::ImageRegions;
use crate::backend::Kind;
use crate::regions::RegionId;
use crate::store::keys::{self, Table};
use crate::store::records;
use crate::vectors::{Quantised, ScoredVector, Top, check_width};
use crate::{Filter, IdSet, ImageId, Index, IndexError};

/// Images that a thread reads in a row.
const AT_ONCE: usize = 256;

impl Index {
    /// The vector of an image, from the store; `None` if it has none that can be read.
    pub(super) fn stored_vector(&self, outside: &Outside, id: ImageId) -> Result<Option<Arc<Quantised>>, IndexError> {
        outside.images.get_or_read(id, || Ok(self.read_vector(id)?.map(Arc::new)))
    }

    pub(super) fn read_vector(&self, id: ImageId) -> Result<Option<Quantised>, IndexError> {
        let value = self.store.get(Table::Vectors, &keys::image(id))?;
        let dim = self.scan.dim();
        Ok(value.and_then(|value| records::decode_vector(id, dim, &value).ok().map(|vector| vector.quantised())))
    }

    /// The regions of an image, from the store or from files.
    pub(super) fn image_regions(
        &self,
        outside: &Outside,
        id: ImageId,
    ) -> Result<Option<Arc<ImageRegions>>, IndexError> {
        outside.regions.get_or_read(id, || Ok(self.read_image_regions(id)?.map(Arc::new)))
    }

    pub(super) fn read_image_regions(&self, id: ImageId) -> Result<Option<ImageRegions>, IndexError> {
        Ok(self.stored_regions(id)?.map(ImageRegions::of))
    }

    /// Cosine of a query with every image, in no order, by reading the store from end to end.
    pub(super) fn score_stored(&self, query: &[f32]) -> Result<Vec<ScoredVector>, IndexError> {
        check_width(self.scan.dim(), query.len())?;
        let length = dot(query, query).sqrt();
        let scored = self.store.par_images(Table::Vectors, |start, end| {
            let mut scored = Vec::new();
            for entry in self.store.range(Table::Vectors, start, end) {
                let (key, value) = entry?;
                let Some(id) = keys::parse_image(&key) else { continue };
                if let Ok(vector) = records::decode_vector(id, self.scan.dim(), &value) {
                    let score = cosine(query, length, &vector.quantised());
                    scored.push(ScoredVector { id: id.into(), score });
                }
            }
            Ok(scored)
        })?;
        Ok(scored.concat())
    }

    /// The `k` nearest of some images, by reading all of these: for more of them than a server
    /// gives.
    pub(super) fn scan_store(
        &self,
        of: Kind,
        query: &[f32],
        k: usize,
        images: &IdSet,
        min_area: f32,
    ) -> Result<Vec<ScoredVector>, IndexError> {
        check_width(self.scan.dim(), query.len())?;
        let length = dot(query, query).sqrt();
        let scored = |id, vector: &Quantised| ScoredVector { id, score: cosine(query, length, vector) };
        let images: Vec<ImageId> = images.iter().collect();
        let parts = images.par_chunks(AT_ONCE).map(|images| {
            let mut top = Top::new(k);
            for &id in images {
                match of {
                    Kind::Images => {
                        self.read_vector(id)?.iter().for_each(|vector| top.push(scored(id.into(), vector)));
                    }
                    Kind::Regions => {
                        let Some(ImageRegions { shapes, vectors }) = self.read_image_regions(id)? else { continue };
                        for (region, (shape, vector)) in (0..).zip(shapes.iter().zip(&vectors)) {
                            if shape.area >= min_area {
                                top.push(scored(RegionId { image: id, region }.key(), vector));
                            }
                        }
                    }
                }
            }
            Ok::<_, IndexError>(top)
        });
        let parts: Vec<Top<_>> = parts.collect::<Result<_, _>>()?;
        Ok(parts.into_iter().reduce(Top::merge).map_or(Vec::new(), Top::into_sorted))
    }

    /// A filter whose cameras are named in full, as a server compares them.
    pub(super) fn with_whole_names(&self, filter: &Filter) -> Filter {
        Filter { cameras: self.memory.read().cameras_containing(&filter.cameras), ..filter.clone() }
    }
}
