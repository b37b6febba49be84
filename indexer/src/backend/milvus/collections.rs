//! The collections of a library: one of images, one of regions.

use std::time::{Duration, Instant};

use prost::Message;

use super::Milvus;
use super::client::Patience;
use super::expression::MOST_FOLDERS;
use super::messages::{
    CollectionSchema, Consistency, CreateCollection, CreateIndex, DataType, DescribeIndex, FieldSchema, Flush, Flushed,
    GetLoadState, GetVersion, Indexes, LoadCollection, LoadState, OfCollection, Pair, Status, Truth, Version,
};
use crate::IndexError;
use crate::backend::{IndexType, Kind};

/// The oldest server: it has arrays, by which folders are filtered.
const OLDEST: (u32, u32, u32) = (2, 3, 2);
/// Squared distances, which order unit vectors as cosines do, and for which graphs are made.
pub const METRIC: &str = "L2";
/// The field of vectors, and its index.
pub const VECTOR: &str = "vector";
/// How long a collection may take until it can be searched.
const LOADING: Duration = Duration::from_secs(120);

impl Milvus {
    /// The name of a collection.
    pub fn collection(&self, of: Kind) -> String {
        let kind = match of {
            Kind::Images => "images",
            Kind::Regions => "regions",
        };
        format!("{}_{}_{kind}", self.at.prefix, self.at.name)
    }

    /// The version of the server, asked for once.
    ///
    /// # Errors
    /// If it does not answer, or is older than what is needed.
    pub fn version(&self) -> Result<(u32, u32, u32), IndexError> {
        if let Some(&version) = self.version.get() {
            return Ok(version);
        }
        let said: Version = self.client.call("GetVersion", GetVersion {}, Patience::QUESTION)?;
        let version = parse(&said.version);
        if version < OLDEST {
            let (a, b, c) = OLDEST;
            let reason = format!(
                "it is Milvus {}, which lacks arrays, by which folders are filtered; {a}.{b}.{c} or newer has them",
                said.version
            );
            return Err(self.client.fault(reason));
        }
        Ok(*self.version.get_or_init(|| version))
    }

    pub fn has(&self, of: Kind) -> Result<bool, IndexError> {
        let truth: Truth = self.client.call("HasCollection", self.of_collection(of), Patience::QUESTION)?;
        Ok(truth.value)
    }

    fn of_collection(&self, of: Kind) -> OfCollection {
        OfCollection { database: self.at.database.clone(), collection: self.collection(of) }
    }

    /// Makes a collection with its index, and has it loaded; true if it was not there.
    pub fn make(&self, of: Kind) -> Result<bool, IndexError> {
        let is_new = !self.has(of)?;
        if is_new {
            let schema = self.schema(of);
            let _: Status = self.client.call(
                "CreateCollection",
                CreateCollection {
                    database: self.at.database.clone(),
                    collection: self.collection(of),
                    schema: schema.encode_to_vec(),
                    shards: self.at.shards.into(),
                    consistency: Consistency::Bounded as i32,
                },
                Patience::FEED,
            )?;
        }
        // A process may have ended between the two.
        if is_new || !self.has_index(of) {
            self.index(of)?;
        }
        self.load(of)?;
        Ok(is_new)
    }

    /// Servers say that there is none in ways of their own, as an error or an empty list.
    fn has_index(&self, of: Kind) -> bool {
        let OfCollection { database, collection } = self.of_collection(of);
        let asked = DescribeIndex { database, collection, field: VECTOR.to_owned() };
        let told: Result<Indexes, _> = self.client.call("DescribeIndex", asked, Patience::QUESTION);
        told.is_ok_and(|told| !told.indexes.is_empty())
    }

    fn index(&self, of: Kind) -> Result<(), IndexError> {
        let _: Status = self.client.call(
            "CreateIndex",
            CreateIndex {
                database: self.at.database.clone(),
                collection: self.collection(of),
                field: VECTOR.to_owned(),
                params: self.index_params(),
                name: VECTOR.to_owned(),
            },
            Patience::FEED,
        )?;
        Ok(())
    }

