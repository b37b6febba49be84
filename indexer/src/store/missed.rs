//! What the snapshot of a graph has missed: the steps that the store took since.
//!
//! `changes` says which images changed, but has only the newest change of each, and says nothing of
//! nodes. So while there is a snapshot, a step also writes which nodes it changed (`relinked`), and
//! from which revision to which it led. Together the entries must lead from the snapshot's revision
//! to the newest one without a gap: steps of a program that knows of no snapshot, and steps that
//! were taken without one, leave a gap, and the snapshot does not count any more.

use super::keys::{self, GraphId, Table};
use super::{Batch, Store, records};
use crate::hnsw::Node;
use crate::{ImageId, IndexError};

/// What happened since a revision.
pub(crate) struct Missed {
    /// Images that came, changed or went, and their newest change.
    pub(crate) changes: Vec<(u64, ImageId)>,
    /// Nodes that came, changed or went, rising.
    pub(crate) nodes: Vec<Node>,
    pub(crate) steps: Steps,
}

/// How much there is to be read again.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Steps {
    pub(crate) count: usize,
    /// Nodes that they changed, as often as they did.
    pub(crate) nodes: usize,
}

impl Steps {
    pub(crate) fn add(&mut self, nodes: usize) {
        self.count += 1;
        self.nodes += nodes;
    }
}

impl Batch {
    /// Notes what this step, which leads from one revision to another, does to a graph.
    pub(crate) fn put_step(&mut self, graph: GraphId, before: u64, revision: u64, nodes: &[Node]) {
        let value = records::encode_relinked(graph, revision, before, nodes);
        self.put(Table::Relinked, &graph.step(revision), value);
    }
}

impl Store {
    /// What happened to images and to the nodes of a graph since a revision.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] if that is not wholly known.
    pub(crate) fn missed_since(&self, graph: GraphId, revision: u64) -> Result<Missed, IndexError> {
        let (mut nodes, steps) = self.steps_since(graph, revision)?;
        nodes.sort_unstable();
        nodes.dedup();
        let mut changes = Vec::new();
        for entry in self.range(Table::Changes, &revision.saturating_add(1).to_be_bytes(), &[0xff; 9]) {
            let (key, value) = entry?;
            let revision = keys::parse_revision(&key).ok_or_else(|| self.unknown(&"a key"))?;
            let id = records::decode_id(Table::Changes, &key, &value).map_err(|damage| self.unknown(&damage))?;
            changes.push((revision, id));
        }
        Ok(Missed { changes, nodes, steps })
    }

    /// The nodes of a graph that came, changed or went since a revision, step by step.
    ///
    /// # Errors
    /// As [`Store::missed_since`].
    pub(crate) fn steps_since(&self, graph: GraphId, revision: u64) -> Result<(Vec<Node>, Steps), IndexError> {
        let (mut nodes, mut steps, mut reached) = (Vec::new(), Steps::default(), revision);
        for entry in self.range(Table::Relinked, &graph.step(revision.saturating_add(1)), &graph.end()) {
            let (key, value) = entry?;
            let (_, after) = keys::parse_step(&key).ok_or_else(|| self.unknown(&"a key"))?;
            let (before, changed) =
                records::decode_relinked(graph, after, &value).map_err(|damage| self.unknown(&damage))?;
            if before != reached {
                return Err(self.unknown(&"there are gaps"));
            }
            reached = after;
            steps.add(changed.len());
            nodes.extend(changed);
        }
        if reached != self.last_revision()? {
            return Err(self.unknown(&"there are later changes"));
        }
        Ok((nodes, steps))
    }

    fn unknown(&self, reason: &dyn std::fmt::Display) -> IndexError {
        self.corrupt("what changed last".to_owned(), reason)
    }

    /// Forgets what steps up to a revision did to a graph.
    pub(crate) fn forget_steps(&self, graph: GraphId, revision: u64) -> Result<(), IndexError> {
        let end = revision.checked_add(1).map_or(graph.end().to_vec(), |next| graph.step(next).to_vec());
        self.remove_range(Table::Relinked, &[graph.0], &end)
    }
}
