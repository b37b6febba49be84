//! Vectors of regions that are in files alone: none is lost on the way there, whatever happens to
//! the process, and what happens to files or store costs what was hit.

use glimpse_nonempty::{Every as _, each};

use super::damage::{flipped, tamper};
use super::power::{BLOCK, changed_blocks, log};
use super::region_files::*;
use super::rot::copy_all;
use super::*;
use crate::fault::fail_at;
use crate::regions::format::Stored;
use crate::regions::format::tests::halves;
use crate::store::keys::{self, Table, meta};
use crate::store::region_cells::CellsEntry;
use crate::vectors::Quantised;

/// True if an image has the regions that image `n` was added with.
fn is_there(index: &Index, id: ImageId, n: u64) -> bool {
    let expected = Stored::of(&halves(2, 4, &half(n, 0), &half(n, 1))).unwrap();
    let Some(stored) = index.stored_regions(id).unwrap() else { return false };
    let cosine = |(a, b): (&Quantised, &Quantised)| a.decode().iter().zip(b.decode()).map(|(a, b)| a * b).sum::<f32>();
    stored.map == expected.map && stored.vectors.iter().zip(&expected.vectors).every(|pair| cosine(pair) > 0.998)
}

/// All images have the regions that they were added with, and say so in every way.
fn assert_all_there(index: &Index) {
    for n in each(0..IMAGES) {
        let id = index.file(&path(n)).unwrap().unwrap().image;
        assert!(is_there(index, id, n), "image {n}");
        assert!(index.has_regions(id).unwrap());
    }
    assert_regions_as_stored(index);
    assert_sound(index);
}

#[test]
fn vectors_are_in_files_alone_and_are_what_they_were() {
    let fixture = closed();
    let index = fixture.open();
    assert_eq!(parts_in_store(&index), 0);
    assert_eq!(index.manifest().format, 4, "older programs would take them for lost");
    assert_all_there(&index);
    // Into other cells, and into other segments.
    (IMAGES..4 * IMAGES).for_each(|n| _ = add_one(&index, n));
    index.finish().unwrap();
    (4 * IMAGES..4 * IMAGES + 30).for_each(|n| _ = add_one(&index, n));
    index.finish().unwrap();
    assert_eq!(parts_in_store(&index), 0);
    assert_all_there(&index);
}

#[test]
fn a_run_that_adds_very_many_does_not_keep_them_in_the_store() {
    let fixture = fixture();
    let index = fixture.open();
    for n in 0..900 {
        add_one(&index, n);
        if n % 50 == 49 {
            index.commit().unwrap();
            assert!(parts_in_store(&index) <= 350);
        }
    }
    assert!(has_files(&index));
    assert_all_there(&index);
}

#[test]
fn a_run_that_fails_anywhere_while_vectors_move_loses_none() {
    let mut failures = 0;
    for point in each(0..) {
        let fixture = fixture();
        let index = fixture.open();
        (0..IMAGES).for_each(|n| _ = add_one(&index, n));
        index.commit().unwrap();
        let (failed, done) = fail_at(point, || index.finish());
        drop(index);
        let index = fixture.open();
        assert_all_there(&index);
        index.finish().unwrap();
        assert_all_there(&index);
        assert_eq!(parts_in_store(&index), 0, "the next run goes on");
        if !failed {
            done.unwrap();
            break;
        }
        failures += 1;
    }
    assert!(failures > 20, "{failures}");
}

#[test]
fn whatever_a_power_cut_leaves_of_the_log_no_vector_is_lost() {
    let fixture = fixture();
    let copy = || {
        let copy = tempfile::tempdir().unwrap();
        copy_all(fixture.home.path(), copy.path());
        copy
    };
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    index.commit().unwrap();
    let before = copy();
    index.finish().unwrap();
    let after = copy();
    drop(index);
    let [old, new] = [&before, &after].map(|copy| std::fs::read(log(copy.path())).unwrap());
    let blocks = changed_blocks(&old, &new);
    let mut cuts = 0;
    for (kept, torn) in each((0..blocks.len()).flat_map(|kept| [(kept, 0), (kept, 100), (kept, 1100), (kept, 3000)])) {
        let mut bytes = old.clone();
        bytes.resize(new.len().max(old.len()), 0);
        for (turn, &at) in blocks[..=kept].iter().enumerate() {
            let end = new.len().min(at + if turn < kept { BLOCK } else { torn });
            bytes[at..end].copy_from_slice(&new[at..end]);
        }
        let home = tempfile::tempdir().unwrap();
        copy_all(before.path(), home.path());
        // Files are synced before the store names them.
        copy_all(&folder_in(after.path()), &folder_in(home.path()));
        std::fs::write(log(home.path()), bytes).unwrap();
        let fixture = Fixture { home, ..super::region_files::fixture() };
        let index = fixture.library().open().unwrap_or_else(|error| panic!("{kept} blocks: {error}"));
        assert_all_there(&index);
        index.finish().unwrap();
        assert_all_there(&index);
        cuts += 1;
    }
    assert!(cuts >= 8, "{cuts}");
}

