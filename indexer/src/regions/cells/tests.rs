#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::path::Path;

use glimpse_encoder::Embedding;
use glimpse_encoder::dense::{RegionMap, Regions};
use glimpse_nonempty::{Every as _, each};

use super::super::format::Stored;
use super::super::{RegionId, RegionIndex, ScoredRegion};
use super::*;
use crate::index::tests::flip;
use crate::store::region_cells::SegmentEntry;
use crate::vectors::exact::tests::Noise;
use crate::vectors::ivf::Sample;
use crate::{IdSet, VectorSet};

const DIM: usize = 48;
/// Regions of an image.
const EACH: usize = 4;

fn direction(seed: u64) -> Vec<f32> {
    let mut noise = Noise(seed);
    (0..DIM).map(|_| noise.gauss()).collect()
}

/// What a region shows: one of sixty things, in its own way, in an image of its own manner.
fn vector(image: u64, region: u64) -> Vec<f32> {
    let thing = direction(1_000_000 + Noise(image * 31 + region / 2).below(60) as u64);
    let (manner, own, mean) = (direction(2_000_000 + image), direction(image * 64 + region), direction(9));
    (0..DIM).map(|i| 0.8 * mean[i] + thing[i] + 0.5 * manner[i] + 0.5 * own[i]).collect()
}

fn stored(image: u64) -> Stored {
    let labels = (0..EACH as u8).collect();
    let map = RegionMap::new(2, 2, labels, (0..EACH).map(|region| 1 << region).collect()).unwrap();
    let vectors = (0..EACH as u64).map(|region| Embedding::new(vector(image, region)).unwrap()).collect();
    Stored::of(&Regions { map, vectors }).unwrap()
}

fn fresh(image: u64) -> StoredImage {
    let Stored { map, vectors } = stored(image);
    StoredImage { image: ImageId(image), fingerprint: image as u32 * 7, map, vectors: RegionRows::New(vectors) }
}

fn centroids(images: u64) -> Centroids {
    let mut sample = Sample::new(DIM);
    for image in (0..images).step_by(2) {
        stored(image).vectors.iter().for_each(|vector| sample.push(vector.planes()).unwrap());
    }
    train(&sample, cells_of(images as usize * EACH)).unwrap()
}

fn segment(dir: &Path, centroids: &Centroids, images: std::ops::Range<u64>, gone: &[ImageId]) -> SegmentEntry {
    let mut writer = SegmentWriter::begin(dir, DIM, centroids).unwrap();
    for part in images.collect::<Vec<_>>().chunks(100) {
        writer.add(&part.iter().map(|&image| fresh(image)).collect::<Vec<_>>()).unwrap();
    }
    writer.finish(gone).unwrap()
}

fn entry(dir: &Path, centroids: &Centroids, segments: Vec<SegmentEntry>) -> CellsEntry {
    let manifest = write_centroids(dir, DIM, centroids).unwrap();
    CellsEntry { format: FORMAT, revision: 1, moved: 0, trained: 1, centroids: manifest, segments }
}

fn open(dir: &Path, entry: &CellsEntry) -> RegionIndex {
    RegionIndex::of_cells(Cells::open(dir, entry, DIM).unwrap(), DIM)
}

/// Share of the nearest of a comparison of all that are found.
fn recall(regions: &RegionIndex, k: usize, allowed: Option<&VectorSet>) -> f32 {
    let (mut hits, mut all) = (0, 0);
    for turn in 0..40 {
        let query = vector(500_000 + turn, turn);
        let exact = regions.nearest_exact(&query, k, allowed).unwrap();
        let found = regions.nearest(&query, k, allowed).unwrap();
        assert!(found.is_sorted_by(|a, b| a.score >= b.score) && found.len() == exact.len());
        let ids: HashSet<RegionId> = exact.iter().map(|scored| scored.id).collect();
        assert!(allowed.is_none_or(|allowed| found.iter().every(|scored| allowed.contains(scored.id.key()))));
        hits += found.iter().filter(|scored| ids.contains(&scored.id)).count();
        all += exact.len();
    }
    hits as f32 / all as f32
}

