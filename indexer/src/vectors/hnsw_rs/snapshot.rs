//! A graph on disk, so that opening a large library does not build it again.
//!
//! ```text
//! graph/manifest            BLAKE3 of the rest of the file, then JSON: what follows, and its sizes and checksums
//! graph/links-XXXXXX/       what hnsw_rs wrote (links, vectors), and the owner of each node
//! ```
//!
//! A new snapshot is written beside the old one and takes its place by the rename of the manifest,
//! so that there is always a whole one. hnsw_rs trusts its files and ends the process over a bad
//! one: it sees them only after every byte has been checked. Loading compares each node with the
//! vectors as they are now, so a snapshot may be out of date.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::links::{Links, point};
use super::{HnswParams, HnswRs, Nodes};
use crate::vectors::ExactScan;
use crate::{IndexError, VectorId};

const MANIFEST: &str = "manifest";
const OWNERS: &str = "owners";
const FOLDER: &str = "links-";
const FORMAT: u32 = 1;
/// The library writes numbers as this machine does, and may change its files with any version.
const WRITER: &str =
    if cfg!(target_endian = "little") { "hnsw_rs 0.3.5, little endian" } else { "hnsw_rs 0.3.5, big endian" };
/// Owner of a dead node.
const NOBODY: u64 = u64::MAX;

#[derive(serde::Serialize, serde::Deserialize)]
struct Manifest {
    format: u32,
    writer: String,
    usize_bytes: usize,
    dim: usize,
    params: HnswParams,
    links_per_node: f32,
    #[serde(alias = "strays")]
    unreachable: Vec<VectorId>,
    folder: String,
    base_name: String,
    files: Vec<Sealed>,
}

/// A file that must be read exactly as it was written.
#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed {
    name: String,
    bytes: u64,
    blake3: String,
}

impl HnswRs {
    /// Writes the graph into `dir`, in place of the one that is there.
    ///
    /// # Errors
    /// If the folder cannot be written; the snapshot before stays.
    pub fn save(&self, dir: &Path) -> Result<(), IndexError> {
        self.write(dir).map_err(|error| IndexError::Store {
            dir: dir.to_path_buf(),
            what: "saving the graph",
            reason: error.to_string(),
        })
    }

    fn write(&self, dir: &Path) -> io::Result<()> {
        let _writer = self.writer.lock();
        let Some(links) = self.links.get() else { return remove(dir) };
        fs::create_dir_all(dir)?;
        let folder = tempfile::Builder::new().prefix(FOLDER).tempdir_in(dir)?;
        let base_name = links.dump(folder.path()).map_err(io::Error::other)?;
        let (owners, unreachable, links_per_node) = {
            let nodes = self.nodes.read();
            let owners: Vec<u8> =
                nodes.owners.iter().flat_map(|id| id.map_or(NOBODY, |id| id.0).to_le_bytes()).collect();
            (owners, nodes.unreachable.iter().collect(), nodes.links_per_node)
        };
        fs::write(folder.path().join(OWNERS), owners)?;
        let [links, data] = Links::file_names(&base_name);
        let files = [links, data, OWNERS.to_owned()].into_iter().map(|name| Sealed::seal(folder.path(), name));
        let manifest = Manifest {
            format: FORMAT,
            writer: WRITER.to_owned(),
            usize_bytes: size_of::<usize>(),
            dim: self.vectors.dim(),
            params: self.params,
            links_per_node,
            unreachable,
            folder: folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
            base_name,
            files: files.collect::<io::Result<_>>()?,
        };
        sync_folder(folder.path())?;
        let json = serde_json::to_string(&manifest)?;
        let mut new = tempfile::NamedTempFile::new_in(dir)?;
        write!(new, "{}\n{json}", blake3::hash(json.as_bytes()))?;
        new.as_file().sync_all()?;
        // From here on the new snapshot counts.
        let folder = folder.keep();
        new.persist(dir.join(MANIFEST))?;
        sync_folder(dir)?;
        remove_others(dir, &folder)
    }

    /// Reads the graph from `dir` and brings it up to date with `vectors`: nodes of images that are
    /// gone or have another vector die, images without a node get one. `None` if there is no
    /// snapshot.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] if a file is not as it was written, or was written by another
    /// version: build anew.
    pub fn load(dir: &Path, vectors: Arc<ExactScan>) -> Result<Option<Self>, IndexError> {
        let damage =
            |reason: String| IndexError::Corrupt { dir: dir.to_path_buf(), what: "the graph".to_owned(), reason };
        let Some(manifest) = Manifest::read(dir).map_err(damage)? else { return Ok(None) };
        let graph = Self::read(dir, manifest, vectors).map_err(damage)?;
        graph.catch_up()?;
        Ok(Some(graph))
    }

