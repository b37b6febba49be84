//! The folders of a library as a tree, each with the number of images in it and below.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glimpse_indexer::ImageId;

use crate::{Engine, EngineError};

/// A folder of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderNode {
    /// Absolute.
    pub path: PathBuf,
    /// Place in the list of the folder that it is in; `None` for one that no folder of the library
    /// holds.
    pub parent: Option<usize>,
    /// Distinct images in it and below, as a filter by this folder finds them.
    pub images: usize,
}

impl Engine {
    /// Folders that hold images in themselves or below, up to those that were indexed, by path.
    /// From memory.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn folder_tree(&self) -> Result<Vec<FolderNode>, EngineError> {
        let index = self.serving()?;
        Ok(tree(index.images_by_folder(), &index.manifest().roots))
    }
}

fn tree(folders: Vec<(PathBuf, Vec<ImageId>)>, roots: &[PathBuf]) -> Vec<FolderNode> {
    let is_in_a_root = |path: &Path| roots.iter().any(|root| path.starts_with(root));
    let mut places: BTreeMap<&Path, usize> = BTreeMap::new();
    for (folder, _) in folders.iter().filter(|(_, images)| !images.is_empty()) {
        places.insert(folder, 0);
        for parent in folder.ancestors().skip(1).take_while(|parent| is_in_a_root(parent)) {
            if places.insert(parent, 0).is_some() {
                break; // its parents are there too
            }
        }
    }
    places.values_mut().zip(0..).for_each(|(place, n)| *place = n);
    let parent_of = |path: &Path| path.parent().and_then(|parent| places.get(parent)).copied();
    let node = |path: &&Path| FolderNode { path: path.to_path_buf(), parent: parent_of(path), images: 0 };
    let mut nodes: Vec<FolderNode> = places.keys().map(node).collect();

    // An image that several folders hold counts once in each folder above them.
    let held = folders.iter().filter_map(|(folder, images)| Some((*places.get(folder.as_path())?, images)));
    let mut held: Vec<(ImageId, usize)> =
        held.flat_map(|(place, images)| images.iter().map(move |&image| (image, place))).collect();
    held.sort_unstable();
    let mut counted: Vec<Option<ImageId>> = vec![None; nodes.len()];
    for (image, folder) in held {
        let mut place = Some(folder);
        while let Some(at) = place.filter(|&at| counted[at] != Some(image)) {
            counted[at] = Some(image);
            nodes[at].images += 1;
            place = nodes[at].parent;
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(nodes: &[FolderNode]) -> Vec<(&str, Option<usize>, usize)> {
        nodes.iter().map(|node| (node.path.to_str().unwrap_or_default(), node.parent, node.images)).collect()
    }

    #[test]
    fn a_copy_counts_once_in_what_holds_both() {
        let ids = |ids: &[u64]| ids.iter().map(|&id| ImageId(id)).collect::<Vec<_>>();
        let folders = vec![
            ("/p".into(), ids(&[9])),
            ("/p/a/b".into(), ids(&[1, 2, 2])),
            ("/p/a/c".into(), ids(&[2, 3])),
            ("/p/empty".into(), ids(&[])),
            ("/p/z".into(), ids(&[1])),
            ("/q/x".into(), ids(&[7])),
            ("/removed/y".into(), ids(&[8])),
        ];
        let nodes = tree(folders, &["/p".into(), "/q/x".into()]);
        let expected = [
            ("/p", None, 4),
            ("/p/a", Some(0), 3),
            ("/p/a/b", Some(1), 2),
            ("/p/a/c", Some(1), 2),
            ("/p/z", Some(0), 1),
            ("/q/x", None, 1),
            ("/removed/y", None, 1),
        ];
        assert_eq!(shown(&nodes), expected);
    }
}