fn folder_in(home: &Path) -> std::path::PathBuf {
    home.join("gen-0001/region-cells")
}

#[test]
fn a_library_of_before_moves_its_vectors_when_files_are_written_next() {
    let mut fixture = fixture();
    fixture.options.regions_from = usize::MAX;
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    index.finish().unwrap();
    assert!(!has_files(&index));
    index.put_manifest(crate::Manifest { format: 3, ..index.manifest() }).unwrap();
    let manifest = crate::snapshot::SnapshotManifest::of(b"a file of format 1");
    let entry = CellsEntry {
        format: 1,
        revision: index.revision(),
        moved: 0,
        trained: 9,
        centroids: manifest,
        segments: Vec::new(),
    };
    index.store.put_region_cells(&entry).unwrap();
    drop(index);
    fixture.options.regions_from = 60;
    let index = fixture.open();
    assert_all_there(&index);
    index.finish().unwrap();
    assert!(has_files(&index) && parts_in_store(&index) == 0);
    assert_eq!(index.manifest().format, 4);
    assert_all_there(&index);
}

#[test]
fn a_segment_that_cannot_be_read_costs_its_images_until_it_is_back() {
    let fixture = closed();
    let segment = largest(&fixture);
    let bytes = std::fs::read(&segment).unwrap();
    let last = bytes.len() - 1;
    let odd = [bytes[..last].to_vec(), bytes[..last / 2].to_vec(), Vec::new(), [&bytes[..], b" "].concat()];
    for odd in each(odd.into_iter().map(Some).chain([None])) {
        std::fs::remove_file(&segment).unwrap();
        odd.iter().for_each(|odd| std::fs::write(&segment, odd).unwrap());
        let index = fixture.open();
        assert_eq!(index.regions().unwrap().len(), 0);
        assert_regions_as_stored(&index);
        let problems = index.verify(false).unwrap().problems;
        assert!(problems[0].contains("a file of regions cannot be read"), "{problems:?}");
        assert!(problems[0].contains("; the regions of 120 images (0, 1,"), "{problems:?}");
        index.finish().unwrap();
        let search = index.stats().unwrap().search;
        assert!(search.contains("the regions of 120 images are in files that cannot be read"), "{search}");
        drop(index);
        let _ = std::fs::remove_file(&segment);
        std::fs::write(&segment, &bytes).unwrap();
        let index = fixture.open();
        assert_all_there(&index);
        index.finish().unwrap();
        assert_all_there(&index);
        assert!(segment.exists(), "nothing was given up meanwhile");
    }
    // Given up when that is asked for; what comes later comes as ever.
    std::fs::remove_file(&segment).unwrap();
    let index = fixture.open();
    let report = index.verify(true).unwrap();
    assert!(report.repaired[0].contains("without those of 120 images"), "{report:?}");
    assert!(!index.any_regions().unwrap() && index.len() as u64 == IMAGES, "the images stay");
    assert_sound(&index);
    for n in 0..IMAGES {
        let id = index.file(&path(n)).unwrap().unwrap().image;
        index.put_regions(id, &halves(2, 4, &half(n, 0), &half(n, 1))).unwrap();
    }
    index.finish().unwrap();
    assert!(parts_in_store(&index) == 0);
    assert_all_there(&index);
}

#[test]
fn centroids_that_cannot_be_read_cost_time_and_nothing_else() {
    let fixture = closed();
    let segment = largest(&fixture);
    let centroids = files(&fixture).into_iter().find(|path| *path != segment).unwrap();
    flip(&centroids, 10);
    let index = fixture.open();
    let regions = index.regions().unwrap();
    assert_eq!(regions.len() as u64, 3 * IMAGES);
    assert_regions_as_stored(&index);
    let query = half(7, 1);
    assert_eq!(regions.nearest(&query, 20, None).unwrap(), regions.nearest_exact(&query, 20, None).unwrap());
    let problems = index.verify(false).unwrap().problems;
    assert!(problems.len() == 1 && problems[0].contains("a file of regions cannot be read"), "{problems:?}");
    index.finish().unwrap();
    assert!(has_files(&index), "they are made anew");
    assert_all_there(&index);
}

