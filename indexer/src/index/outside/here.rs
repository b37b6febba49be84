//! Vectors in this process: an exact scan or a graph, and files of regions. They take part in the
//! transactions of the store, so nobody has to feed them.

use std::sync::Arc;

use crate::backend::{Capabilities, Kind, VectorBackend};
use crate::regions::RegionId;
use crate::vectors::{ScoredVector, VectorIndex};
use crate::{Among, Index, IndexError, VectorId};

/// The vectors that an index has in memory and in mapped files.
pub struct Here<'a> {
    pub(super) index: &'a Index,
}

impl VectorBackend for Here<'_> {
    fn capabilities(&self) -> Result<Capabilities, IndexError> {
        Ok(Capabilities { name: "this process".to_owned(), filters: false, most_found: None })
    }

    fn len(&self, of: Kind) -> Result<usize, IndexError> {
        Ok(match of {
            Kind::Images => self.index.scan.len(),
            Kind::Regions => self.index.regions()?.len(),
        })
    }

    fn search(&self, of: Kind, query: &[f32], k: usize, among: &Among<'_>) -> Result<Vec<ScoredVector>, IndexError> {
        match of {
            Kind::Images => self.nearest_images(query, k, among),
            Kind::Regions => {
                let regions = self.index.regions()?;
                let findable = self.index.findable();
                let allowed = among.images.map(|images| images.intersection(&findable));
                let allowed = allowed.as_ref().unwrap_or(&findable);
                let among = regions.select(Some(allowed), among.min_area);
                let found = regions.nearest(query, k, among.as_ref())?;
                Ok(found.into_iter().map(|found| ScoredVector { id: found.id.key(), score: found.score }).collect())
            }
        }
    }

    fn vectors(&self, of: Kind, ids: &[VectorId]) -> Result<Vec<Option<Vec<f32>>>, IndexError> {
        Ok(match of {
            Kind::Images => ids.iter().map(|&id| Some(self.index.scan.get(id)?.decode())).collect(),
            Kind::Regions => {
                let regions = self.index.regions()?;
                ids.iter().map(|&id| regions.vector(RegionId::of_key(id))).collect()
            }
        })
    }

    fn scores(&self, of: Kind, query: &[f32], ids: &[VectorId]) -> Result<Vec<ScoredVector>, IndexError> {
        match of {
            Kind::Images => self.index.scan.score_these(query, ids.iter().copied()),
            Kind::Regions => {
                let regions = self.index.regions()?;
                let query = regions.prepare(query)?;
                let score = |&id: &VectorId| {
                    let id = RegionId::of_key(id);
                    let scored = query.score(id.image).into_iter().find(|scored| scored.id == id)?;
                    Some(ScoredVector { id: id.key(), score: scored.score })
                };
                Ok(ids.iter().filter_map(score).collect())
            }
        }
    }

    fn ids(&self, of: Kind, after: Option<VectorId>, count: usize) -> Result<Vec<VectorId>, IndexError> {
        let mut ids: Vec<VectorId> = match of {
            Kind::Images => self.index.scan.ids(),
            Kind::Regions => {
                let regions = self.index.regions()?;
                let of_image = |image| {
                    let regions = regions.count_of(image).unwrap_or(0);
                    (0..regions as u8).map(move |region| RegionId { image, region }.key())
                };
                self.index.facts().ids().flat_map(of_image).collect()
            }
        };
        ids.retain(|&id| after.is_none_or(|after| id > after));
        ids.sort_unstable();
        ids.truncate(count);
        Ok(ids)
    }
}

impl Here<'_> {
    fn nearest_images(&self, query: &[f32], k: usize, among: &Among<'_>) -> Result<Vec<ScoredVector>, IndexError> {
        let findable = self.index.findable();
        let allowed = among.images.map(|allowed| allowed.intersection(&findable)).map_or(findable, Arc::new);
        // A scan of all is faster than a scan of a set that happens to hold all.
        let allowed = (allowed.len() < self.index.scan.len()).then(|| allowed.vectors());
        match self.index.graph.get() {
            // The graph itself knows when a scan is better: few vectors, a narrow filter, many
            // results.
            Some(graph) => graph.search(query, k, allowed.as_ref()),
            None => self.index.scan.search(query, k, allowed.as_ref()),
        }
    }
}