#[test]
fn cells_find_what_comparing_all_finds() {
    const IMAGES: u64 = 3000;
    let dir = tempfile::tempdir().unwrap();
    let centroids = centroids(IMAGES);
    let base = segment(dir.path(), &centroids, 0..2500, &[]);
    let more = segment(dir.path(), &centroids, 2500..IMAGES, &[]);
    let regions = open(dir.path(), &entry(dir.path(), &centroids, vec![base, more]));
    assert_eq!((regions.len(), regions.images()), (IMAGES as usize * EACH, IMAGES as usize));
    let half: IdSet = (0..IMAGES).step_by(2).map(ImageId).collect();
    let few: IdSet = (0..IMAGES).step_by(100).map(ImageId).collect();
    let [half, few] = [half, few].map(|images| regions.select(Some(&images), 0.0).unwrap());
    let found = [recall(&regions, 10, None), recall(&regions, 100, None), recall(&regions, 10, Some(&half))];
    eprintln!("recall of 10, 100, 10 of half: {found:?}");
    assert!(found.into_iter().every(|recall| recall >= 0.95), "{found:?}");
    assert_eq!(recall(&regions, 10, Some(&few)), 1.0, "among few all are compared");
    let all = regions.nearest(&vector(1, 1), usize::MAX, None).unwrap();
    assert_eq!(all.len(), regions.len(), "who asks for all gets all");
}

#[test]
fn rows_shapes_and_scores_are_those_that_were_stored() {
    let dir = tempfile::tempdir().unwrap();
    let centroids = centroids(50);
    let base = segment(dir.path(), &centroids, 0..50, &[]);
    let regions = open(dir.path(), &entry(dir.path(), &centroids, vec![base]));
    let query = vector(7, 1);
    for image in each(0..50) {
        let stored = stored(image);
        let expected = super::super::shapes(&stored.map);
        assert_eq!(regions.shapes(ImageId(image)), Some(expected));
        let scores = regions.score(&query, ImageId(image)).unwrap();
        assert_eq!(scores.len(), EACH);
        for (region, vector) in each(stored.vectors.iter().enumerate()) {
            let id = RegionId { image: ImageId(image), region: region as u8 };
            let cosine: f32 = regions.vector(id).unwrap().iter().zip(vector.decode()).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.998, "{cosine}");
        }
        let beside = RegionIndex::of_cells(
            Cells::open(dir.path(), &CellsEntry { segments: vec![], ..entry(dir.path(), &centroids, vec![]) }, DIM)
                .unwrap(),
            DIM,
        );
        beside.put(ImageId(image), &stored).unwrap();
        let in_memory = beside.score(&query, ImageId(image)).unwrap();
        let is_near = |(a, b): (&ScoredRegion, &ScoredRegion)| a.id == b.id && (a.score - b.score).abs() < 0.02;
        assert!(in_memory.iter().zip(&scores).every(is_near), "nearly one score wherever it lies");
        assert!(regions.is_filed(ImageId(image), image as u32 * 7) && !regions.is_filed(ImageId(image), 1));
    }
    assert_eq!(regions.vector(RegionId { image: ImageId(3), region: EACH as u8 }), None);
    assert!(regions.shapes(ImageId(50)).is_none() && regions.count_of(ImageId(50)).is_none());
    assert_eq!(regions.select(None, 0.3).map(|set| set.len()), Some(0));
    assert_eq!(regions.select(None, 0.2).map(|set| set.len()), Some(50 * EACH));
}

