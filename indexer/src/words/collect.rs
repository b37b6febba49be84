//! Collects the best images of a word search, by score and then by id.

use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use crate::vectors::{Scored, Top};
use crate::{IdSet, ImageId};

/// The best `k` images, among `allowed` if given.
pub struct TopImages {
    pub k: usize,
    pub allowed: Option<Arc<IdSet>>,
    /// Name of the column with the image's number.
    pub id_column: &'static str,
}

pub struct TopOfSegment {
    top: Top<ImageId>,
    allowed: Option<Arc<IdSet>>,
    ids: Column<u64>,
}

impl Collector for TopImages {
    type Fruit = Vec<Scored>;
    type Child = TopOfSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<TopOfSegment> {
        let ids = segment.fast_fields().u64(self.id_column)?;
        Ok(TopOfSegment { top: Top::new(self.k), allowed: self.allowed.clone(), ids })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Top<ImageId>>) -> tantivy::Result<Vec<Scored>> {
        Ok(segments.into_iter().fold(Top::new(self.k), Top::merge).into_sorted())
    }
}

impl SegmentCollector for TopOfSegment {
    type Fruit = Top<ImageId>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let Some(id) = self.ids.first(doc).map(ImageId) else { return };
        if self.allowed.as_ref().is_none_or(|allowed| allowed.contains(id)) {
            self.top.push(Scored { id, score });
        }
    }

    fn harvest(self) -> Top<ImageId> {
        self.top
    }
}