    fn read(dir: &Path, manifest: Manifest, vectors: Arc<ExactScan>) -> Result<Self, String> {
        manifest.check(vectors.dim())?;
        let folder = dir.join(&manifest.folder);
        manifest.files.iter().try_for_each(|file| file.check(&folder))?;
        let owners = fs::read(folder.join(OWNERS)).map_err(|error| error.to_string())?;
        let owners = owners.as_chunks::<8>().0.iter().map(|&id| u64::from_le_bytes(id));
        let owners: Vec<Option<VectorId>> = owners.map(|id| (id != NOBODY).then_some(VectorId(id))).collect();
        let of = owners.iter().enumerate().filter_map(|(node, id)| Some(((*id)?, node))).collect();
        let unreachable = manifest.unreachable.into_iter().collect();
        let links = Links::load(&folder, &manifest.base_name)?;
        Ok(Self {
            params: manifest.params.bounded(),
            vectors,
            links: OnceLock::from(links),
            nodes: RwLock::new(Nodes { owners, of, unreachable, links_per_node: manifest.links_per_node }),
            writer: Mutex::new(()),
        })
    }

    /// Lets nodes die whose image has not their vector, and gives nodes to images that have none.
    fn catch_up(&self) -> Result<(), IndexError> {
        if let Some(links) = self.links.get() {
            let mut nodes = self.nodes.write();
            links.for_each(|node, stored| {
                let Some(id) = nodes.owners.get(node).copied().flatten() else { return };
                if self.vectors.get(id).is_none_or(|vector| point(&vector) != stored) {
                    nodes.leave(id);
                }
            });
        }
        let without_node = |id: &VectorId| !self.nodes.read().of.contains_key(id);
        let missing: Vec<VectorId> = self.vectors.ids().into_iter().filter(without_node).collect();
        let _writer = self.writer.lock();
        self.adopt(&missing)?;
        self.find_unreachable(missing);
        Ok(())
    }
}

impl Manifest {
    fn read(dir: &Path) -> Result<Option<Self>, String> {
        let text = match fs::read_to_string(dir.join(MANIFEST)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let (hash, json) = text.split_once('\n').ok_or("cut-off manifest")?;
        if blake3::hash(json.as_bytes()).to_hex().as_str() != hash {
            return Err("checksum of the manifest".to_owned());
        }
        serde_json::from_str(json).map(Some).map_err(|error| error.to_string())
    }

    fn check(&self, dim: usize) -> Result<(), String> {
        let same = self.format == FORMAT && self.writer == WRITER && self.usize_bytes == size_of::<usize>();
        if !same {
            return Err(format!("written by {} on a machine of another kind, or in another format", self.writer));
        }
        if self.dim != dim {
            return Err(format!("vectors of {} values, not {dim}", self.dim));
        }
        let listed = |name: &str| self.files.iter().any(|file| file.name == name);
        let [links, data] = Links::file_names(&self.base_name);
        let all = listed(&links) && listed(&data) && listed(OWNERS);
        if all { Ok(()) } else { Err("a manifest without all files".to_owned()) }
    }
}

impl Sealed {
    /// Makes a file durable and notes what it holds.
    fn seal(folder: &Path, name: String) -> io::Result<Self> {
        let path = folder.join(&name);
        let file = File::open(&path)?;
        file.sync_all()?;
        let blake3 = blake3::Hasher::new().update_reader(file)?.finalize().to_string();
        Ok(Self { name, bytes: fs::metadata(path)?.len(), blake3 })
    }

    fn check(&self, folder: &Path) -> Result<(), String> {
        let path = folder.join(&self.name);
        let hash = || -> io::Result<(u64, String)> {
            let bytes = fs::metadata(&path)?.len();
            Ok((bytes, blake3::Hasher::new().update_reader(File::open(&path)?)?.finalize().to_string()))
        };
        let (bytes, blake3) = hash().map_err(|error| format!("{}: {error}", self.name))?;
        if bytes != self.bytes {
            return Err(format!("{}: {bytes} bytes, not {}", self.name, self.bytes));
        }
        if blake3 == self.blake3 { Ok(()) } else { Err(format!("checksum of {}", self.name)) }
    }
}

/// Removes the snapshot, if there is one.
fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(MANIFEST)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the folders of former snapshots, and of such that were never finished.
fn remove_others(dir: &Path, current: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let old = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FOLDER));
        if old && path != current {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

/// Makes the names in a folder durable, where the system can.
fn sync_folder(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