#[test]
fn a_damaged_block_costs_its_images_which_are_named_and_can_be_made_anew() {
    // A block has 431 rows of this width, and a part of the next.
    const LOST: u64 = 144;
    const ALL: u64 = 180;
    for by_verify in [true, false] {
        let fixture = closed();
        let index = fixture.open();
        (IMAGES..ALL).for_each(|n| _ = add_one(&index, n));
        index.finish().unwrap();
        drop(index);
        // Beside rows the second block has the last images' regions.
        flip(&largest(&fixture), 777);
        let index = fixture.open();
        let regions = index.regions().unwrap();
        assert!(regions.shapes(ImageId(0)).is_none(), "it is in the damaged block");
        assert!(regions.search_name().contains("damaged"));
        if by_verify {
            let report = index.verify(true).unwrap();
            let [problem] = &report.problems[..] else { panic!("{report:?}") };
            let both = "the files of regions are damaged (blocks: 1); the regions of 144 images (0, 1, 2, ";
            assert!(problem.starts_with(both), "{problem}");
            let [mended] = &report.repaired[..] else { panic!("{report:?}") };
            assert!(mended.contains("`glimpse index --regions` makes anew"), "{mended}");
        } else {
            index.finish().unwrap();
        }
        for n in each(0..LOST) {
            assert!(!index.has_regions(ImageId(n)).unwrap() && index.vector(ImageId(n)).is_some());
        }
        for n in each(LOST..ALL) {
            assert!(is_there(&index, ImageId(n), n), "{n} is in the next block");
        }
        assert_regions_as_stored(&index);
        assert_sound(&index);
        for n in 0..LOST {
            index.put_regions(ImageId(n), &halves(2, 4, &half(n, 0), &half(n, 1))).unwrap();
        }
        index.finish().unwrap();
        assert_all_there(&index);
    }
}

#[test]
fn a_damaged_map_or_mark_costs_the_regions_of_its_image() {
    for part in [0, 255] {
        let fixture = closed();
        let damaged = ImageId(7);
        tamper(&fixture, |store, batch| {
            let key = keys::region(damaged, part);
            batch.put(Table::Regions, &key, flipped(store, Table::Regions, &key));
        });
        let index = fixture.open();
        assert!(index.regions().unwrap().shapes(damaged).is_some(), "the files have it");
        let problems = index.verify(false).unwrap().problems;
        assert!(problems.len() == 1 && problems[0].contains("the regions of image 7 are damaged"), "{problems:?}");
        index.verify(true).unwrap();
        assert!(index.regions().unwrap().shapes(damaged).is_none());
        assert_regions_as_stored(&index);
        drop(index);
        let index = fixture.open();
        assert!(has_files(&index) && index.regions().unwrap().shapes(damaged).is_none());
        assert_sound(&index);
    }
}

#[test]
fn files_whose_entry_is_lost_are_known_by_the_marks_in_the_store() {
    for damaged in [true, false] {
        let fixture = closed();
        tamper(&fixture, |store, batch| match damaged {
            true => batch.put(Table::Meta, meta::REGION_CELLS, flipped(store, Table::Meta, meta::REGION_CELLS)),
            false => batch.remove(Table::Meta, meta::REGION_CELLS),
        });
        let index = fixture.open();
        assert_regions_as_stored(&index);
        assert_eq!(index.regions().unwrap().len() as u64, 3 * IMAGES);
        index.finish().unwrap();
        assert!(has_files(&index));
        assert_all_there(&index);
    }
}

#[test]
fn files_newer_than_the_store_are_compared_image_by_image() {
    let fixture = closed();
    let index = fixture.open();
    let entry = index.store.region_cells().unwrap().unwrap();
    index.store.put_region_cells(&CellsEntry { revision: u64::MAX, moved: u64::MAX, ..entry }).unwrap();
    assert_regions_as_stored(&index);
    index.finish().unwrap();
    assert_eq!(index.store.region_cells().unwrap().unwrap().revision, index.revision());
    assert_all_there(&index);
}

#[test]
fn a_generation_from_what_is_left_of_a_log_keeps_the_files() {
    let fixture = closed();
    let old = fixture.home.path().join("gen-0001");
    let new = fixture.home.path().join("gen-0002");
    let index = Index::salvage(&old, &new, None, &fixture.options).unwrap();
    assert_eq!(parts_in_store(&index), 0);
    index.verify(true).unwrap();
    std::fs::remove_dir_all(&old).unwrap();
    assert_all_there(&index);
    index.finish().unwrap();
    assert_all_there(&index);
}

#[test]
fn a_copy_reads_the_files_where_they_are() {
    let fixture = closed();
    let before = files(&fixture);
    let copy = fixture.library().open_copy("so it is").unwrap();
    assert!(!copy.dir().starts_with(fixture.home.path()) && !copy.dir().join("region-cells").exists());
    assert_all_there(&copy);
    drop(copy);
    assert_eq!(files(&fixture), before);
}

#[test]
fn removed_images_take_their_rows_with_them() {
    let fixture = closed();
    let index = fixture.open();
    (0..IMAGES - 2).for_each(|n| index.remove_file(&path(n)).unwrap());
    index.finish().unwrap();
    let regions = index.regions().unwrap();
    assert_eq!((regions.len(), regions.images()), (6, 2));
    assert!((IMAGES - 2..IMAGES).every(|n| is_there(&index, ImageId(n), n)));
    (IMAGES - 2..IMAGES).for_each(|n| index.remove_file(&path(n)).unwrap());
    index.finish().unwrap();
    assert!(index.regions().unwrap().is_empty());
    assert_sound(&index);
}
