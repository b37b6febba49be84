//! Vectors that a server searches and the store holds.

use super::Outside;
use crate::backend::{Capabilities, Kind, VectorBackend};
use crate::regions::RegionId;
use crate::vectors::{ScoredVector, check_width};
use crate::{Among, IdSet, Index, IndexError, VectorId};

/// More than is asked for, in place of images that are gone and that the server was not told of.
const SPARE: usize = 16;
/// Regions that are read where it is not known whether a server came short.
const LOOKED_THROUGH: usize = 16_384;

pub(super) struct There<'a> {
    pub index: &'a Index,
    pub outside: &'a Outside,
}

impl There<'_> {
    /// True if more than were found may be there, and looking is worth the time.
    fn may_lack(&self, of: Kind, images: &IdSet, found: usize, min_area: f32) -> bool {
        if of == Kind::Images {
            return found < images.len();
        }
        let counts = self.outside.counts.read();
        let regions = |id| counts.get(id).map_or(0, |count| usize::from(count.regions));
        let most: usize = images.iter().map(regions).sum();
        // How many of them are large is not known here.
        found < most && (min_area <= 0.0 || most <= LOOKED_THROUGH)
    }
}

impl VectorBackend for There<'_> {
    fn capabilities(&self) -> Result<Capabilities, IndexError> {
        self.outside.backend.capabilities()
    }

    fn len(&self, of: Kind) -> Result<usize, IndexError> {
        self.outside.backend.len(of)
    }

    fn search(&self, of: Kind, query: &[f32], k: usize, among: &Among<'_>) -> Result<Vec<ScoredVector>, IndexError> {
        check_width(self.index.scan.dim(), query.len())?;
        let findable = self.index.findable();
        let allowed = among.images.map(|images| images.intersection(&findable));
        // Nothing is left out: then nothing needs to be said of it.
        let allowed = allowed.filter(|allowed| allowed.len() < findable.len());
        let Capabilities { filters, most_found, .. } = self.capabilities()?;
        let most = most_found.unwrap_or(usize::MAX);
        self.index.feed_if_behind(self.outside)?;
        if k > most {
            return self.index.scan_store(of, query, k, allowed.as_ref().unwrap_or(&findable), among.min_area);
        }
        let filter =
            among.filter.filter(|_| filters && allowed.is_some()).map(|filter| self.index.with_whole_names(filter));
        let asked = Among { images: allowed.as_ref(), filter: filter.as_ref(), min_area: among.min_area };
        let mut found = self.outside.backend.search(of, query, (k + SPARE).min(most), &asked)?;
        found.retain(|scored| findable.contains(of.image_of(scored.id)));
        found.truncate(k);
        let searched = allowed.as_ref().unwrap_or(&findable);
        // Who asks a graph for nearly all gets fewer than there are, and one that is behind has
        // fewer.
        match found.len() < k && self.may_lack(of, searched, found.len(), among.min_area) {
            true => self.index.scan_store(of, query, k, searched, among.min_area),
            false => Ok(found),
        }
    }

    fn vectors(&self, of: Kind, ids: &[VectorId]) -> Result<Vec<Option<Vec<f32>>>, IndexError> {
        let vector = |&id: &VectorId| match of {
            Kind::Images => self.index.stored_vector(self.outside, id.image()).map(|vector| Some(vector?.decode())),
            Kind::Regions => {
                let RegionId { image, region } = RegionId::of_key(id);
                Ok(self.index.image_regions(self.outside, image)?.and_then(|regions| regions.vector(region)))
            }
        };
        ids.iter().map(vector).collect()
    }

    fn ids(&self, of: Kind, after: Option<VectorId>, count: usize) -> Result<Vec<VectorId>, IndexError> {
        self.outside.backend.ids(of, after, count)
    }
}
