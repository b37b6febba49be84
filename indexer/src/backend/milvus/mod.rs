//! Vectors on a Milvus server, by its gRPC interface.
//!
//! The official client pins crates by which words are cut for everybody who builds this program,
//! and brings a compiler of messages for eight systems; what is used of the interface is small, so
//! its messages are written down here ([`messages`]) and spoken with `tonic`.

mod client;
mod collections;
mod columns;
mod expression;
mod messages;
mod search;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use self::client::{Client, Patience};
use self::collections::{VECTOR, pair};
use self::columns::{Columns, floats_of, longs_of};
use self::messages::{Changed, Consistency, Delete, Pair, Queried, Query, Upsert};
use super::{Capabilities, FedBackend, Kind, Row, VectorBackend, VectorsAt};
use crate::regions::RegionId;
use crate::vectors::{ScoredVector, check_width};
use crate::{Among, ImageId, IndexError, VectorId};

/// Most vectors that one search or query gives, by the server's default settings.
const MOST_FOUND: usize = 16_384;
/// Most bytes of vectors in one request; servers take 64 MiB.
const REQUEST_BYTES: usize = 16 << 20;
/// Images that are deleted at once: 64 numbers of regions each.
const DELETED_AT_ONCE: usize = 128;
/// Regions that an image may have.
const REGIONS: u8 = 64;

/// The collections of one generation on a server.
pub struct Milvus {
    client: Client,
    at: VectorsAt,
    dim: usize,
    version: OnceLock<(u32, u32, u32)>,
    /// Of the last change that this process made: its searches see it.
    written: AtomicU64,
}

impl Milvus {
    /// The server at `at`, for vectors of `dim`; nothing is sent yet.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] for an address or a setting that makes no sense.
    pub fn new(at: &VectorsAt, dim: usize) -> Result<Self, IndexError> {
        let fits = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !fits(&at.prefix) || !plain(&at.prefix) || !plain(&at.name) {
            let reason = format!("`{}` cannot begin a collection's name: give letters, digits and _", at.prefix);
            return Err(IndexError::Vectors { url: at.url.clone(), reason });
        }
        let client = Client::new(at)?;
        Ok(Self { client, at: at.clone(), dim, version: OnceLock::new(), written: AtomicU64::new(0) })
    }

    /// What a search has to see: what this process wrote, and of others what is some seconds old.
    fn consistency(&self) -> (i32, u64) {
        match self.written.load(Ordering::Acquire) {
            0 => (Consistency::Bounded as i32, 0),
            timestamp => (Consistency::Session as i32, timestamp),
        }
    }

    fn note_written(&self, changed: &Changed) {
        // What is removed at a time is seen to be gone after it.
        self.written.fetch_max(changed.timestamp + 1, Ordering::AcqRel);
    }

    fn send(&self, of: Kind, columns: Columns) -> Result<(), IndexError> {
        let rows = columns.len() as u32;
        if rows == 0 {
            return Ok(());
        }
        let upsert = Upsert {
            database: self.at.database.clone(),
            collection: self.collection(of),
            fields: columns.fields(self.dim),
            hash_keys: Vec::new(),
            rows,
        };
        let changed: Changed = self.client.call("Upsert", upsert, Patience::FEED)?;
        self.note_written(&changed);
        Ok(())
    }

    fn delete_ids(&self, of: Kind, ids: impl Iterator<Item = i64>) -> Result<(), IndexError> {
        let list = expression::list(ids);
        if list.is_empty() {
            return Ok(());
        }
        let delete = Delete {
            database: self.at.database.clone(),
            collection: self.collection(of),
            expression: format!("id in [{list}]"),
        };
        let changed: Changed = self.client.call("Delete", delete, Patience::FEED)?;
        self.note_written(&changed);
        Ok(())
    }

    fn query(&self, of: Kind, expression: String, output: &[&str], params: Vec<Pair>) -> Result<Queried, IndexError> {
        let query = Query {
            database: self.at.database.clone(),
            collection: self.collection(of),
            expression,
            output: output.iter().map(|&name| name.to_owned()).collect(),
            guarantee: 0,
            params,
            // Whoever compares has to see all of it.
            consistency: Consistency::Strong as i32,
        };
        self.client.call("Query", query, Patience::QUESTION)
    }
}

impl VectorBackend for Milvus {
    fn capabilities(&self) -> Result<Capabilities, IndexError> {
        let (a, b, c) = self.version()?;
        Ok(Capabilities { name: format!("Milvus {a}.{b}.{c}"), filters: true, most_found: Some(MOST_FOUND) })
    }

