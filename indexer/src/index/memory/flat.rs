//! Facts as flat pieces of memory, for snapshots: numbers in two tables of fixed rows, names in a
//! third piece.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use glimpse_encoder::image_file::Format;
use rayon::prelude::*;

use super::{Files, Folders, Held, Memory, NO_CAMERA, Point, Row};
use crate::store::codec::{Damage, Decoder, Encoder};
use crate::store::keys::PathHash;
use crate::store::paths::{path_bytes, path_from};
use crate::{ContentHash, IdSet, ImageId};

/// All facts.
pub(in crate::index) struct FlatMemory {
    /// By number, rising.
    pub(in crate::index) images: Vec<FlatImage>,
    /// Folder by folder.
    pub(in crate::index) files: Vec<FlatFile>,
    /// `cameras (4) | name... | folders (4) | path, files (4)...`
    pub(in crate::index) names: Vec<u8>,
}

/// As [`Row`]; how many of its files are present follows from the files.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(in crate::index) struct FlatImage {
    id: u64,
    taken: i64,
    revision: u64,
    latitude: i32,
    longitude: i32,
    camera: u32,
    format: u8,
    vector: u8,
    zeros: [u8; 2],
    width: u32,
    height: u32,
    content: [u8; 16],
}

/// As [`Held`], with its key.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(in crate::index) struct FlatFile {
    hash: [u8; 16],
    /// Twice the number of the image, and one if the file is missing.
    image_and_missing: u64,
}

impl FlatFile {
    fn held(&self) -> Held {
        Held { image: ImageId(self.image_and_missing / 2), missing: self.image_and_missing % 2 == 1 }
    }
}

impl Memory {
    /// All facts in flat form.
    pub(in crate::index) fn to_flat(&self) -> FlatMemory {
        let image = |(id, row): (ImageId, &Row)| FlatImage {
            id: id.0,
            taken: row.taken,
            revision: row.revision,
            latitude: row.place.latitude,
            longitude: row.place.longitude,
            camera: row.camera,
            format: row.format.code(),
            vector: u8::from(row.vector),
            zeros: [0; 2],
            width: row.width,
            height: row.height,
            content: row.content.0,
        };
        let file = |(hash, held): (&PathHash, &Held)| FlatFile {
            hash: hash.0,
            image_and_missing: held.image.0 << 1 | u64::from(held.missing),
        };
        let mut names = Encoder::new(0);
        names.u32(self.cameras.names.len() as u32);
        for camera in &self.cameras.names {
            names.str(camera);
        }
        names.u32(self.folders.len() as u32);
        for (path, files) in &*self.folders {
            names.bytes(&path_bytes(path)).u32(files.len() as u32);
        }
        FlatMemory {
            images: self.rows().map(image).collect(),
            files: self.folders.values().flat_map(|files| files.iter()).map(file).collect(),
            names: names.into_fields(),
        }
    }

    /// The facts again, without those of the images in `stale` and their files.
    ///
    /// # Errors
    /// If they cannot have been those of a library whose images have numbers below `next_id`.
    pub(in crate::index) fn of_flat(flat: &FlatMemory, stale: &IdSet, next_id: u64) -> Result<Self, Damage> {
        let mut memory = Self::default();
        let mut names = Decoder::of_fields(&flat.names);
        for camera in 0..names.u32()? {
            if memory.camera(&names.string()?) != camera {
                return Err(Damage::Field("camera"));
            }
        }
        let (folders, rows) = rayon::join(
            || folders(names, &flat.files, stale),
            || rows(flat, stale, next_id, memory.cameras.names.len()),
        );
        let folders: Folders = folders?.into_iter().collect();
        memory.files = folders.values().map(|files| files.len()).sum();
        memory.missing = folders.values().flat_map(|files| files.values()).filter(|held| held.missing).count();
        memory.folders = Arc::new(folders);
        memory.rows = rows?.into();
        let findable = memory.rows().filter(|(_, row)| row.vector && row.present > 0);
        memory.findable = Arc::new(findable.map(|(id, _)| id).collect());
        Ok(memory)
    }

    /// Number of images.
    pub(in crate::index) fn images(&self) -> usize {
        self.rows().count()
    }

    /// The same facts, whatever numbers cameras have.
    #[cfg(test)]
    pub(in crate::index) fn is_like(&self, other: &Self) -> bool {
        let rows = |memory: &Self| -> Vec<(ImageId, Row, Option<String>)> {
            let camera = |row: &Row| memory.cameras.names.get(row.camera as usize).cloned();
            memory.rows().map(|(id, row)| (id, Row { camera: 0, ..row.clone() }, camera(row))).collect()
        };
        rows(self) == rows(other)
            && self.folders == other.folders
            && self.findable == other.findable
            && (self.files, self.missing) == (other.files, other.missing)
    }
}

fn rows(flat: &FlatMemory, stale: &IdSet, next_id: u64, cameras: usize) -> Result<Vec<Option<Row>>, Damage> {
    let last = flat.images.last().map_or(0, |last| last.id.saturating_add(1));
    if last > next_id {
        return Err(Damage::Field("image"));
    }
    let mut rows = vec![None; last as usize];
    let mut next = 0;
    for image in &flat.images {
        let known = image.camera == NO_CAMERA || (image.camera as usize) < cameras;
        let row = rows.get_mut(image.id as usize).filter(|_| image.id >= next && known);
        let row = row.ok_or(Damage::Field("image"))?;
        next = image.id + 1;
        if stale.contains(ImageId(image.id)) {
            continue;
        }
        *row = Some(Row {
            content: ContentHash(image.content),
            width: image.width,
            height: image.height,
            taken: image.taken,
            place: Point { latitude: image.latitude, longitude: image.longitude },
            camera: image.camera,
            format: Format::of_code(image.format).ok_or(Damage::Field("format"))?,
            present: 0,
            vector: image.vector != 0,
            revision: image.revision,
        });
    }
    for held in flat.files.iter().map(FlatFile::held).filter(|held| !held.missing) {
        if let Some(Some(row)) = rows.get_mut(held.image.0 as usize) {
            row.present += 1;
        }
    }
    Ok(rows)
}

type Folder = (Arc<Path>, Arc<Files>);

fn folders(mut names: Decoder<'_>, mut files: &[FlatFile], stale: &IdSet) -> Result<Vec<Folder>, Damage> {
    let mut cut = Vec::new();
    for _ in 0..names.u32()? {
        let path = path_from(names.bytes()?);
        let count = names.u32()? as usize;
        let (of_folder, others) = files.split_at_checked(count).ok_or(Damage::Short)?;
        cut.push((path, of_folder));
        files = others;
    }
    names.end()?;
    if !files.is_empty() {
        return Err(Damage::Long);
    }
    let fresh = |(path, files): (PathBuf, &[FlatFile])| {
        let mut of_folder = Files::with_capacity(files.len());
        let files = files.iter().map(|file| (PathHash(file.hash), file.held()));
        of_folder.extend(files.filter(|(_, held)| !stale.contains(held.image)));
        (path.into(), Arc::new(of_folder))
    };
    let mut folders: Vec<Folder> = cut.into_par_iter().map(fresh).collect();
    folders.retain(|(_, files)| !files.is_empty());
    Ok(folders)
}
