//! Graphs in the store: one small value a node, written in the step that changed it.
//!
//! What is said of the whole graph (its parameters) is an entry of `meta`. It is written last when
//! a graph was built and removed first when it is given up, so without it the nodes count for
//! nothing.

use rayon::prelude::*;

use super::keys::{self, GraphId, Table};
use super::{Batch, Store, records};
use crate::IndexError;
use crate::hnsw::{Change, Hnsw, HnswParams, Node, NodeRecord};
use crate::snapshot::SnapshotManifest;

/// Nodes that are written or removed in one step.
const CHUNK: u32 = 2048;

/// What is said of a whole graph.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct GraphEntry {
    #[serde(flatten)]
    pub(crate) params: HnswParams,
    /// Some vectors had no node yet when it was written.
    #[serde(default)]
    pub(crate) partial: bool,
    /// The snapshot of it that counts. It stands here so that whoever replaces the graph or gives
    /// it up, this program or an older one, gives up the snapshot in the same step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<SnapshotEntry>,
}

/// Which snapshot of a graph counts.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SnapshotEntry {
    /// It holds what there was at this revision.
    pub(crate) revision: u64,
    /// Nodes that the graph had.
    #[serde(default)]
    pub(crate) nodes: usize,
    /// Of the file.
    #[serde(rename = "seal")]
    pub(crate) manifest: SnapshotManifest,
}

/// A graph as the store holds it.
pub(crate) struct StoredGraph {
    pub(crate) params: HnswParams,
    /// In order of nodes.
    pub(crate) nodes: Vec<(Node, NodeRecord)>,
}

impl Batch {
    /// Notes what a step does to the nodes of a graph.
    pub(crate) fn put_nodes(&mut self, graph: GraphId, changes: &[Change]) {
        for (node, record) in changes {
            match record {
                Some(record) => {
                    self.put(Table::Links, &graph.node(*node), records::encode_node(graph, *node, record));
                }
                None => self.remove(Table::Links, &graph.node(*node)),
            }
        }
    }

    /// Gives a graph up in this step.
    pub(crate) fn drop_graph(&mut self, graph: GraphId) {
        self.remove(Table::Meta, &graph.meta());
    }
}

impl Store {
    /// What is said of a graph; `None` if there is none.
    pub(crate) fn graph_entry(&self, graph: GraphId) -> Result<Option<GraphEntry>, IndexError> {
        let json = self.json(&graph.meta(), "the entry of the graph")?;
        let entry = json.map(|json| serde_json::from_str(&json)).transpose();
        entry.map_err(|error| self.corrupt("the entry of the graph".to_owned(), error))
    }

