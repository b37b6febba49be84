//! Tags of regions that are kept with a library: what they take, and how soon filters and counts by
//! them are there.
//!
//!     cargo bench --bench region_tags [-- --images 50000 --labels 200 --home FOLDER]
//!
//! Images, regions and tags are made up. Label number n is shown by one image in n + 2, so that the
//! first is on half of them and each shows five or so; a fifth of the tags are of the image as a
//! whole.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::path::{Path, PathBuf};
use std::time::Instant;

use glimpse::ImageId;
use glimpse::encoder::Embedding;
use glimpse::encoder::Encode;
use glimpse::encoder::dense::{RegionMap, Regions};
use glimpse::encoder::testing::FakeEncoder;
use glimpse::indexer::regions::{RegionLabel, RegionLabelSet, StoredRegionTag};
use glimpse::indexer::{Filter, Library};

use common::library::fill_by;
use common::{Args, Noise, quantiles, resident};

/// Width of vectors, which nothing here depends on.
const DIM: usize = 64;
/// Leaves in a row of the grid, each of which is a region, and with their merges all.
const LEAVES: usize = 4;
const REGIONS: u8 = 2 * LEAVES as u8 - 1;
/// Images that are tagged in one step, as the engine does it.
const AT_ONCE: usize = 128;
const SET: u64 = 1;
const TIMES: usize = 40;

fn main() {
    let args = Args::read();
    let (images, labels) = (args.number("images", 50_000), args.number("labels", 200));
    let folder = tempfile::tempdir().expect("a folder");
    let home = args.value("home").map_or_else(|| folder.path().to_path_buf(), PathBuf::from);
    if !home.join("library.json").exists() && Library::at(&home).open().is_err() {
        make(&home, images);
    }
    tag(&home, labels);
    read(&home);
    ask(&home, labels);
    change(&home);
}

fn make(home: &Path, images: usize) {
    let start = Instant::now();
    let library = Library::at(home);
    let index = library.open_for(FakeEncoder::new(DIM).info(), false).expect("a library");
    let mut noise = Noise(5);
    fill_by(&index, images, |index, _, record, file| {
        let regions = regions(&mut noise);
        index.add_with_regions(record, regions.vectors.last().unwrap().as_slice(), &regions, file).expect("an image");
    });
    index.finish().expect("words, graph and files");
    library.promote(&index).expect("the library");
    println!("{images} images with regions in {:.1} s", start.elapsed().as_secs_f64());
}

fn regions(noise: &mut Noise) -> Regions {
    let labels = (0..LEAVES * LEAVES).map(|cell| (cell % LEAVES) as u8).collect();
    let mut members: Vec<u32> = (0..LEAVES).map(|leaf| 1 << leaf).collect();
    (1..LEAVES).for_each(|leaf| members.push((2 << leaf) - 1));
    let mut vector = || Embedding::new((0..DIM).map(|_| noise.gauss()).collect()).unwrap();
    let vectors = members.iter().map(|_| vector()).collect();
    Regions { map: RegionMap::new(LEAVES, LEAVES, labels, members).unwrap(), vectors }
}

/// What an image shows.
fn tags(noise: &mut Noise, labels: usize) -> Vec<StoredRegionTag> {
    let mut tags = Vec::new();
    for label in 0..labels {
        if noise.below(label + 2) == 0 {
            let region = noise.below(5) > 0;
            let region = region.then(|| noise.below(usize::from(REGIONS)) as u8);
            tags.push(StoredRegionTag { label: label as u16, region, score: 0.5 + label as f32 / (2 * labels) as f32 });
        }
    }
    tags
}

