//! Which images show which label, in memory: 8 bytes for each label that an image shows.

use crate::regions::{RegionLabelSet, StoredRegionTag};
use crate::{IdSet, ImageId};

/// What all images show, by the place of the label in its set.
pub(super) struct Shown {
    pub labels: RegionLabelSet,
    /// Numbers of the images that show it, rising.
    by_label: Vec<Vec<ImageId>>,
    /// Images that were looked at with these labels, whether they show one or not.
    looked_at: IdSet,
}

impl Shown {
    /// Of no image yet.
    pub fn of(labels: RegionLabelSet) -> Self {
        let by_label = vec![Vec::new(); labels.labels.len()];
        Self { labels, by_label, looked_at: IdSet::default() }
    }

    /// The regions of an image show these, in place of what they showed.
    pub fn put(&mut self, id: ImageId, tags: &[StoredRegionTag]) {
        self.remove(id);
        self.looked_at.insert(id);
        for tag in tags.iter().filter(|tag| tag.region.is_some()) {
            let Some(images) = self.by_label.get_mut(usize::from(tag.label)) else { continue };
            if let Err(place) = images.binary_search(&id) {
                images.insert(place, id);
            }
        }
    }

    /// Nothing is known of an image any more.
    pub fn remove(&mut self, id: ImageId) {
        if !self.looked_at.remove(id) {
            return;
        }
        for images in &mut self.by_label {
            if let Ok(place) = images.binary_search(&id) {
                images.remove(place);
            }
        }
    }

    pub fn is_known(&self, id: ImageId) -> bool {
        self.looked_at.contains(id)
    }

    /// Number of images that were looked at.
    pub fn images(&self) -> usize {
        self.looked_at.len()
    }

    /// The images that show one of these labels, whatever the case.
    pub fn showing(&self, names: &[String]) -> Vec<ImageId> {
        let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let labels = self.labels.labels.iter().zip(&self.by_label);
        let asked = labels.filter(|(label, _)| names.contains(&label.name.to_lowercase()));
        asked.flat_map(|(_, images)| images.iter().copied()).collect()
    }

    /// Each label with the images that show it.
    pub fn each(&self) -> impl Iterator<Item = (&str, &[ImageId])> {
        self.labels.labels.iter().zip(&self.by_label).map(|(label, images)| (label.name.as_str(), images.as_slice()))
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let labels = self.labels.labels.iter().map(|label| label.name.len() + label.scale.len());
        labels.sum::<usize>()
            + self.by_label.iter().map(|images| images.capacity() * size_of::<ImageId>()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regions::RegionLabel;

    #[test]
    fn an_image_counts_once_for_a_label_and_can_be_replaced() {
        let label = |name: &str| RegionLabel { name: name.to_owned(), scale: Vec::new() };
        let labels = RegionLabelSet { set: 1, made_for: 0, labels: vec![label("Dog"), label("ball")] };
        let mut shown = Shown::of(labels);
        let tag = |label, region| StoredRegionTag { label, region: Some(region), score: 0.9 };
        let whole = |label| StoredRegionTag { region: None, ..tag(label, 0) };
        shown.put(ImageId(5), &[tag(0, 1), tag(0, 2), tag(1, 3), tag(9, 1)]);
        shown.put(ImageId(3), &[whole(0)]);
        shown.put(ImageId(2), &[tag(0, 1)]);
        shown.put(ImageId(7), &[]);
        let asked = |names: &[&str], shown: &Shown| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            shown.showing(&names)
        };
        assert_eq!(asked(&["dog"], &shown), [ImageId(2), ImageId(5)]);
        assert_eq!((asked(&["BALL", "cat"], &shown), asked(&["do"], &shown)), (vec![ImageId(5)], vec![]));
        assert_eq!((shown.images(), shown.is_known(ImageId(7))), (4, true));
        shown.put(ImageId(5), &[tag(1, 3)]);
        shown.remove(ImageId(2));
        assert_eq!((asked(&["dog"], &shown), shown.images()), (vec![], 3));
    }
}
