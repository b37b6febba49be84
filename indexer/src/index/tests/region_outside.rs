//! Regions whose vectors are in files alone, in a library whose vectors a server searches: it is
//! fed with them, they stay where they are, and what comes later stays in the store.

use std::collections::BTreeMap;

use glimpse_encoder::dot;
use glimpse_nonempty::each;
use parking_lot::Mutex;

use super::region_files::*;
use super::*;
use crate::backend::{Capabilities, FedBackend, Kind, Row, VectorBackend};
use crate::index::outside::Outside;
use crate::regions::RegionId;
use crate::vectors::ScoredVector;
use crate::{Among, IndexError, VectorId};

/// A server in this process, which only holds what it is fed.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<ImageId, Row>>);

impl Kept {
    fn vector(&self, of: Kind, id: VectorId) -> Option<Vec<f32>> {
        let rows = self.0.lock();
        match of {
            Kind::Images => Some(rows.get(&id.image())?.vector.clone()),
            Kind::Regions => {
                let RegionId { image, region } = RegionId::of_key(id);
                Some(rows.get(&image)?.regions.get(usize::from(region))?.1.clone())
            }
        }
    }

    fn all(&self, of: Kind) -> Vec<VectorId> {
        let rows = self.0.lock();
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
        Ok(Capabilities { name, filters: false, most_found: None, group_by_image: false, int8: false })
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
        self.0.lock().extend(rows.iter().map(|row| (row.id, row.clone())));
        Ok(())
    }

    fn delete(&self, images: &[ImageId]) -> Result<(), IndexError> {
        images.iter().for_each(|image| _ = self.0.lock().remove(image));
        Ok(())
    }

    fn flush(&self) -> Result<(), IndexError> {
        Ok(())
    }

    fn drop_all(&self) -> Result<(), IndexError> {
        self.0.lock().clear();
        Ok(())
    }
}

/// The library, with a server that has nothing yet.
fn outside(fixture: &Fixture) -> (Index, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let mut index = Index::open(&fixture.home.path().join("gen-0001"), &fixture.options).unwrap();
    let backend: Arc<dyn FedBackend> = kept.clone();
    index.outside = Some(Outside::of_test(backend));
    (index, kept)
}

#[test]
fn a_server_is_fed_with_regions_that_are_in_files_alone() {
    let fixture = closed();
    let index = fixture.open();
    let regions = index.regions().unwrap();
    let expected: Vec<(RegionId, Vec<f32>)> = regions
        .contents()
        .into_iter()
        .flat_map(|(image, regions)| (0..).zip(regions).map(move |(region, (_, vector))| (image, region, vector)))
        .map(|(image, region, vector)| (RegionId { image, region }, vector.unwrap()))
        .collect();
    assert_eq!((expected.len() as u64, parts_in_store(&index)), (3 * IMAGES, 0));
    drop((regions, index));

    let (index, kept) = outside(&fixture);
    let late = add_one(&index, 700);
    index.finish().unwrap();
    assert_eq!(kept.len(Kind::Regions).unwrap() as u64, 3 * (IMAGES + 1));
    let library = index.region_library().unwrap();
    for (id, vector) in each(&expected) {
        for found in each([kept.vector(Kind::Regions, id.key()).unwrap(), library.vector(*id).unwrap()]) {
            let length = dot(&found, &found).sqrt() * dot(vector, vector).sqrt();
            assert!(dot(&found, vector) / length > 0.999);
        }
    }
    drop(library);
    assert!(parts_in_store(&index) > 0 && index.stored_regions(late).unwrap().is_some(), "it stays in the store");
    assert_sound(&index);
    // A file that is lost is named, and nothing of what it had is given up.
    let segment = largest(&fixture);
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::remove_file(&segment).unwrap();
    index.regions.clear();
    let problems = index.verify(false).unwrap().problems;
    assert!(problems.iter().any(|problem| problem.contains("regions of 120 images")), "{problems:?}");
    index.finish().unwrap();
    std::fs::write(&segment, &bytes).unwrap();
    drop(index);

    // Back here, what came meanwhile moves to files.
    let index = fixture.open();
    assert_regions_as_stored(&index);
    (800..900).for_each(|n| _ = add_one(&index, n));
    index.finish().unwrap();
    assert_eq!(parts_in_store(&index), 0);
    assert_eq!(index.regions().unwrap().images() as u64, IMAGES + 101);
    assert_regions_as_stored(&index);
    assert_sound(&index);
}
