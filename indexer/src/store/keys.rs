//! Tables of the store and the bytes of their keys.
//!
//! Numbers in keys are big-endian, so that sled's order is the order of numbers.
//!
//! ```text
//! table          key                                value
//! images         image (8)                          ImageRecord
//! vectors        image (8)                          scale and int8 values
//! files          path hash (16)                     FileRecord
//! files-of-image image (8) | path hash (16)         empty
//! content        BLAKE3 of the bytes, cut (16)      image
//! changes        revision (8)                       image; one entry per image, its newest change
//! regions        image (8) | part (1)               see `crate::regions::format`
//! region-tags    image (8)                          see `crate::regions::tags`
//! region-labels  place of the label (2)             see `crate::regions::tags`
//! links          graph (1) | node (4)               NodeRecord
//! unlinked       image (8)                          empty; of older programs, see `region_cells`
//! relinked       graph (1) | revision (8)           nodes that a step changed; see `missed`
//! meta           `manifest`, `next-id`, `mounts`,   see `records`
//!                `region-cells`, `region-labels`,
//!                `size`, graphs
//! ```

use std::path::Path;

use crate::ImageId;
use crate::hnsw::Node;

/// A sled tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Images,
    Vectors,
    Files,
    FilesOfImage,
    Content,
    Changes,
    Meta,
    Regions,
    Links,
    Unlinked,
    Relinked,
    RegionTags,
    RegionLabels,
}

impl Table {
    /// All tables, in the order of their discriminants.
    pub(crate) const ALL: [Self; 13] = [
        Self::Images,
        Self::Vectors,
        Self::Files,
        Self::FilesOfImage,
        Self::Content,
        Self::Changes,
        Self::Meta,
        Self::Regions,
        Self::Links,
        Self::Unlinked,
        Self::Relinked,
        Self::RegionTags,
        Self::RegionLabels,
    ];

    /// The name on disk; also part of every checksum, so that a value cannot pass for one of
    /// another table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Vectors => "vectors",
            Self::Files => "files",
            Self::FilesOfImage => "files-of-image",
            Self::Content => "content",
            Self::Changes => "changes",
            Self::Meta => "meta",
            Self::Regions => "regions",
            Self::Links => "links",
            Self::Unlinked => "unlinked",
            Self::Relinked => "relinked",
            Self::RegionTags => "region-tags",
            Self::RegionLabels => "region-labels",
        }
    }
}

/// Keys of the table `meta`.
pub(crate) mod meta {
    pub(crate) const MANIFEST: &[u8] = b"manifest";
    pub(crate) const NEXT_ID: &[u8] = b"next-id";
    /// Folders that are mount points.
    pub(crate) const MOUNTS: &[u8] = b"mounts";
    /// Which files of regions count.
    pub(crate) const REGION_CELLS: &[u8] = b"region-cells";
    /// What is known of the size of the store.
    pub(crate) const SIZE: &[u8] = b"size";
    /// Which labels regions are tagged with.
    pub(crate) const REGION_LABELS: &[u8] = b"region-labels";
}

/// A graph, of which there may be several; its nodes share a prefix in `links`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GraphId(pub(crate) u8);

impl GraphId {
    /// Of one vector an image.
    pub(crate) const IMAGES: Self = Self(0);
    /// Of the vectors of regions, which older programs kept.
    pub(crate) const REGIONS: Self = Self(1);

    /// Key in `meta` of what is said of the whole graph.
    pub(crate) fn meta(self) -> [u8; 6] {
        [b'l', b'i', b'n', b'k', b's', self.0]
    }

    /// Key of a node in `links`.
    pub(crate) fn node(self, node: Node) -> [u8; 5] {
        let [a, b, c, d] = node.0.to_be_bytes();
        [self.0, a, b, c, d]
    }

    /// Behind every key of the graph in `links` and `relinked`.
    pub(crate) fn end(self) -> [u8; 10] {
        let mut end = [0xff; 10];
        end[0] = self.0;
        end
    }

    /// Key in `relinked` of the step that led to a revision.
    pub(crate) fn step(self, revision: u64) -> [u8; 9] {
        let mut key = [self.0; 9];
        key[1..].copy_from_slice(&revision.to_be_bytes());
        key
    }
}

/// Reads the key of `relinked`.
pub(crate) fn parse_step(key: &[u8]) -> Option<(GraphId, u64)> {
    let (&graph, revision) = key.split_first()?;
    Some((GraphId(graph), parse_revision(revision)?))
}

