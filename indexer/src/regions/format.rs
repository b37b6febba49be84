//! The bytes of an image's regions, in parts that sled keeps in its nodes.
//!
//! ```text
//! part 0     rows (1) | cols (1) | regions (1) | leaves of each region (4) | kind (1) | labels
//!            kind 0: a label (1) for each patch, row by row; kind 1: runs of them, length (1) | label (1)
//! part 1...  vectors in order, as many as fit into PART_BYTES: scale (4, f32) | dim x int8
//! part 255   in place of vectors that only a file of regions has: fingerprint (4)
//! ```
//!
//! The fingerprint is the CRC-32 of the values of the parts as they were when all stood here.

use glimpse_encoder::dense::{MAX_REGIONS, RegionMap, Regions};

use crate::ImageId;
use crate::store::codec::{Damage, Decoder, Encoder};
use crate::store::keys::{self, FILED, Table};
use crate::vectors::Quantised;

const MAP_V1: u8 = 1;
const VECTORS_V1: u8 = 1;
const FILED_V1: u8 = 1;
/// Most bytes of vectors in a part, unless a single one is longer.
const PART_BYTES: usize = 3900;
const RAW: u8 = 0;
const RUNS: u8 = 1;

/// Regions as they are stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub map: RegionMap,
    pub vectors: Vec<Quantised>,
}

impl Stored {
    /// `None` if a vector has no direction, or map and vectors do not fit together or are too many.
    pub fn of(regions: &Regions) -> Option<Self> {
        let vectors: Vec<_> =
            regions.vectors.iter().map(|vector| Quantised::encode(vector.as_slice())).collect::<Option<_>>()?;
        let map = &regions.map;
        let fits = map.rows() <= 255 && map.cols() <= 255 && map.len() <= MAX_REGIONS && map.len() == vectors.len();
        fits.then(|| Self { map: map.clone(), vectors })
    }

    /// Keys and values of all parts.
    pub fn encode(&self, id: ImageId) -> Vec<([u8; 9], Vec<u8>)> {
        let dim = self.vectors.first().map_or(1, |vector| vector.values.len());
        let parts = self.vectors.chunks(per_part(dim)).zip(1..).map(|(vectors, part)| {
            let key = keys::region(id, part);
            let mut value = Encoder::new(VECTORS_V1);
            vectors.iter().for_each(|vector| _ = value.raw(&vector.to_bytes()));
            (key, value.seal(Table::Regions, &key))
        });
        std::iter::once(encode_map(id, &self.map)).chain(parts).collect()
    }
}

/// What the store has of an image's regions.
pub(crate) enum Held {
    /// All, which make this fingerprint.
    Whole(Stored, u32),
    /// Their map; a file has the vectors under this fingerprint.
    Filed(RegionMap, u32),
}

/// Of the parts of an image's regions.
fn fingerprint(parts: &[(u8, impl AsRef<[u8]>)]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|(_, value)| hasher.update(value.as_ref()));
    hasher.finalize()
}

/// Reads what the store has of an image's regions. `parts` are all its values, by rising part.
pub(crate) fn held(id: ImageId, dim: usize, parts: &[(u8, impl AsRef<[u8]>)]) -> Result<Held, Damage> {
    let Some(((FILED, marker), parts)) = parts.split_last().map(|((part, value), rest)| ((*part, value), rest)) else {
        return Ok(Held::Whole(decode(id, dim, parts)?, fingerprint(parts)));
    };
    let mut fields = Decoder::open(Table::Regions, &keys::region(id, FILED), marker.as_ref(), FILED_V1)?;
    let filed = fields.u32()?;
    fields.end()?;
    match parts {
        [(0, map)] => Ok(Held::Filed(decode_map(id, map.as_ref())?, filed)),
        // Both are there only if a damaged store was read for what can be had of it.
        [(0, map), ..] => match decode(id, dim, parts) {
            Ok(stored) if fingerprint(parts) == filed => Ok(Held::Whole(stored, filed)),
            _ => Ok(Held::Filed(decode_map(id, map.as_ref())?, filed)),
        },
        _ => Err(Damage::Short),
    }
}

/// Key and value of the part that stands for vectors in a file.
pub(crate) fn encode_filed(id: ImageId, fingerprint: u32) -> ([u8; 9], Vec<u8>) {
    let key = keys::region(id, FILED);
    let mut value = Encoder::new(FILED_V1);
    value.u32(fingerprint);
    (key, value.seal(Table::Regions, &key))
}

