//! What is said to the server and what it answers: of Milvus' gRPC interface (package
//! `milvus.proto.milvus`), the messages and fields that are used here. Field numbers are those of
//! the interface, which newer servers keep; fields that a server adds are skipped.

use prost::{Enumeration, Message, Oneof};

// ---- common ----

#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// What servers before 2.3 say; 0 for success.
    #[prost(int32, tag = "1")]
    pub error_code: i32,
    #[prost(string, tag = "2")]
    pub reason: String,
    /// 0 for success.
    #[prost(int32, tag = "3")]
    pub code: i32,
    #[prost(bool, tag = "4")]
    pub retriable: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Pair {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// How much of what was written a search has to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Consistency {
    Strong = 0,
    Session = 1,
    Bounded = 2,
}

// ---- schema ----

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum DataType {
    Nothing = 0,
    Bool = 1,
    Int64 = 5,
    Float = 10,
    Double = 11,
    Array = 22,
    FloatVector = 101,
}

#[derive(Clone, PartialEq, Message)]
pub struct FieldSchema {
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(bool, tag = "3")]
    pub is_primary_key: bool,
    #[prost(enumeration = "DataType", tag = "5")]
    pub data_type: i32,
    #[prost(message, repeated, tag = "6")]
    pub type_params: Vec<Pair>,
    #[prost(enumeration = "DataType", tag = "10")]
    pub element_type: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct CollectionSchema {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub description: String,
    #[prost(message, repeated, tag = "4")]
    pub fields: Vec<FieldSchema>,
}

#[derive(Clone, PartialEq, Message)]
pub struct FieldData {
    #[prost(enumeration = "DataType", tag = "1")]
    pub data_type: i32,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(oneof = "Values", tags = "3, 4")]
    pub values: Option<Values>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Values {
    #[prost(message, tag = "3")]
    Scalars(Scalars),
    #[prost(message, tag = "4")]
    Vectors(Vectors),
}