/// Reads the key of `links`.
pub(crate) fn parse_node(key: &[u8]) -> Option<(GraphId, Node)> {
    let (&graph, node) = key.split_first()?;
    Some((GraphId(graph), Node(u32::from_be_bytes(node.try_into().ok()?))))
}

/// BLAKE3 of a path's bytes, cut to 128 bits: a key of fixed length for paths of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PathHash(pub(crate) [u8; 16]);

impl PathHash {
    pub(crate) fn of(path: &Path) -> Self {
        Self(first(blake3::hash(&super::paths::path_bytes(path)).as_bytes()))
    }
}

/// Key of an image in `images`, `vectors` and `region-tags`.
pub(crate) fn image(id: ImageId) -> [u8; 8] {
    id.0.to_be_bytes()
}

/// Key of an entry in `files-of-image`.
pub(crate) fn file_of_image(id: ImageId, path: PathHash) -> [u8; 24] {
    let mut key = [0; 24];
    key[..8].copy_from_slice(&image(id));
    key[8..].copy_from_slice(&path.0);
    key
}

/// Key of a part of an image's regions.
pub(crate) fn region(id: ImageId, part: u8) -> [u8; 9] {
    let mut key = [part; 9];
    key[..8].copy_from_slice(&image(id));
    key
}

/// The part of an image's regions that stands for vectors in a file. 63 regions never fill as many.
pub(crate) const FILED: u8 = 255;

/// Reads the key of `regions`.
pub(crate) fn parse_region(key: &[u8]) -> Option<(ImageId, u8)> {
    let (&part, id) = key.split_last()?;
    Some((parse_image(id)?, part))
}

/// Key of a label that regions are tagged with.
pub(crate) fn label(place: u16) -> [u8; 2] {
    place.to_be_bytes()
}

/// Reads the key of `region-labels`.
pub(crate) fn parse_label(key: &[u8]) -> Option<u16> {
    key.try_into().ok().map(u16::from_be_bytes)
}

/// Reads the key of `images`, `vectors` or `region-tags`.
pub(crate) fn parse_image(key: &[u8]) -> Option<ImageId> {
    key.try_into().ok().map(|bytes| ImageId(u64::from_be_bytes(bytes)))
}

/// Reads the key of `changes`.
pub(crate) fn parse_revision(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// Reads the key of `files`.
pub(crate) fn parse_path(key: &[u8]) -> Option<PathHash> {
    key.try_into().ok().map(PathHash)
}

/// Reads the key of `files-of-image`.
pub(crate) fn parse_file_of_image(key: &[u8]) -> Option<(ImageId, PathHash)> {
    let (id, path) = key.split_at_checked(8)?;
    Some((parse_image(id)?, parse_path(path)?))
}

fn first<const N: usize>(bytes: &[u8; 32]) -> [u8; N] {
    std::array::from_fn(|i| bytes[i])
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::Every as _;

    use super::*;

    #[test]
    fn keys_sort_like_numbers_and_read_back() {
        let (low, high) = (ImageId(255), ImageId(256));
        let hash = PathHash::of(Path::new("/a/b.jpg"));
        assert!(image(low) < image(high));
        assert!(file_of_image(low, PathHash([255; 16])) < file_of_image(high, PathHash([0; 16])));
        assert_eq!(parse_file_of_image(&file_of_image(high, hash)), Some((high, hash)));
        assert_eq!(parse_image(&image(low)), Some(low));
        assert_eq!(parse_region(&region(high, 7)), Some((high, 7)));
        assert!(region(low, 255) < region(high, 0));
        let (graph, node) = (GraphId(3), Node(256));
        assert_eq!(parse_node(&graph.node(node)), Some((graph, node)));
        assert!(graph.node(Node(255)) < graph.node(node) && graph.node(Node(u32::MAX)) < GraphId(4).node(Node(0)));
        assert_eq!(parse_step(&graph.step(256)), Some((graph, 256)));
        assert!(graph.step(255) < graph.step(256) && graph.step(u64::MAX) < GraphId(4).step(0));
        assert!(graph.node(Node(u32::MAX))[..] < graph.end()[..] && graph.step(u64::MAX)[..] < graph.end()[..]);
        assert!(graph.end()[..] < GraphId(4).node(Node(0))[..] && graph.end()[..] < GraphId(4).step(0)[..]);
        assert_eq!(parse_node(b"short-"), None);
        assert_eq!(parse_image(b"short"), None);
        assert_eq!(parse_file_of_image(b"short"), None);
    }

    #[test]
    fn tables_stand_in_order() {
        assert!(Table::ALL.iter().enumerate().every(|(i, &table)| table as usize == i));
    }
}
