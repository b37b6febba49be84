//! Where the vectors of a library are, as its manifest says.

use std::fmt;

/// A server that searches the vectors of a library, and what was chosen for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VectorsAt {
    /// `http://host:19530`, or `https://` for TLS.
    pub url: String,
    /// Database on the server; the server's default if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub database: String,
    /// What names of collections begin with.
    pub prefix: String,
    /// Names this generation among others on the server; chosen when it is begun.
    #[serde(default)]
    pub name: String,
    /// Shards of a collection, over which writes are spread.
    pub shards: u16,
    /// Copies in memory, over which searches are spread.
    pub replicas: u16,
    /// How the server indexes vectors.
    pub index: IndexType,
}

/// How a server indexes vectors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexType {
    /// A graph over f32, in memory: the best recall.
    #[default]
    Hnsw,
    /// Cells of int8, in memory: a quarter of it.
    IvfSq8,
    /// A graph on local SSDs: a tenth of the memory.
    Diskann,
    /// None; every vector is compared.
    Flat,
}

impl VectorsAt {
    /// At `url`, with what serves a library of some millions of images.
    pub fn url(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            database: String::new(),
            prefix: "glimpse".to_owned(),
            name: String::new(),
            shards: 1,
            replicas: 1,
            index: IndexType::default(),
        }
    }

    /// True if both are the same but for the name, which nobody chooses.
    pub fn is_like(&self, other: &Self) -> bool {
        Self { name: String::new(), ..self.clone() } == Self { name: String::new(), ..other.clone() }
    }
}

impl fmt::Display for IndexType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hnsw => "hnsw",
            Self::IvfSq8 => "ivf-sq8",
            Self::Diskann => "diskann",
            Self::Flat => "flat",
        })
    }
}

impl std::str::FromStr for IndexType {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Hnsw, Self::IvfSq8, Self::Diskann, Self::Flat];
        let found = all.into_iter().find(|index| index.to_string() == name);
        found.ok_or_else(|| format!("`{name}` is no index type; give hnsw, ivf-sq8, diskann or flat"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn index_types_read_back() {
        for name in ["hnsw", "ivf-sq8", "diskann", "flat"] {
            let index: IndexType = name.parse().unwrap();
            assert_eq!(index.to_string(), name);
            assert_eq!(serde_json::to_string(&index).unwrap(), format!("\"{name}\""));
        }
        assert!("best".parse::<IndexType>().is_err());
    }

    #[test]
    fn a_name_is_nobodys_choice() {
        let at = VectorsAt::url("http://host:19530/");
        assert_eq!(at.url, "http://host:19530");
        assert!(at.is_like(&VectorsAt { name: "a1".into(), ..at.clone() }));
        assert!(!at.is_like(&VectorsAt { shards: 2, ..at.clone() }));
    }
}
