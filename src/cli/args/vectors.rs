//! Arguments that say where vectors are searched.

use clap::{Args, Subcommand};
use glimpse::engine::{IndexType, VectorsAt};

/// Where a new library has its vectors.
#[derive(Debug, Args)]
pub struct NewPlaceArgs {
    /// Milvus server that searches the vectors of a new library: `http://HOST:19530`, or https for
    /// TLS. Records and words stay in the library. GLIMPSE_MILVUS_TOKEN has `user:password` or a
    /// key, GLIMPSE_MILVUS_CA names the certificate of an authority of your own
    #[arg(long, value_name = "URL")]
    pub vectors_at: Option<String>,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// What is chosen for a server.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Database on the server, which must be there [default: the server's own]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub vectors_database: Option<String>,

    /// What names of collections begin with
    #[arg(long, value_name = "NAME", default_value = "glimpse", hide_short_help = true)]
    pub vectors_prefix: String,

    /// Shards over which writes are spread; one for each 100 million regions
    #[arg(long, value_name = "N", default_value_t = 1, hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    pub vectors_shards: u16,

    /// Copies in memory, over which searches are spread
    #[arg(long, value_name = "N", default_value_t = 1, hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    pub vectors_replicas: u16,

    /// How the server indexes vectors: hnsw, ivf-sq8, diskann or flat
    #[arg(long, value_name = "TYPE", default_value_t = IndexType::Hnsw, hide_short_help = true)]
    pub vectors_index: IndexType,
}

impl NewPlaceArgs {
    pub fn place(&self) -> Option<VectorsAt> {
        self.vectors_at.as_deref().map(|url| self.server.place(url))
    }
}

impl ServerArgs {
    pub fn place(&self, url: &str) -> VectorsAt {
        VectorsAt {
            database: self.vectors_database.clone().unwrap_or_default(),
            prefix: self.vectors_prefix.clone(),
            shards: self.vectors_shards,
            replicas: self.vectors_replicas,
            index: self.vectors_index,
            ..VectorsAt::url(url)
        }
    }
}

const VECTORS_HELP: &str = "\
Examples:
  glimpse vectors move --to http://milvus:19530     a Milvus server searches them from now on
  glimpse vectors move --to local                   this program does again

The library keeps every vector: nothing is encoded again, and a server that was lost is filled anew by
`glimpse verify --repair`. `glimpse stats` says where vectors are. GLIMPSE_MILVUS_TOKEN has `user:password`.";

#[derive(Debug, Args)]
#[command(after_help = VECTORS_HELP)]
pub struct VectorsArgs {
    #[command(subcommand)]
    pub command: VectorsCommand,
}

#[derive(Debug, Subcommand)]
pub enum VectorsCommand {
    /// Search the vectors elsewhere from now on
    Move {
        /// Address of a Milvus server, or `local`
        #[arg(long, value_name = "URL|local")]
        to: String,

        #[command(flatten)]
        server: ServerArgs,
    },
}
