//! Bytes an image takes on disk, by what takes them: a measurement, and its bound (`cargo test
//! --release -p glimpse-indexer --lib disk_use -- --ignored --nocapture`; `IMAGES` says how many).

use glimpse_encoder::Embedding;
use glimpse_encoder::dense::{RegionMap, Regions};

use super::*;
use crate::store::keys::Table;
use crate::vectors::exact::tests::Noise;

const WIDTH: usize = 768;
const REGIONS: usize = 31;

/// Kilobytes an image, of the generation or of a folder in it.
fn each_takes(home: &Path, folder: &str, images: usize) -> f64 {
    super::super::disk_bytes(&home.join("gen-0001").join(folder)).unwrap_or(0) as f64 / images as f64 / 1e3
}

fn report(what: &str, home: &Path, images: usize) {
    let [all, sled, files, snapshot, words] =
        ["", "sled", "region-cells", "snapshot", "words"].map(|folder| each_takes(home, folder, images));
    eprintln!("{what}: {all:.1}; sled {sled:.1}, regions {files:.1}, snapshot {snapshot:.1}, words {words:.2}");
}

#[test]
#[ignore = "takes minutes"]
fn disk_use() {
    let images: usize = std::env::var("IMAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let fixture = Fixture::new();
    let home = fixture.home.path();
    let index = fixture.library().open_for(&ModelInfo { dim: WIDTH, ..model("a") }, false).unwrap();
    let mut noise = Noise(5);
    // Vectors begin anywhere in one row of noise: no two are alike.
    let pool: Vec<f32> = (0..1 << 20).map(|_| noise.gauss()).collect();
    let labels = (0..256).map(|cell| (cell / 16 / 4 * 4 + cell % 16 / 4) as u8).collect();
    let members = (0..REGIONS).map(|i| if i < 16 { 1 << i } else { 1 | 1 << (i - 15) }).collect();
    let map = RegionMap::new(16, 16, labels, members).unwrap();
    for n in 0..images {
        let mut vector = || {
            let start = noise.below(pool.len() - WIDTH);
            Embedding::new(pool[start..start + WIDTH].to_vec()).unwrap()
        };
        let vectors: Vec<_> = (0..REGIONS).map(|_| vector()).collect();
        let record = ImageRecord {
            taken: Some(n as i64 * 3600),
            camera: Some("Camera 3000".to_owned()),
            caption: Some("four words of many".to_owned()),
            keywords: vec!["beach".to_owned()],
            ..ImageRecord::bare(ContentHash::of(&n.to_le_bytes()), (4032, 3024), Format::Jpeg, 3_000_000)
        };
        let whole = vectors[0].as_slice().to_vec();
        let regions = Regions { map: map.clone(), vectors };
        let path = format!("/images/{:03}/IMG_{n:06}.jpg", n / 500);
        index.add_with_regions(record, &whole, &regions, file(path)).unwrap();
        if n % 500 == 499 {
            index.commit().unwrap();
        }
        if n % 5000 == 4999 {
            report(&format!("{} images added, KB an image", n + 1), home, n + 1);
        }
    }
    index.finish().unwrap();
    report("at the end", home, images);
    for table in Table::ALL {
        let (mut count, mut bytes) = (0, 0);
        for entry in index.store.entries(table) {
            let (key, value) = entry.unwrap();
            (count, bytes) = (count + 1, bytes + key.len() + value.len());
        }
        if count > 0 {
            let [count, kilobytes] = [count as f64, bytes as f64 / 1e3].map(|sum| sum / images as f64);
            eprintln!("{}: {count:.2} entries and {kilobytes:.3} KB an image", table.name());
        }
    }
    assert!(each_takes(home, "region-cells", images) < 23.0);
    assert!(each_takes(home, "", images) < 32.0);
}
