//! Reading a table on all threads.

use rayon::prelude::*;

use super::Store;
use super::keys::{self, GraphId, Table};
use crate::hnsw::Node;
use crate::{ImageId, IndexError};

/// Parts for each thread: some take longer than others.
const PARTS: u64 = 4;

impl Store {
    /// Cuts a table whose keys begin with numbers of images into parts, and gives the bounds of
    /// each, the first key and the one behind the last, to `work`, on all threads of the current
    /// pool. The results are in the order of the keys.
    ///
    /// # Errors
    /// If the store fails, and those of `work`.
    pub(crate) fn par_images<T: Send>(
        &self,
        table: Table,
        work: impl Fn(&[u8], &[u8]) -> Result<T, IndexError> + Sync,
    ) -> Result<Vec<T>, IndexError> {
        let end = [0xff; 10]; // behind every key
        let number = |key: &[u8]| key.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let last = self.last_key(table, &[], &end)?.map_or(0, |key| number(&key));
        in_parts(last, |number| keys::image(ImageId(number)).to_vec(), &end, work)
    }

    /// As [`Store::par_images`], for the nodes of a graph.
    ///
    /// # Errors
    /// As [`Store::par_images`].
    pub(crate) fn par_nodes<T: Send>(
        &self,
        graph: GraphId,
        work: impl Fn(&[u8], &[u8]) -> Result<T, IndexError> + Sync,
    ) -> Result<Vec<T>, IndexError> {
        let end = graph.end();
        let last = self.last_key(Table::Links, &[graph.0], &end)?;
        let last = last.and_then(|key| keys::parse_node(&key)).map_or(0, |(_, node)| node.0);
        in_parts(last.into(), |number| graph.node(Node(number as u32)).to_vec(), &end, work)
    }
}

fn in_parts<T: Send>(
    last: u64,
    key: impl Fn(u64) -> Vec<u8> + Sync,
    end: &[u8],
    work: impl Fn(&[u8], &[u8]) -> Result<T, IndexError> + Sync,
) -> Result<Vec<T>, IndexError> {
    let part = last / (PARTS * rayon::current_num_threads() as u64) + 1;
    let parts = (0..=last / part).into_par_iter().map(|i| {
        let end = match (i + 1).checked_mul(part) {
            Some(next) if next <= last => key(next),
            _ => end.to_vec(),
        };
        work(&key(i * part), &end)
    });
    parts.collect()
}