fn tag(home: &Path, labels: usize) {
    let index = Library::at(home).open().expect("a library");
    index.regions().expect("regions");
    let (disk, memory) = (index.stats().unwrap().disk_bytes, index.stats().unwrap().memory_bytes);
    let label = |n: usize| RegionLabel { name: format!("label {n}"), scale: vec![7; 5_000] };
    let labels_of = (0..labels).map(label).collect();
    let start = Instant::now();
    index.set_region_labels(Some(RegionLabelSet { set: SET, made_for: index.len(), labels: labels_of })).unwrap();
    println!("{labels} labels kept in {:.2} s", start.elapsed().as_secs_f64());
    let waiting = index.images_without_region_tags().unwrap();
    let mut noise = Noise(9);
    let tagged: Vec<_> = waiting.into_iter().map(|id| (id, tags(&mut noise, labels))).collect();
    let count: usize = tagged.iter().map(|(_, tags)| tags.len()).sum();
    let start = Instant::now();
    for part in tagged.chunks(AT_ONCE) {
        index.put_region_tags(SET, index.revision(), part).unwrap();
    }
    index.commit().unwrap();
    let stats = index.stats().unwrap();
    println!(
        "{count} tags of {} images kept in {:.2} s; {:.0} bytes an image on disk, {:.0} in memory",
        tagged.len(),
        start.elapsed().as_secs_f64(),
        stats.disk_bytes.saturating_sub(disk) as f64 / tagged.len() as f64,
        stats.memory_bytes.saturating_sub(memory) as f64 / tagged.len() as f64,
    );
}

fn read(home: &Path) {
    for _ in 0..3 {
        let start = Instant::now();
        let index = Library::at(home).open().expect("a library");
        let (opened, before) = (start.elapsed(), resident());
        let start = Instant::now();
        index.read_region_tags().unwrap();
        println!(
            "opened in {:.3} s; tags read in {:.3} s, {:.1} MB more in memory",
            opened.as_secs_f64(),
            start.elapsed().as_secs_f64(),
            resident().saturating_sub(before) as f64 / 1e6
        );
    }
}

fn ask(home: &Path, labels: usize) {
    let index = Library::at(home).open().expect("a library");
    let first = Instant::now();
    let waiting = index.images_without_region_tags().unwrap().len();
    println!("who waits, asked for first: {waiting} images, {:.1} ms", first.elapsed().as_secs_f64() * 1e3);
    println!("\n| question | answer | median ms | 95 % ms |\n|---|---|---|---|");
    let of = |labels: &[usize]| Filter {
        region_tags: labels.iter().map(|label| format!("LABEL {label}")).collect(),
        ..Filter::default()
    };
    let row = |name: &str, work: &dyn Fn() -> usize| {
        let mut answer = 0;
        let times = (0..TIMES).map(|_| {
            let start = Instant::now();
            answer = work();
            start.elapsed()
        });
        let (median, slow) = quantiles(times.collect());
        println!("| {name} | {answer} | {median:.2} | {slow:.2} |");
    };
    let last = labels - 1;
    row("images, no filter", &|| index.select(&Filter::default()).len());
    row("images with the first label", &|| index.select(&of(&[0])).len());
    row("images with the last label", &|| index.select(&of(&[last])).len());
    row("images with one of ten labels", &|| index.select(&of(&(0..10).collect::<Vec<_>>())).len());
    row("facets of all", &|| index.facets().region_tags.len());
    row("facets of images with the first label", &|| index.facets_of(&of(&[0])).region_tags.len());
    row("keywords of images with the first label", &|| index.tags_of(&of(&[0])).len());
    row("tags of one image", &|| index.region_tags(ImageId(17)).unwrap().map_or(0, |tags| tags.len()));
    row("who waits", &|| index.images_without_region_tags().unwrap().len());
}

/// What goes takes its tags along.
fn change(home: &Path) {
    let index = Library::at(home).open().expect("a library");
    index.read_region_tags().unwrap();
    let ids: Vec<ImageId> = index.select(&Filter::default()).iter().step_by(100).collect();
    let mut noise = Noise(21);
    let again: Vec<_> = ids.iter().map(|&id| (id, tags(&mut noise, 200))).collect();
    let start = Instant::now();
    index.put_region_tags(SET, index.revision(), &again).unwrap();
    index.commit().unwrap();
    println!("\n{} images of all tagged anew in {:.2} s", again.len(), start.elapsed().as_secs_f64());
}
