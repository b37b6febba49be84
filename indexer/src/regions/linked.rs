//! Which regions have a node.

use std::sync::Arc;

use crate::hnsw::Hnsw;
use crate::{VectorId, VectorSet};

/// The graph, if there is one.
#[derive(Default)]
pub(super) struct Linked {
    pub(super) graph: Option<Arc<Hnsw>>,
    /// The graph, or a new one, while regions are being linked. The store has it as it was before,
    /// or none.
    pub(super) linking: Option<Linking>,
    /// Keys of the regions that the graph lacks; empty without a graph.
    pub(super) unlinked: VectorSet,
    /// Why what is stored cannot be used, if that is so.
    pub(super) fault: Option<String>,
}

pub(super) struct Linking {
    pub(super) graph: Arc<Hnsw>,
    /// Nodes have left it.
    pub(super) is_changed: bool,
}

impl Linked {
    pub(super) fn note_new(&mut self, key: VectorId) {
        if self.graph.is_some() {
            self.unlinked.insert(key);
        }
    }
}