    /// Reads a graph on all threads of the current pool; `None` if there is none.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] if a node is damaged.
    pub(crate) fn read_graph(&self, graph: GraphId) -> Result<Option<StoredGraph>, IndexError> {
        let Some(GraphEntry { params, .. }) = self.graph_entry(graph)? else { return Ok(None) };
        let nodes = self.par_nodes(graph, |start, end| {
            let nodes = self.range(Table::Links, start, end).map(|entry| {
                let (key, value) = entry?;
                self.node_of(&key, &value)
            });
            nodes.collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Some(StoredGraph { params, nodes: nodes.into_iter().flatten().collect() }))
    }

    /// Reads some nodes of a graph on all threads of the current pool; `None` for those that are
    /// not there.
    ///
    /// # Errors
    /// As [`Store::read_graph`].
    pub(crate) fn read_nodes(&self, graph: GraphId, nodes: &[Node]) -> Result<Vec<Change>, IndexError> {
        let read = |&node: &Node| {
            let key = graph.node(node);
            let value = self.get(Table::Links, &key)?;
            let record = value.map(|value| Ok::<_, IndexError>(self.node_of(&key, &value)?.1)).transpose()?;
            Ok((node, record))
        };
        nodes.par_iter().map(read).collect()
    }

    /// The nodes of a graph from `first` on, those that are stored of `count` numbers.
    ///
    /// # Errors
    /// As [`Store::read_graph`].
    pub(crate) fn nodes_from(
        &self,
        graph: GraphId,
        first: Node,
        count: u32,
    ) -> Result<Vec<(Node, NodeRecord)>, IndexError> {
        let end = first.0.checked_add(count).map_or(graph.end().to_vec(), |end| graph.node(Node(end)).to_vec());
        let nodes = self.range(Table::Links, &graph.node(first), &end).map(|entry| {
            let (key, value) = entry?;
            self.node_of(&key, &value)
        });
        nodes.collect()
    }

    fn node_of(&self, key: &[u8], value: &[u8]) -> Result<(Node, NodeRecord), IndexError> {
        let damaged = |reason: &dyn std::fmt::Display| self.corrupt("a node of the graph".to_owned(), reason);
        let (graph, node) = keys::parse_node(key).ok_or_else(|| damaged(&"its key"))?;
        let record = records::decode_node(graph, node, value).map_err(|damage| damaged(&damage))?;
        Ok((node, record))
    }

    /// Replaces in a step what is said of a whole graph.
    pub(crate) fn put_graph_entry(
        &self,
        batch: &mut Batch,
        graph: GraphId,
        entry: &GraphEntry,
    ) -> Result<(), IndexError> {
        let json = serde_json::to_string(entry);
        let json = json.map_err(|error| self.corrupt("the entry of the graph".to_owned(), error))?;
        batch.put(Table::Meta, &graph.meta(), records::encode_json(&graph.meta(), &json));
        Ok(())
    }

    /// Gives up in a step the snapshot of a graph, if there is one.
    pub(crate) fn invalidate_snapshot(&self, batch: &mut Batch, graph: GraphId) -> Result<(), IndexError> {
        match self.graph_entry(graph)? {
            Some(entry) => self.put_graph_entry(batch, graph, &GraphEntry { snapshot: None, ..entry }),
            None => Ok(()),
        }
    }

    /// Writes a graph as a whole, in place of the one that was there. Between the first and the
    /// last step there is none. Each part is written in a `turn`, in which others do not change the
    /// graph; between turns they may, and write what they changed. Without a turn the work ends,
    /// and it is false that there is a graph.
    pub(crate) fn write_graph<T>(
        &self,
        graph: GraphId,
        hnsw: &Hnsw,
        mut turn: impl FnMut() -> Option<T>,
    ) -> Result<bool, IndexError> {
        self.clear_graph(graph)?;
        let mut first = 0;
        loop {
            let Some(_turn) = turn() else { return Ok(false) };
            let mut batch = Batch::default();
            let Some(nodes) = hnsw.records(Node(first), CHUNK) else {
                let entry = GraphEntry { params: hnsw.params(), partial: !hnsw.unlinked().is_empty(), snapshot: None };
                self.put_graph_entry(&mut batch, graph, &entry)?;
                self.apply(&batch)?;
                break;
            };
            let changes: Vec<Change> = nodes.into_iter().map(|(node, record)| (node, Some(record))).collect();
            batch.put_nodes(graph, &changes);
            self.apply(&batch)?;
            first += CHUNK;
        }
        self.sync()?;
        Ok(true)
    }

    /// Forgets a graph.
    pub(crate) fn clear_graph(&self, graph: GraphId) -> Result<(), IndexError> {
        let mut batch = Batch::default();
        batch.drop_graph(graph);
        self.apply(&batch)?;
        self.remove_range(Table::Links, &[graph.0], &graph.end())?;
        self.forget_steps(graph, u64::MAX)
    }

    /// Removes all entries of a table, some at a time.
    pub(crate) fn clear_table(&self, table: Table) -> Result<(), IndexError> {
        self.remove_range(table, &[], &[0xff; 10])
    }

    /// Removes all entries of a table with keys from `start` up to but not including `end`, some at
    /// a time.
    pub(super) fn remove_range(&self, table: Table, start: &[u8], end: &[u8]) -> Result<(), IndexError> {
        loop {
            let mut batch = Batch::default();
            let mut some = false;
            for entry in self.range(table, start, end).take(CHUNK as usize) {
                batch.remove(table, &entry?.0);
                some = true;
            }
            if !some {
                return Ok(());
            }
            self.apply(&batch)?;
        }
    }
}