fn encode_map(id: ImageId, map: &RegionMap) -> ([u8; 9], Vec<u8>) {
    let key = keys::region(id, 0);
    let mut value = Encoder::new(MAP_V1);
    value.u8(map.rows() as u8).u8(map.cols() as u8).u8(map.len() as u8);
    map.members().iter().for_each(|&set| _ = value.u32(set));
    let runs = runs(map.labels());
    match runs.len() < map.labels().len() {
        true => value.u8(RUNS).raw(&runs),
        false => value.u8(RAW).raw(map.labels()),
    };
    (key, value.seal(Table::Regions, &key))
}

/// Reads part 0.
pub(crate) fn decode_map(id: ImageId, value: &[u8]) -> Result<RegionMap, Damage> {
    let mut fields = Decoder::open(Table::Regions, &keys::region(id, 0), value, MAP_V1)?;
    let (rows, cols, count) = (fields.u8()?.into(), fields.u8()?.into(), fields.u8()?);
    let members = (0..count).map(|_| fields.u32()).collect::<Result<Vec<_>, _>>()?;
    let kind = fields.u8()?;
    let labels = match (kind, fields.rest()) {
        (RAW, labels) => labels.to_vec(),
        (RUNS, runs) => {
            let (pairs, _) = runs.as_chunks::<2>();
            pairs.iter().flat_map(|&[length, label]| std::iter::repeat_n(label, length.into())).collect()
        }
        _ => return Err(Damage::Field("kind of labels")),
    };
    RegionMap::new(rows, cols, labels, members).ok_or(Damage::Field("map"))
}

/// Reads a part of vectors of `dim` values.
pub(crate) fn decode_vectors(id: ImageId, part: u8, dim: usize, value: &[u8]) -> Result<Vec<Quantised>, Damage> {
    let mut fields = Decoder::open(Table::Regions, &keys::region(id, part), value, VECTORS_V1)?;
    let bytes = fields.rest();
    let vectors = bytes.chunks(dim + 4).map(|bytes| Quantised::from_bytes(bytes, dim));
    vectors.collect::<Option<_>>().ok_or(Damage::Field("width or scale"))
}

/// Puts the parts of an image together again, all of which are here.
fn decode(id: ImageId, dim: usize, parts: &[(u8, impl AsRef<[u8]>)]) -> Result<Stored, Damage> {
    let Some(((0, map), rest)) = parts.split_first().map(|((part, map), rest)| ((*part, map), rest)) else {
        return Err(Damage::Short);
    };
    let map = decode_map(id, map.as_ref())?;
    let mut vectors = Vec::with_capacity(map.len());
    for (part, value) in rest {
        vectors.append(&mut decode_vectors(id, *part, dim, value.as_ref())?);
    }
    if vectors.len() == map.len() { Ok(Stored { map, vectors }) } else { Err(Damage::Field("number of vectors")) }
}

fn per_part(dim: usize) -> usize {
    // 63 regions always fit into the 255 parts that a key can tell apart.
    (PART_BYTES / (dim + 4)).max(1)
}

