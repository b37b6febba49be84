//! Checking the graph of images, part by part, and the files of regions: others write meanwhile.

use super::VerifyReport;
use crate::IndexError;
use crate::fault;
use crate::hnsw::{Hnsw, Node};
use crate::index::Index;
use crate::store::keys::GraphId;

/// Nodes that are checked in one turn, some ten milliseconds.
const NODES_AT_ONCE: u32 = if cfg!(test) { 32 } else { 8192 };

impl Index {
    /// Every image's vector is a node of the graph, the store holds the graph as it is, and the
    /// files of regions are as they were written.
    pub(super) fn check_graphs(&self, repair: bool, report: &mut VerifyReport) -> Result<(), IndexError> {
        if let Some(problem) = self.graph_fault()? {
            report.problems.push(problem);
            if repair {
                let _writer = self.writer.lock();
                self.drop_graph()?;
                report.repaired.push("made the graph anew".to_owned());
            }
        }
        self.check_region_files(repair, report)
    }

    /// What is wrong with the graph of images in memory or its nodes in the store, if anything.
    fn graph_fault(&self) -> Result<Option<String>, IndexError> {
        match self.graph.get() {
            None => Ok(self.graph.fault()),
            Some(graph) => {
                let fault = self.fault_of(&graph)?;
                // A step that failed meanwhile gave the graph up.
                Ok(if self.graph.has(&graph) { fault } else { self.graph.fault() })
            }
        }
    }

    /// What is wrong with the graph, or with its nodes in the store, if anything. The caller has no
    /// turn to write.
    fn fault_of(&self, graph: &Hnsw) -> Result<Option<String>, IndexError> {
        let damaged = |reason: String| Ok(Some(format!("the graph is damaged ({reason})")));
        let differs = || Ok(Some("the graph in the store is not the one in memory".to_owned()));
        let tree = {
            let _writer = self.writer.lock();
            match self.store.graph_entry(GraphId::IMAGES) {
                Err(error @ IndexError::Corrupt { .. }) => return Ok(Some(error.to_string())),
                Err(error) => return Err(error),
                Ok(None) => return differs(),
                Ok(Some(_)) => {}
            }
            let lacks = graph.unlinked().len();
            if lacks > 0 {
                return damaged(format!("{lacks} images have no node"));
            }
            match graph.validate_nodes() {
                Ok(tree) => tree,
                Err(reason) => return damaged(reason),
            }
        };
        fault::nobody_waits();
        if let Err(reason) = tree.validate() {
            return damaged(reason);
        }
        let mut first = Node(0);
        loop {
            let writer = self.writer.lock();
            let is_more = match graph.validate_links(first, NODES_AT_ONCE) {
                Ok(is_more) => is_more,
                Err(reason) => return damaged(reason),
            };
            let count = if is_more { NODES_AT_ONCE } else { u32::MAX };
            let stored = match self.store.nodes_from(GraphId::IMAGES, first, count) {
                Err(error @ IndexError::Corrupt { .. }) => return Ok(Some(error.to_string())),
                stored => stored?,
            };
            if stored != graph.records(first, count).unwrap_or_default() {
                return differs();
            }
            drop(writer);
            if !is_more {
                return Ok(None);
            }
            first.0 += NODES_AT_ONCE;
            fault::nobody_waits();
        }
    }
}