#[derive(Clone, PartialEq, Message)]
pub struct Scalars {
    #[prost(oneof = "Data", tags = "1, 3, 4, 5, 8")]
    pub data: Option<Data>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Data {
    #[prost(message, tag = "1")]
    Bools(Bools),
    #[prost(message, tag = "3")]
    Longs(Longs),
    #[prost(message, tag = "4")]
    Floats(Floats),
    #[prost(message, tag = "5")]
    Doubles(Doubles),
    #[prost(message, tag = "8")]
    Arrays(Arrays),
}

#[derive(Clone, PartialEq, Message)]
pub struct Bools {
    #[prost(bool, repeated, tag = "1")]
    pub data: Vec<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Longs {
    #[prost(int64, repeated, tag = "1")]
    pub data: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Floats {
    #[prost(float, repeated, tag = "1")]
    pub data: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Doubles {
    #[prost(double, repeated, tag = "1")]
    pub data: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Arrays {
    #[prost(message, repeated, tag = "1")]
    pub data: Vec<Scalars>,
    #[prost(enumeration = "DataType", tag = "2")]
    pub element_type: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Vectors {
    #[prost(int64, tag = "1")]
    pub dim: i64,
    #[prost(oneof = "VectorData", tags = "2")]
    pub data: Option<VectorData>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum VectorData {
    #[prost(message, tag = "2")]
    Floats(Floats),
}

#[derive(Clone, PartialEq, Message)]
pub struct Ids {
    #[prost(oneof = "IdData", tags = "1")]
    pub data: Option<IdData>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum IdData {
    #[prost(message, tag = "1")]
    Longs(Longs),
}

// ---- collections ----

#[derive(Clone, PartialEq, Message)]
pub struct GetVersion {}

#[derive(Clone, PartialEq, Message)]
pub struct Version {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    #[prost(string, tag = "2")]
    pub version: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct CreateCollection {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
    /// A [`CollectionSchema`].
    #[prost(bytes = "vec", tag = "4")]
    pub schema: Vec<u8>,
    #[prost(int32, tag = "5")]
    pub shards: i32,
    #[prost(enumeration = "Consistency", tag = "6")]
    pub consistency: i32,
}

/// Asks whether there is a collection, or for its end.
#[derive(Clone, PartialEq, Message)]
pub struct OfCollection {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Truth {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    #[prost(bool, tag = "2")]
    pub value: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct CreateIndex {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
    #[prost(string, tag = "4")]
    pub field: String,
    #[prost(message, repeated, tag = "5")]
    pub params: Vec<Pair>,
    #[prost(string, tag = "6")]
    pub name: String,
}

/// Asks for the indexes of a field.
#[derive(Clone, PartialEq, Message)]
pub struct DescribeIndex {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
    #[prost(string, tag = "4")]
    pub field: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Indexes {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub indexes: Vec<IndexDescription>,
}

#[derive(Clone, PartialEq, Message)]
pub struct IndexDescription {
    #[prost(string, tag = "1")]
    pub name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct LoadCollection {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
    #[prost(int32, tag = "4")]
    pub replicas: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct GetLoadState {
    #[prost(string, tag = "2")]
    pub collection: String,
    #[prost(string, tag = "4")]
    pub database: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct LoadState {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    /// [`LoadState::LOADED`] when it can be searched.
    #[prost(int32, tag = "2")]
    pub state: i32,
}

impl LoadState {
    pub const LOADED: i32 = 3;
}

#[derive(Clone, PartialEq, Message)]
pub struct Flush {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, repeated, tag = "3")]
    pub collections: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Flushed {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
}

// ---- rows ----

#[derive(Clone, PartialEq, Message)]
pub struct Upsert {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
    #[prost(message, repeated, tag = "5")]
    pub fields: Vec<FieldData>,
    #[prost(uint32, repeated, tag = "6")]
    pub hash_keys: Vec<u32>,
    #[prost(uint32, tag = "7")]
    pub rows: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Delete {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
    #[prost(string, tag = "5")]
    pub expression: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Changed {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    /// A search that has to see the change names it.
    #[prost(uint64, tag = "9")]
    pub timestamp: u64,
}

// ---- searches ----

#[derive(Clone, PartialEq, Message)]
pub struct Search {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
    #[prost(string, tag = "5")]
    pub expression: String,
    /// A [`QueryVectors`].
    #[prost(bytes = "vec", tag = "6")]
    pub vectors: Vec<u8>,
    /// 1: conditions are an expression.
    #[prost(int32, tag = "7")]
    pub dsl_type: i32,
    #[prost(message, repeated, tag = "9")]
    pub params: Vec<Pair>,
    #[prost(uint64, tag = "11")]
    pub guarantee: u64,
    #[prost(int64, tag = "12")]
    pub queries: i64,
    #[prost(enumeration = "Consistency", tag = "14")]
    pub consistency: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct QueryVectors {
    #[prost(message, repeated, tag = "1")]
    pub placeholders: Vec<QueryVector>,
}

#[derive(Clone, PartialEq, Message)]
pub struct QueryVector {
    /// Always `$0`.
    #[prost(string, tag = "1")]
    pub tag: String,
    /// A [`DataType`].
    #[prost(int32, tag = "2")]
    pub kind: i32,
    /// Little-endian f32.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub values: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Found {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    pub results: Option<Results>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Results {
    #[prost(float, repeated, tag = "4")]
    pub scores: Vec<f32>,
    #[prost(message, optional, tag = "5")]
    pub ids: Option<Ids>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Query {
    #[prost(string, tag = "2")]
    pub database: String,
    #[prost(string, tag = "3")]
    pub collection: String,
    #[prost(string, tag = "4")]
    pub expression: String,
    #[prost(string, repeated, tag = "5")]
    pub output: Vec<String>,
    #[prost(uint64, tag = "8")]
    pub guarantee: u64,
    #[prost(message, repeated, tag = "9")]
    pub params: Vec<Pair>,
    #[prost(enumeration = "Consistency", tag = "11")]
    pub consistency: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Queried {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub fields: Vec<FieldData>,
}
