//! What users may set, and what they may ask.

/// How the graph is built and searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HnswParams {
    /// Links of a node (M, 4 to 128); twice as many fit.
    pub m: usize,
    /// Candidates that are looked at for the links of a new node, 8 to 2,000.
    pub ef_construction: usize,
    /// Candidates of a search, 8 to 10,000: more find more and take longer.
    pub ef_search: usize,
}

impl Default for HnswParams {
    fn default() -> Self {
        Self { m: 16, ef_construction: 128, ef_search: 64 }
    }
}

impl HnswParams {
    /// The nearest values within the ranges.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            m: self.m.clamp(4, 128),
            ef_construction: self.ef_construction.clamp(8, 2000),
            ef_search: self.ef_search.clamp(8, 10_000),
        }
    }
}

/// Numbers about a graph.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GraphStats {
    /// Nodes, dead ones included.
    pub nodes: usize,
    /// Nodes whose image was removed or changed (hnsw_rs only).
    pub dead: usize,
    /// Images that the graph does not reach, compared one by one instead (hnsw_rs only).
    pub unreachable: usize,
    /// Links of a node, on average.
    pub links_per_node: f32,
}