#[test]
fn later_segments_and_masks_outdo_older_ones() {
    let dir = tempfile::tempdir().unwrap();
    let centroids = centroids(400);
    let base = segment(dir.path(), &centroids, 0..300, &[]);
    let gone: Vec<ImageId> = (0..10).map(ImageId).collect();
    let more = segment(dir.path(), &centroids, 290..400, &gone);
    let back = segment(dir.path(), &centroids, 5..6, &[]);
    let regions = open(dir.path(), &entry(dir.path(), &centroids, vec![base, more, back]));
    let images = |regions: &RegionIndex| {
        let nearest = regions.nearest(&vector(1, 1), usize::MAX, None).unwrap();
        let exact = regions.nearest_exact(&vector(1, 1), usize::MAX, None).unwrap();
        assert_eq!(nearest, exact);
        let ids: Vec<RegionId> = nearest.iter().map(|scored: &ScoredRegion| scored.id).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "each is found once");
        assert_eq!(ids.len(), regions.len());
        ids.iter().map(|id| id.image.0).collect::<HashSet<u64>>()
    };
    let expected: HashSet<u64> = (10..400).chain([5]).collect();
    assert_eq!(images(&regions), expected);
    assert_eq!(regions.images(), expected.len());
    regions.remove(ImageId(295));
    regions.remove(ImageId(295));
    regions.put(ImageId(300), &stored(900)).unwrap();
    assert_eq!(images(&regions), expected.iter().copied().filter(|&image| image != 295).collect());
    assert_eq!(regions.nearest(&vector(900, 2), 1, None).unwrap()[0].id.image, ImageId(300));
    let cells = regions.cells().unwrap();
    assert_eq!(cells.images_from(2), [ImageId(5)]);
    assert_eq!(cells.gone_from(1), gone);
    assert!(cells.is_before(1, ImageId(3)) && !cells.is_before(1, ImageId(350)) && cells.is_before(2, ImageId(350)));
}

#[test]
fn a_segment_that_takes_in_others_has_their_rows_and_codes() {
    let dir = tempfile::tempdir().unwrap();
    let centroids = centroids(400);
    let gone: Vec<ImageId> = (0..10).map(ImageId).collect();
    let parts = [(0..300, vec![]), (290..400, gone.clone()), (5..6, vec![]), (400..420, vec![])];
    let parts = parts.map(|(images, gone)| segment(dir.path(), &centroids, images, &gone));
    let apart = entry(dir.path(), &centroids, parts.to_vec());
    let cells = Cells::open(dir.path(), &apart, DIM).unwrap();
    let places = cells.code_places(1);
    let coded = |cells: &Cells, places: &CodePlaces, image: ImageId| {
        let read = cells.rows_and_codes(places, image, image.0 as u32 * 7, EACH);
        read.map(|(rows, codes)| (rows, codes.cells, codes.records))
    };
    assert!(coded(&cells, &places, ImageId(20)).is_none(), "not in the segments that are taken in");
    assert!(cells.rows_and_codes(&places, ImageId(300), 300 * 7, EACH + 1).is_none(), "other regions");
    assert!(cells.rows_and_codes(&places, ImageId(300), 300, EACH).is_none(), "another fingerprint");

    let mut writer = SegmentWriter::begin(dir.path(), DIM, &centroids).unwrap();
    let taken: Vec<StoredImage> = cells
        .images_from(1)
        .into_iter()
        .map(|image| {
            let (rows, codes) = cells.rows_and_codes(&places, image, image.0 as u32 * 7, EACH).unwrap();
            StoredImage { vectors: RegionRows::Coded(rows, codes), ..fresh(image.0) }
        })
        .collect();
    assert_eq!(taken.len(), 110 + 1 + 20);
    writer.add(&taken).unwrap();
    let merged = entry(dir.path(), &centroids, vec![parts[0].clone(), writer.finish(&gone).unwrap()]);
    let together = Cells::open(dir.path(), &merged, DIM).unwrap();
    let places_together = together.code_places(1);
    for image in each(cells.images_from(1)) {
        let [before, after] = [(&cells, &places), (&together, &places_together)];
        let [before, after] = [before, after].map(|(cells, places)| coded(cells, places, image).unwrap());
        let codes = |records: &[u8]| {
            let record = records.len() / EACH;
            records.chunks(record).map(|code| code[..record - 4].to_vec()).collect::<Vec<_>>()
        };
        assert_eq!((&before.0, &before.1, codes(&before.2)), (&after.0, &after.1, codes(&after.2)));
        assert_eq!(cells.shapes(image), together.shapes(image));
    }
    let [apart, merged] = [open(dir.path(), &apart), open(dir.path(), &merged)];
    for turn in each(0..20) {
        let nearest = |regions: &RegionIndex| regions.nearest(&vector(500_000 + turn, turn), 50, None).unwrap();
        assert_eq!(nearest(&apart), nearest(&merged));
    }

    // Where codes are damaged and rows are not, codes are made anew.
    let large = segment(dir.path(), &centroids, 600..1200, &[]);
    let path = dir.path().join(large.manifest.name());
    flip(&path, 200_000);
    let damaged = Cells::open(dir.path(), &entry(dir.path(), &centroids, vec![large]), DIM).unwrap();
    let places = damaged.code_places(0);
    let has_rows = |&image: &u64| damaged.rows_of(ImageId(image), image as u32 * 7).is_some();
    assert!((600..1200).every(|image| has_rows(&image)));
    let lost = (600..1200).filter(|&image| coded(&damaged, &places, ImageId(image)).is_none()).count();
    assert!((1..600).contains(&lost), "{lost}");
}

