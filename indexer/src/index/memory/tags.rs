//! Keywords of images. Those that differ in case alone are one, spelled as it came first.

use super::{Memory, NO_DATE, number_by_key};
use crate::{IdSet, ImageId, ImageRecord, TagCount};

impl Memory {
    /// Replaces the keywords of an image.
    pub(super) fn put_tags(&mut self, record: &ImageRecord) {
        let place = record.id.0 as usize;
        if record.keywords.is_empty() {
            return self.tags.remove(place);
        }
        let mut tags: Vec<u32> = record.keywords.iter().map(|keyword| self.tag(keyword)).collect();
        tags.sort_unstable();
        tags.dedup();
        self.tags.put(place, tags.into());
    }

    /// Numbers of the keywords of an image.
    pub(super) fn tags_of(&self, id: ImageId) -> &[u32] {
        self.tags.get(id.0 as usize).map_or(&[], |tags| tags)
    }

    /// Keywords of the images of `among`, most frequent first, each with its newest image.
    pub(in crate::index) fn tag_counts(&self, among: &IdSet) -> Vec<TagCount> {
        let mut counts: Vec<Option<(usize, (i64, ImageId))>> = vec![None; self.tag_names.len()];
        for (number, tags) in self.tags.iter() {
            let id = ImageId(number as u64);
            if !among.contains(id) {
                continue;
            }
            let date = (self.row(id).map_or(NO_DATE, |row| row.taken), id);
            for &tag in tags.iter() {
                let Some(count) = counts.get_mut(tag as usize) else { continue };
                let (images, newest) = count.unwrap_or((0, date));
                *count = Some((images + 1, newest.max(date)));
            }
        }
        let counted = self.tag_names.iter().zip(counts).filter_map(|(tag, count)| Some((tag, count?)));
        let mut counted: Vec<_> =
            counted.map(|(tag, (images, (_, newest)))| TagCount { tag: tag.to_owned(), images, newest }).collect();
        counted.sort_by(|a, b| b.images.cmp(&a.images).then_with(|| a.tag.cmp(&b.tag)));
        counted
    }

    fn tag(&mut self, keyword: &str) -> u32 {
        number_by_key(&mut self.tag_names, &keyword.to_lowercase(), keyword)
    }
}
