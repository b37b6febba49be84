//! A library whose vectors a server in this process holds, in place of one of Milvus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use parking_lot::Mutex;

use super::*;
use crate::backend::{Capabilities, FedBackend, Kind, Row, VectorBackend};
use crate::index::outside::Outside;
use crate::regions::RegionId;
use crate::vectors::ScoredVector;
use crate::{Among, IndexError, VectorId};

/// A server in this process, which only holds what it is fed.
#[derive(Default)]
pub(super) struct Kept {
    rows: Mutex<BTreeMap<ImageId, Row>>,
    /// It takes nothing, and answers all the same.
    pub is_full: AtomicBool,
}

impl Kept {
    pub fn vector(&self, of: Kind, id: VectorId) -> Option<Vec<f32>> {
        let rows = self.rows.lock();
        match of {
            Kind::Images => Some(rows.get(&id.image())?.vector.clone()),
            Kind::Regions => {
                let RegionId { image, region } = RegionId::of_key(id);
                Some(rows.get(&image)?.regions.get(usize::from(region))?.1.clone())
            }
        }
    }

    fn all(&self, of: Kind) -> Vec<VectorId> {
        let rows = self.rows.lock();
        let of_image = |(&image, row): (&ImageId, &Row)| match of {
            Kind::Images => vec![image.into()],
            Kind::Regions => (0..row.regions.len() as u8).map(|region| RegionId { image, region }.key()).collect(),
        };
        rows.iter().flat_map(of_image).collect()
    }
}

impl VectorBackend for Kept {
    fn capabilities(&self) -> Result<Capabilities, IndexError> {
        let name = "a server in this process".to_owned();
        Ok(Capabilities { name, filters: false, most_found: None })
    }

    fn len(&self, of: Kind) -> Result<usize, IndexError> {
        Ok(self.all(of).len())
    }

    fn search(&self, of: Kind, query: &[f32], k: usize, _: &Among<'_>) -> Result<Vec<ScoredVector>, IndexError> {
        let mut scored = self.scores(of, query, &self.all(of))?;
        scored.sort_by(|a, b| b.score.total_cmp(&a.score));
        scored.truncate(k);
        Ok(scored)
    }

    fn vectors(&self, of: Kind, ids: &[VectorId]) -> Result<Vec<Option<Vec<f32>>>, IndexError> {
        Ok(ids.iter().map(|&id| self.vector(of, id)).collect())
    }

    fn ids(&self, of: Kind, after: Option<VectorId>, count: usize) -> Result<Vec<VectorId>, IndexError> {
        let later = self.all(of).into_iter().filter(|&id| after.is_none_or(|after| id > after));
        Ok(later.take(count).collect())
    }
}

impl FedBackend for Kept {
    fn prepare(&self) -> Result<bool, IndexError> {
        Ok(false)
    }

    fn upsert(&self, rows: &[Row]) -> Result<(), IndexError> {
        if self.is_full.load(Relaxed) {
            let reason = "no space left there".to_owned();
            return Err(IndexError::Vectors { url: "http://127.0.0.1".to_owned(), reason });
        }
        let ids: BTreeSet<ImageId> = rows.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), rows.len(), "Milvus keeps both of two rows with one number");
        self.rows.lock().extend(rows.iter().map(|row| (row.id, row.clone())));
        Ok(())
    }

    fn delete(&self, images: &[ImageId]) -> Result<(), IndexError> {
        images.iter().for_each(|image| _ = self.rows.lock().remove(image));
        Ok(())
    }

    fn flush(&self) -> Result<(), IndexError> {
        Ok(())
    }

    fn drop_all(&self) -> Result<(), IndexError> {
        self.rows.lock().clear();
        Ok(())
    }
}

/// The library, with a server that has nothing yet.
pub(super) fn outside(fixture: &Fixture) -> (Index, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let mut index = Index::open(&fixture.home.path().join("gen-0001"), &fixture.options).unwrap();
    let backend: Arc<dyn FedBackend> = kept.clone();
    index.outside = Some(Outside::of_test(backend));
    (index, kept)
}