#[test]
fn regions_whose_codes_are_damaged_are_found_by_their_rows() {
    let dir = tempfile::tempdir().unwrap();
    let centroids = centroids(600);
    let base = segment(dir.path(), &centroids, 600..1200, &[]);
    let path = dir.path().join(base.manifest.name());
    let entry = entry(dir.path(), &centroids, vec![base]);
    flip(&path, 200_000); // a code
    let regions = open(dir.path(), &entry);
    for image in each(600..1200) {
        let found = regions.nearest(&vector(image, 1), 1, None).unwrap();
        assert_eq!((found[0].id, found[0].score > 0.99), (RegionId { image: ImageId(image), region: 1 }, true));
    }
    assert!(regions.cells().unwrap().is_damaged());
}

#[test]
fn a_damaged_block_costs_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let centroids = centroids(600);
    let base = segment(dir.path(), &centroids, 0..600, &[]);
    let path = dir.path().join(base.manifest.name());
    let entry = entry(dir.path(), &centroids, vec![base]);
    flip(&path, 100_000); // a row
    let regions = open(dir.path(), &entry);
    assert!(!regions.cells().unwrap().is_damaged(), "nobody has read it");
    let found = regions.nearest(&vector(1, 1), usize::MAX, None).unwrap();
    let lost = 600 * EACH - found.len();
    assert!((1..500).contains(&lost), "{lost}");
    assert!(regions.cells().unwrap().is_damaged() && regions.search_name().contains("damaged"));
    assert_eq!(regions.cells().unwrap().damaged_blocks(), 1);
    let without = (0..600).filter(|&image| regions.shapes(ImageId(image)).is_none()).count();
    assert!((1..130).contains(&without));
}

#[test]
fn nothing_at_all_is_no_reason_to_fail() {
    let dir = tempfile::tempdir().unwrap();
    let centroids = centroids(4);
    let none = segment(dir.path(), &centroids, 0..0, &[ImageId(3)]);
    let regions = open(dir.path(), &entry(dir.path(), &centroids, vec![none]));
    assert!(regions.is_empty() && regions.nearest(&vector(1, 1), 5, None).unwrap().is_empty());
    assert!(regions.nearest(&[1.0; 3], 5, None).is_err());
}
