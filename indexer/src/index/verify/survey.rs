//! What the tables hold, read once and whole.

use std::collections::BTreeMap;

use crate::regions::format;
use crate::store::Store;
use crate::store::codec::Damage;
use crate::store::keys::{self, PathHash, Table};
use crate::store::records;
use crate::{ContentHash, ImageId, IndexError};

/// Entries of all tables; a damaged value is there with its damage.
pub(super) struct Survey {
    /// The content that each record names.
    pub(super) images: BTreeMap<ImageId, Result<ContentHash, Damage>>,
    pub(super) vectors: BTreeMap<ImageId, Result<(), Damage>>,
    /// The regions of each image: their parts, and what is wrong with them.
    pub(super) regions: BTreeMap<ImageId, (Vec<u8>, Result<(), Damage>)>,
    /// The image that each file holds.
    pub(super) files: BTreeMap<PathHash, Result<ImageId, Damage>>,
    pub(super) links: Vec<(ImageId, PathHash)>,
    pub(super) content: BTreeMap<[u8; 16], Result<ImageId, Damage>>,
    pub(super) changes: BTreeMap<u64, Result<ImageId, Damage>>,
    pub(super) next_id: Result<ImageId, Damage>,
    /// Entries whose keys have another length than all keys of their table.
    pub(super) strays: Vec<(Table, Vec<u8>)>,
}

impl Survey {
    pub(super) fn read(store: &Store, dim: usize) -> Result<Self, IndexError> {
        let mut survey = Self {
            images: BTreeMap::new(),
            vectors: BTreeMap::new(),
            regions: BTreeMap::new(),
            files: BTreeMap::new(),
            links: Vec::new(),
            content: BTreeMap::new(),
            changes: BTreeMap::new(),
            next_id: Ok(ImageId(0)),
            strays: Vec::new(),
        };
        for table in Table::ALL {
            for entry in store.entries(table) {
                let (key, value) = entry?;
                if survey.note(table, &key, &value, dim).is_none() {
                    survey.strays.push((table, key.to_vec()));
                }
            }
        }
        for (&id, (parts, state)) in &mut survey.regions {
            let values = store.region_parts(id)?;
            *parts = values.iter().map(|(part, _)| *part).collect();
            *state = format::decode(id, dim, &values).map(|_| ());
        }
        Ok(survey)
    }

    /// `None` if the key is not one of this table.
    fn note(&mut self, table: Table, key: &[u8], value: &[u8], dim: usize) -> Option<()> {
        match table {
            Table::Images => {
                let id = keys::parse_image(key)?;
                self.images.insert(id, records::decode_image(id, value).map(|record| record.content));
            }
            Table::Vectors => {
                let id = keys::parse_image(key)?;
                self.vectors.insert(id, records::decode_vector(id, dim, value).map(|_| ()));
            }
            Table::Files => {
                let hash = keys::parse_path(key)?;
                self.files.insert(hash, records::decode_file(hash, value).map(|file| file.image));
            }
            Table::Regions => {
                self.regions.entry(keys::parse_region(key)?.0).or_insert((Vec::new(), Ok(())));
            }
            Table::FilesOfImage => self.links.push(keys::parse_file_of_image(key)?),
            Table::Content => {
                self.content.insert(key.try_into().ok()?, records::decode_id(table, key, value));
            }
            Table::Changes => {
                self.changes.insert(keys::parse_revision(key)?, records::decode_id(table, key, value));
            }
            // Nodes are checked with their graph.
            Table::Links => drop(keys::parse_node(key)?),
            Table::Unlinked => drop(keys::parse_image(key)?),
            // What a snapshot missed is looked at when it is read.
            Table::Relinked => drop(keys::parse_step(key)?),
            Table::Meta if key == keys::meta::NEXT_ID => self.next_id = records::decode_id(table, key, value),
            // The manifest was read when the index was opened; the graph's entry is checked with the graph.
            Table::Meta => {}
        }
        Some(())
    }
}