fn runs(labels: &[u8]) -> Vec<u8> {
    let mut runs = Vec::new();
    for run in labels.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(255)) {
        runs.extend([run.len() as u8, run[0]]);
    }
    runs
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use glimpse_encoder::Embedding;
    use glimpse_nonempty::Every as _;
    use proptest::prelude::*;

    use super::*;

    /// Regions of a grid whose first columns are leaf 0 and whose others are leaf 1.
    pub(crate) fn halves(rows: usize, cols: usize, left: &[f32], right: &[f32]) -> Regions {
        let labels = (0..rows * cols).map(|cell| u8::from(cell % cols >= cols / 2)).collect();
        let both: Vec<f32> = left.iter().zip(right).map(|(a, b)| a + b).collect();
        let vectors = [left, right, &both].map(|vector| Embedding::new(vector.to_vec()).unwrap());
        Regions { map: RegionMap::new(rows, cols, labels, vec![1, 2, 3]).unwrap(), vectors: vectors.into() }
    }

    fn stored(dim: usize) -> impl Strategy<Value = Stored> {
        (1usize..20, 1usize..20, 1usize..17).prop_flat_map(move |(rows, cols, leaves)| {
            let labels = prop::collection::vec(0..leaves as u8, rows * cols);
            let count = 2 * leaves - 1;
            let values = prop::collection::vec(prop::collection::vec(-127i8..=127, dim), count);
            (labels, values).prop_map(move |(labels, values)| {
                let used = labels.iter().fold(0u32, |used, &label| used | 1 << label);
                let members = (0..count).map(|i| used & (used >> (i % 3)).max(1) | 1 << labels[0]).collect();
                let map = RegionMap::new(rows, cols, labels, members).unwrap();
                let vectors = values.into_iter().map(|mut values| {
                    values[0] = values[0].max(1);
                    Quantised { scale: 0.01, values, residual: vec![] }
                });
                Stored { map, vectors: vectors.collect() }
            })
        })
    }

    proptest! {
        #[test]
        fn regions_read_back(stored in stored(200), id: u64) {
            let id = ImageId(id);
            let values = stored.encode(id);
            let parts: Vec<(u8, &[u8])> = values.iter().map(|(key, value)| (key[8], value.as_slice())).collect();
            prop_assert!(parts.iter().every(|(_, value)| value.len() < 4096));
            prop_assert_eq!(decode(id, 200, &parts), Ok(stored));
            prop_assert!(decode(id, 200, &parts[..parts.len() - 1]).is_err());
            prop_assert!(decode(ImageId(!id.0), 200, &parts).is_err());
        }

        #[test]
        fn vectors_in_a_file_leave_map_and_fingerprint(stored in stored(50), id: u64) {
            let id = ImageId(id);
            let values = stored.encode(id);
            let mut parts: Vec<(u8, &[u8])> = values.iter().map(|(key, value)| (key[8], value.as_slice())).collect();
            let Ok(Held::Whole(whole, print)) = held(id, 50, &parts) else { panic!("they are whole") };
            prop_assert_eq!(&whole, &stored);
            let (key, marker) = encode_filed(id, print);
            let filed = [parts[0], (key[8], marker.as_slice())];
            prop_assert!(matches!(held(id, 50, &filed), Ok(Held::Filed(map, of)) if map == stored.map && of == print));
            prop_assert!(held(id, 50, &filed[1..]).is_err() && held(id, 50, &filed[..1]).is_err());
            parts.push(filed[1]);
            prop_assert!(matches!(held(id, 50, &parts), Ok(Held::Whole(..))), "both");
            let (_, other) = encode_filed(id, !print);
            parts.last_mut().unwrap().1 = &other;
            prop_assert!(matches!(held(id, 50, &parts), Ok(Held::Filed(_, of)) if of == !print), "the file's counts");
        }

        #[test]
        fn noise_is_never_a_map(noise in prop::collection::vec(any::<u8>(), 0..200), part in 0u8..3) {
            prop_assert!(decode_map(ImageId(1), &noise).is_err());
            prop_assert!(decode_vectors(ImageId(1), part, 8, &noise).is_err());
        }

        #[test]
        fn a_map_of_any_bytes_is_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let key = keys::region(ImageId(1), 0);
            let mut value = Encoder::new(MAP_V1);
            value.raw(&body);
            let _ = decode_map(ImageId(1), &value.seal(Table::Regions, &key));
        }
    }

    /// The bound that the store promises, for a base model with its default number of regions.
    #[test]
    fn an_image_takes_at_most_26_kilobytes() {
        const DIM: usize = 768;
        let side = 32;
        let labels: Vec<u8> = (0..side * side).map(|cell| (cell / side / 8 * 4 + cell % side / 8) as u8).collect();
        let members = (0..31).map(|i| if i < 16 { 1 << i } else { 1 | 1 << (i - 15) }).collect();
        let map = RegionMap::new(side, side, labels, members).unwrap();
        let vectors = vec![Quantised { scale: 0.01, values: vec![1; DIM], residual: vec![] }; 31];
        let bytes: usize =
            Stored { map, vectors }.encode(ImageId(7)).iter().map(|(key, value)| key.len() + value.len()).sum();
        let whole = 8 + 1 + 4 + 2 * DIM + 4; // the image's own vector in two planes: key, version, scale, planes, checksum
        assert!(bytes + whole <= 26_000, "{bytes}");
    }

    #[test]
    fn regions_that_do_not_fit_together_are_refused() {
        let mut regions = halves(2, 2, &[1.0, 0.0], &[0.0, 1.0]);
        assert!(Stored::of(&regions).is_some());
        regions.vectors.pop();
        assert!(Stored::of(&regions).is_none());
    }
}