    fn len(&self, of: Kind) -> Result<usize, IndexError> {
        let answer = self.query(of, String::new(), &["count(*)"], Vec::new())?;
        let count = answer.fields.iter().find_map(|field| longs_of(field).first().copied());
        let count = count.ok_or_else(|| self.client.fault("it did not say how many vectors it holds".to_owned()))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    fn search(&self, of: Kind, query: &[f32], k: usize, among: &Among<'_>) -> Result<Vec<ScoredVector>, IndexError> {
        check_width(self.dim, query.len())?;
        search::nearest(of, k, among, &|expression, limit| self.ask(of, query, expression, limit))
    }

    fn vectors(&self, of: Kind, ids: &[VectorId]) -> Result<Vec<Option<Vec<f32>>>, IndexError> {
        let mut vectors = vec![None; ids.len()];
        for (part, out) in ids.chunks(1024).zip(vectors.chunks_mut(1024)) {
            let list = expression::list(part.iter().map(|id| id.0 as i64));
            let answer = self.query(of, format!("id in [{list}]"), &["id", VECTOR], Vec::new())?;
            let field = |name: &str| answer.fields.iter().find(|field| field.name == name);
            let (Some(found), Some(values)) = (field("id"), field(VECTOR)) else { continue };
            for (&id, vector) in longs_of(found).iter().zip(floats_of(values).chunks_exact(self.dim)) {
                let places = part.iter().zip(&mut *out).filter(|(asked, _)| asked.0 as i64 == id);
                places.for_each(|(_, place)| *place = Some(vector.to_vec()));
            }
        }
        Ok(vectors)
    }

    fn ids(&self, of: Kind, after: Option<VectorId>, count: usize) -> Result<Vec<VectorId>, IndexError> {
        // Pages by number: the server gives the first of them in order, but does not say so for
        // several segments; a window of numbers that holds no more than a page is what is sure.
        let first = after.map_or(0, |after| after.0 + 1);
        let count = count.min(MOST_FOUND);
        let mut found = Vec::new();
        let mut from = first;
        while found.len() < count {
            let rest = self.query(of, format!("id >= {from}"), &["id"], vec![pair("limit", 1)])?;
            if rest.fields.iter().all(|field| longs_of(field).is_empty()) {
                break;
            }
            let to = from + count as u64;
            let page = self.query(of, format!("id >= {from} and id < {to}"), &["id"], vec![pair("limit", count)])?;
            let ids = page.fields.iter().find(|field| field.name == "id").map_or(&[][..], longs_of);
            found.extend(ids.iter().map(|&id| VectorId(id as u64)));
            from = to;
        }
        found.sort_unstable();
        found.truncate(count);
        Ok(found)
    }
}

impl FedBackend for Milvus {
    fn prepare(&self) -> Result<bool, IndexError> {
        self.version()?;
        let made = Kind::ALL.map(|of| self.make(of));
        let mut is_new = false;
        for made in made {
            is_new |= made?;
        }
        Ok(is_new)
    }

    fn upsert(&self, rows: &[Row]) -> Result<(), IndexError> {
        let at_once = (REQUEST_BYTES / (4 * self.dim)).max(1);
        let (mut images, mut regions) = (Columns::default(), Columns::default());
        let mut leftover = Vec::new();
        for row in rows {
            images.push(row.id.0 as i64, &row.vector, &row.facts);
            let key = |region: u8| RegionId { image: row.id, region }.key().0 as i64;
            for (region, (area, vector)) in (0..).zip(&row.regions) {
                regions.push_region(key(region), (row.id.0 as i64, *area), vector, &row.facts);
                if regions.len() == at_once {
                    self.send(Kind::Regions, std::mem::take(&mut regions))?;
                }
            }
            if row.is_known {
                leftover.extend((row.regions.len() as u8..REGIONS).map(key));
            }
            if images.len() == at_once {
                self.send(Kind::Images, std::mem::take(&mut images))?;
            }
        }
        self.send(Kind::Regions, regions)?;
        // Last: an image that is found by its whole has its regions.
        self.send(Kind::Images, images)?;
        let at_once = DELETED_AT_ONCE * usize::from(REGIONS);
        leftover.chunks(at_once).try_for_each(|part| self.delete_ids(Kind::Regions, part.iter().copied()))
    }

    fn delete(&self, images: &[ImageId]) -> Result<(), IndexError> {
        for part in images.chunks(DELETED_AT_ONCE) {
            let regions = part.iter().flat_map(|&image| (0..REGIONS).map(move |region| RegionId { image, region }));
            self.delete_ids(Kind::Images, part.iter().map(|id| id.0 as i64))?;
            self.delete_ids(Kind::Regions, regions.map(|region| region.key().0 as i64))?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), IndexError> {
        self.flush_collections()
    }

    fn drop_all(&self) -> Result<(), IndexError> {
        Kind::ALL.into_iter().try_for_each(|of| self.drop_collection(of))
    }
}
