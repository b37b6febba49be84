//! Regions are written with their image, go with it, and are missed by nobody who has none.

use glimpse_encoder::dense::Regions;
use glimpse_nonempty::Every as _;

use super::damage::{flipped, mend, tamper};
use super::*;
use crate::regions::RegionId;
use crate::regions::format::tests::halves;
use crate::store::keys::{self, Table};

/// Regions of which the left half belongs to content `left` and the right half to content `right`.
fn regions(left: u8, right: u8) -> Regions {
    halves(2, 4, &vector(left), &vector(right))
}

fn add_with(index: &Index, n: u8, shown: [u8; 2], path: &str) -> ImageId {
    index.add_with_regions(image(n), &vector(n), &regions(shown[0], shown[1]), file(path)).unwrap()
}

/// The region that is nearest to content `n`.
fn nearest(index: &Index, n: u8) -> RegionId {
    index.regions().unwrap().nearest(&vector(n), 1, None).unwrap()[0].id
}

#[test]
fn regions_are_found_at_once_and_after_reopening() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let first = add_with(&index, 1, [11, 12], "/p/1.jpg");
    let early = RegionId { image: first, region: 1 };
    assert_eq!(nearest(&index, 12), early, "read from the store");
    let second = add_with(&index, 2, [21, 22], "/p/2.jpg");
    let late = RegionId { image: second, region: 0 };
    assert_eq!(nearest(&index, 21), late, "added to what was read");
    index.commit().unwrap();
    drop(index);
    let index = fixture.open();
    assert_eq!((nearest(&index, 12), nearest(&index, 21)), (early, late));
    let map = index.region_map(second).unwrap().unwrap();
    let shapes = index.regions().unwrap().shapes(second).unwrap();
    assert!((0..map.len()).every(|region| shapes[region].rect == map.rect(region)));
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn regions_go_with_their_image_and_are_replaced_whole() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let ids = [1, 2].map(|n| add_with(&index, n, [10 * n + 1, 10 * n + 2], &format!("/p/{n}.jpg")));
    assert_eq!(index.regions().unwrap().len(), 6);
    index.remove_file(Path::new("/p/1.jpg")).unwrap();
    assert!(!index.has_regions(ids[0]).unwrap());
    let revision = index.revision();
    index.put_regions(ids[1], &regions(31, 32)).unwrap();
    assert!(index.revision() > revision, "answers about regions change");
    assert_eq!(index.regions().unwrap().len(), 3);
    assert_eq!(nearest(&index, 31), RegionId { image: ids[1], region: 0 });
    index.finish().unwrap();
    drop(index);
    let index = fixture.open();
    assert_eq!((index.regions().unwrap().len(), index.regions().unwrap().images()), (3, 1));
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn an_image_without_regions_is_as_good_as_ever() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/p/1.jpg");
    assert!(!index.has_regions(id).unwrap() && index.region_map(id).unwrap().is_none());
    assert!(index.regions().unwrap().is_empty());
    assert_eq!(found(&index, 1, 1), [id]);
    index.put_regions(id, &regions(11, 12)).unwrap();
    assert_eq!(nearest(&index, 11).image, id);
}

#[test]
fn what_does_not_fit_is_refused() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/p/1.jpg");
    let narrow = halves(2, 2, &[1.0, 0.0], &[0.0, 1.0]);
    assert!(matches!(index.put_regions(id, &narrow), Err(crate::IndexError::WrongDimension { .. })));
    let nobody = ImageId(77);
    assert!(matches!(index.put_regions(nobody, &regions(1, 2)), Err(crate::IndexError::NoSuchImage(_))));
    assert!(!index.has_regions(id).unwrap() && !index.has_regions(nobody).unwrap());
}

#[test]
fn damaged_regions_cost_only_themselves() {
    for part in [0, 1] {
        let fixture = Fixture::new();
        let index = fixture.open();
        let ids = [1, 2].map(|n| add_with(&index, n, [10 * n + 1, 10 * n + 2], &format!("/p/{n}.jpg")));
        index.finish().unwrap();
        drop(index);
        tamper(&fixture, |store, batch| {
            let key = keys::region(ids[0], part);
            batch.put(Table::Regions, &key, flipped(store, Table::Regions, &key));
        });
        let index = fixture.open();
        assert_eq!((index.regions().unwrap().len(), index.len()), (3, 2));
        assert_eq!(nearest(&index, 21).image, ids[1]);
        drop(index);
        let problems = mend(&fixture);
        assert_eq!(problems, [format!("the regions of image {} are damaged (its checksum does not match)", ids[0])]);
        let index = fixture.open();
        assert!(!index.has_regions(ids[0]).unwrap() && index.len() == 2, "the image stays");
    }
}

#[test]
fn regions_of_nobody_are_removed() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add_with(&index, 1, [11, 12], "/p/1.jpg");
    index.finish().unwrap();
    drop(index);
    tamper(&fixture, |_, batch| batch.remove(Table::Vectors, &keys::image(id)));
    let problems = mend(&fixture);
    assert!(problems.iter().any(|problem| problem.contains("has no vector")), "{problems:?}");
    assert!(!fixture.open().has_regions(id).unwrap());
}
