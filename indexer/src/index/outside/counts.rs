//! How many regions each image has, and how large the largest is: what questions about regions ask
//! of all images, five bytes of each. The vectors themselves would be too many to look through.

use crate::store::codec::{Damage, Decoder, Encoder};
use crate::store::keys::Table;
use crate::{IdSet, ImageId};

/// Images whose counts are one value of the store.
const PER_PART: usize = 4096;
const V1: u8 = 1;
const KEY: &str = "region-counts";

/// Regions of one image.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Count {
    pub regions: u8,
    /// Share of the image that the largest of them covers.
    pub largest: f32,
}

/// Of all images, by number.
#[derive(Debug, Default)]
pub(super) struct RegionCounts {
    counts: Vec<Count>,
    with_regions: IdSet,
    regions: usize,
}

impl RegionCounts {
    /// The first key of the parts of a server with this name, and one behind the last.
    pub fn keys(name: &str) -> (Vec<u8>, Vec<u8>) {
        (format!("{KEY}/{name}/").into_bytes(), format!("{KEY}/{name}0").into_bytes())
    }

    pub fn get(&self, id: ImageId) -> Option<Count> {
        self.counts.get(id.0 as usize).copied().filter(|count| count.regions > 0)
    }

    /// Gives the part of the store that is another now.
    pub fn set(&mut self, id: ImageId, count: Count) -> usize {
        let place = id.0 as usize;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, Count::default());
        }
        self.regions = self.regions + usize::from(count.regions) - usize::from(self.counts[place].regions);
        self.counts[place] = count;
        match count.regions {
            0 => self.with_regions.remove(id),
            _ => self.with_regions.insert(id),
        };
        place / PER_PART
    }

    /// Images that have some.
    pub fn images(&self) -> &IdSet {
        &self.with_regions
    }

    /// Number of all regions.
    pub fn regions(&self) -> usize {
        self.regions
    }

    pub fn memory(&self) -> usize {
        self.counts.len() * size_of::<Count>()
    }

    /// Key and value of a part, of a server with this name.
    pub fn encode(&self, name: &str, part: usize) -> (Vec<u8>, Vec<u8>) {
        let key = [&Self::keys(name).0[..], &(part as u32).to_be_bytes()].concat();
        let mut value = Encoder::new(V1);
        for count in self.counts.iter().skip(part * PER_PART).take(PER_PART) {
            value.u8(count.regions).u32(count.largest.to_bits());
        }
        let value = value.seal(Table::Meta, &key);
        (key, value)
    }

    /// Puts a part in its place.
    pub fn decode(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damage> {
        let mut fields = Decoder::open(Table::Meta, key, value, V1)?;
        let part = key.last_chunk().map_or(0, |part| u32::from_be_bytes(*part)) as usize;
        let (counts, _) = fields.rest().as_chunks::<5>();
        for (place, &[regions, a, b, c, d]) in (part * PER_PART..).zip(counts) {
            let largest = f32::from_bits(u32::from_le_bytes([a, b, c, d]));
            if regions > 0 {
                self.set(ImageId(place as u64), Count { regions, largest });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_back_part_by_part() {
        let mut counts = RegionCounts::default();
        assert_eq!(counts.set(ImageId(3), Count { regions: 31, largest: 1.0 }), 0);
        assert_eq!(counts.set(ImageId(5000), Count { regions: 2, largest: 0.25 }), 1);
        assert_eq!(counts.set(ImageId(4), Count { regions: 9, largest: 0.5 }), 0);
        counts.set(ImageId(4), Count::default());
        assert_eq!((counts.regions(), counts.images().len()), (33, 2));
        let mut again = RegionCounts::default();
        let (first, end) = RegionCounts::keys("a");
        for part in [1, 0] {
            let (key, value) = counts.encode("a", part);
            assert!((&first..&end).contains(&&key));
            assert!(!(RegionCounts::keys("ab").0..RegionCounts::keys("ab").1).contains(&key), "another name");
            again.decode(&key, &value).unwrap();
        }
        assert_eq!((again.regions(), again.images()), (33, counts.images()));
        assert_eq!(again.get(ImageId(5000)), Some(Count { regions: 2, largest: 0.25 }));
        assert_eq!(again.get(ImageId(4)), None);
        assert!(again.decode(&counts.encode("a", 0).0, &counts.encode("a", 1).1).is_err(), "a part in another's place");
    }
}
