//! Tags of regions, and the labels that they are made of, as they are stored.
//!
//! ```text
//! region-tags    set (8) | fingerprint (4) | tag...      tag: label (2) | region (1) | score (2)
//!                                                        region 255: the image as a whole
//! region-labels  name (4, UTF-8) | scale (rest)          the scale is of whoever tags
//! ```
//!
//! Tags are derived: of the regions of their image, of whose map the fingerprint is, and of a set
//! of labels. Those of another set, or of other regions, count for nothing. A score is in steps of
//! 1/65,535.

use crate::ImageId;
use crate::store::codec::{Damage, Decoder, Encoder};
use crate::store::keys::{self, Table};

const TAGS_V1: u8 = 1;
const LABEL_V1: u8 = 1;
/// Bytes of a tag.
const TAG_BYTES: usize = 5;

/// A label that regions are tagged with.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionLabel {
    /// As it is shown and asked for.
    pub name: String,
    /// How cosines with it are read, in the form of whoever tags: kept, so that images that come
    /// later are judged as those before. 64 KiB at most.
    pub scale: Vec<u8>,
}

/// The labels that regions are tagged with.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionLabelSet {
    /// Names it: tags of another set are stale.
    pub set: u64,
    /// Images with regions that its scales were made for.
    pub made_for: usize,
    /// In the order of their numbers.
    pub labels: Vec<RegionLabel>,
}

/// The place that stands for the image as a whole.
const WHOLE: u8 = u8::MAX;

/// A tag of a region, or of the image as a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredRegionTag {
    /// The place of its label in the set.
    pub label: u16,
    /// The region, by its place in the image's map; `None` for the image as a whole.
    pub region: Option<u8>,
    /// Calibrated score, 0 to 1.
    pub score: f32,
}

/// The tags of an image as they are stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredTags {
    /// Of the labels.
    pub set: u64,
    /// Of the map of the regions.
    pub fingerprint: u32,
    pub tags: Vec<StoredRegionTag>,
}

impl StoredTags {
    pub fn encode(&self, id: ImageId) -> Vec<u8> {
        let mut value = Encoder::new(TAGS_V1);
        value.u64(self.set).u32(self.fingerprint);
        for tag in &self.tags {
            let score = (tag.score.clamp(0.0, 1.0) * f32::from(u16::MAX)).round() as u16;
            value.raw(&tag.label.to_le_bytes()).u8(tag.region.unwrap_or(WHOLE)).raw(&score.to_le_bytes());
        }
        value.seal(Table::RegionTags, &keys::image(id))
    }

    pub fn decode(id: ImageId, value: &[u8]) -> Result<Self, Damage> {
        let mut fields = Decoder::open(Table::RegionTags, &keys::image(id), value, TAGS_V1)?;
        let (set, fingerprint) = (fields.u64()?, fields.u32()?);
        let (tags, rest) = fields.rest().as_chunks::<TAG_BYTES>();
        if !rest.is_empty() {
            return Err(Damage::Short);
        }
        let tag = |&[label, more, region, score, high]: &[u8; TAG_BYTES]| StoredRegionTag {
            label: u16::from_le_bytes([label, more]),
            region: (region != WHOLE).then_some(region),
            score: f32::from(u16::from_le_bytes([score, high])) / f32::from(u16::MAX),
        };
        Ok(Self { set, fingerprint, tags: tags.iter().map(tag).collect() })
    }
}

/// Of the map of an image's regions, as it is stored.
pub(crate) fn fingerprint(map: &[u8]) -> u32 {
    crc32fast::hash(map)
}

pub(crate) fn encode_label(place: u16, label: &RegionLabel) -> Vec<u8> {
    let mut value = Encoder::new(LABEL_V1);
    value.str(&label.name).raw(&label.scale);
    value.seal(Table::RegionLabels, &keys::label(place))
}

pub(crate) fn decode_label(place: u16, value: &[u8]) -> Result<RegionLabel, Damage> {
    let mut fields = Decoder::open(Table::RegionLabels, &keys::label(place), value, LABEL_V1)?;
    Ok(RegionLabel { name: fields.string()?, scale: fields.rest().to_vec() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tags_read_back(set: u64, fingerprint: u32, id: u64, tags in prop::collection::vec((any::<u16>(), prop::option::of(0..WHOLE), any::<u16>()), 0..40)) {
            let tag = |(label, region, score): (u16, Option<u8>, u16)| {
                StoredRegionTag { label, region, score: f32::from(score) / f32::from(u16::MAX) }
            };
            let stored = StoredTags { set, fingerprint, tags: tags.into_iter().map(tag).collect() };
            let value = stored.encode(ImageId(id));
            prop_assert_eq!(value.len(), 17 + TAG_BYTES * stored.tags.len());
            prop_assert_eq!(StoredTags::decode(ImageId(id), &value), Ok(stored));
            prop_assert!(StoredTags::decode(ImageId(!id), &value).is_err());
        }

        #[test]
        fn labels_read_back(name in ".{0,20}", scale: Vec<u8>, place: u16) {
            let label = RegionLabel { name, scale };
            let value = encode_label(place, &label);
            prop_assert_eq!(decode_label(place, &value), Ok(label));
            prop_assert!(decode_label(!place, &value).is_err());
        }
    }

    #[test]
    fn a_value_that_is_cut_is_damaged() {
        let tag = StoredRegionTag { label: 3, region: Some(7), score: 0.5 };
        let whole = StoredTags { set: 1, fingerprint: 2, tags: vec![tag] };
        let fields = [[1; 8].as_slice(), &[2; 4], &[3; TAG_BYTES]].concat();
        for length in each(0..fields.len()) {
            let mut value = Encoder::new(TAGS_V1);
            value.raw(&fields[..length]);
            let read = StoredTags::decode(ImageId(1), &value.seal(Table::RegionTags, &keys::image(ImageId(1))));
            assert_eq!(read.is_ok(), length == 12, "{length}");
        }
        assert!((StoredTags::decode(ImageId(1), &whole.encode(ImageId(1))).unwrap().tags[0].score - 0.5).abs() < 1e-5);
    }
}