    fn load(&self, of: Kind) -> Result<(), IndexError> {
        let collection = self.collection(of);
        let _: Status = self.client.call(
            "LoadCollection",
            LoadCollection {
                database: self.at.database.clone(),
                collection: collection.clone(),
                replicas: self.at.replicas.into(),
            },
            Patience::FEED,
        )?;
        let began = Instant::now();
        loop {
            let asked = GetLoadState { collection: collection.clone(), database: self.at.database.clone() };
            let state: LoadState = self.client.call("GetLoadState", asked, Patience::FEED)?;
            if state.state == LoadState::LOADED {
                return Ok(());
            }
            if began.elapsed() > LOADING {
                let limit = LOADING.as_secs();
                return Err(self.client.fault(format!("{collection} could not be searched within {limit} s")));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub fn drop_collection(&self, of: Kind) -> Result<(), IndexError> {
        if !self.has(of)? {
            return Ok(());
        }
        let _: Status = self.client.call("DropCollection", self.of_collection(of), Patience::FEED)?;
        Ok(())
    }

    pub fn flush_collections(&self) -> Result<(), IndexError> {
        let collections = Kind::ALL.map(|of| self.collection(of)).to_vec();
        let flush = Flush { database: self.at.database.clone(), collections };
        let _: Flushed = self.client.call("Flush", flush, Patience::FEED)?;
        Ok(())
    }

    fn schema(&self, of: Kind) -> CollectionSchema {
        let field = |name: &str, kind: DataType| FieldSchema {
            name: name.to_owned(),
            data_type: kind as i32,
            ..FieldSchema::default()
        };
        let mut fields = vec![
            FieldSchema { is_primary_key: true, ..field("id", DataType::Int64) },
            FieldSchema { type_params: vec![pair("dim", self.dim)], ..field(VECTOR, DataType::FloatVector) },
            field("present", DataType::Bool),
            field("taken", DataType::Int64),
            field("camera", DataType::Int64),
            field("format", DataType::Int64),
            field("latitude", DataType::Double),
            field("longitude", DataType::Double),
            FieldSchema {
                element_type: DataType::Int64 as i32,
                type_params: vec![pair("max_capacity", MOST_FOLDERS)],
                ..field("folders", DataType::Array)
            },
        ];
        if of == Kind::Regions {
            fields.extend([field("image", DataType::Int64), field("area", DataType::Float)]);
        }
        let description = "Vectors of a library of images, kept by glimpse".to_owned();
        CollectionSchema { name: self.collection(of), description, fields }
    }

    fn index_params(&self) -> Vec<Pair> {
        let (kind, params) = match self.at.index {
            IndexType::Hnsw => ("HNSW", r#"{"M":16,"efConstruction":200}"#),
            IndexType::IvfSq8 => ("IVF_SQ8", r#"{"nlist":4096}"#),
            IndexType::Diskann => ("DISKANN", "{}"),
            IndexType::Flat => ("FLAT", "{}"),
        };
        vec![pair("index_type", kind), pair("metric_type", METRIC), pair("params", params)]
    }

    /// How thoroughly an index is searched for so many results.
    pub fn search_params(&self, limit: usize) -> String {
        match self.at.index {
            IndexType::Hnsw => format!(r#"{{"ef":{}}}"#, (2 * limit).clamp(128, 32_768)),
            // More results lie in more of the 4,096 lists.
            IndexType::IvfSq8 => format!(r#"{{"nprobe":{}}}"#, (limit / 16).clamp(64, 1024)),
            IndexType::Diskann => format!(r#"{{"search_list":{}}}"#, (2 * limit).clamp(100, 32_768)),
            IndexType::Flat => "{}".to_owned(),
        }
    }
}

pub fn pair(key: &str, value: impl ToString) -> Pair {
    Pair { key: key.to_owned(), value: value.to_string() }
}

/// `v2.3.5-lite` and the like.
fn parse(version: &str) -> (u32, u32, u32) {
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut numbers = digits.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse("v2.3.5-lite"), (2, 3, 5));
        assert_eq!(parse("2.6.0"), (2, 6, 0));
        assert_eq!(parse("2.4-dev"), (2, 4, 0));
        assert!(parse("2.2.16") < OLDEST && parse("3.0") > OLDEST);
    }
}
