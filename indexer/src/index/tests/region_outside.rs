//! Regions whose vectors are in files alone, in a library whose vectors a server searches: it is
//! fed with them, they stay where they are, and what comes later stays in the store.

use glimpse_encoder::dot;
use glimpse_nonempty::each;

use super::kept_server::outside;
use super::region_files::*;
use crate::backend::{Kind, VectorBackend as _};
use crate::regions::RegionId;

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
