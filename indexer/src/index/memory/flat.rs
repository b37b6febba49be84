//! Facts as flat pieces of memory, for snapshots: numbers in tables of fixed rows and a list of
//! keywords, names in a last piece.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use glimpse_encoder::image_file::Format;
use rayon::prelude::*;

use super::names::Names;
use super::{Files, Folders, Held, Memory, NO_NAME, Point, Row, Tags};
use crate::store::codec::{Damage, Decoder, Encoder};
use crate::store::keys::PathHash;
use crate::store::paths::{path_bytes, path_from};
use crate::{ContentHash, IdSet, ImageId, Moment};

/// All facts.
pub(in crate::index) struct FlatMemory {
    /// By number, rising.
    pub(in crate::index) images: Vec<FlatImage>,
    /// Folder by folder.
    pub(in crate::index) files: Vec<FlatFile>,
    /// Numbers of keywords, image by image.
    pub(in crate::index) tags: Vec<u32>,
    /// Of videos and their frames, by number, rising.
    pub(in crate::index) moments: Vec<FlatMoment>,
    /// `cameras (4) | name... | lenses (4) | name... | keywords (4) | keyword... |
    /// folders (4) | path, files (4)...`
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
    lens: u32,
    /// How many keywords it has.
    tags: u32,
    format: u8,
    vector: u8,
    /// It is a video, or a frame of one.
    moment: u8,
    zeros: [u8; 1],
    width: u32,
    height: u32,
    content: [u8; 16],
}

/// As [`Moment`].
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(in crate::index) struct FlatMoment {
    id: u64,
    /// The number of the image itself if it stands for its video.
    video: u64,
    start: u64,
    end: u64,
    duration: u64,
    complete: u64,
}

impl FlatMoment {
    fn of((id, moment): (usize, &Moment)) -> Self {
        let Moment { video, start, end, duration, complete } = *moment;
        let (id, complete) = (id as u64, u64::from(complete));
        Self { id, video: video.map_or(id, |video| video.0), start, end, duration, complete }
    }

    fn moment(&self) -> Moment {
        let video = (self.video != self.id).then_some(ImageId(self.video));
        Moment { video, start: self.start, end: self.end, duration: self.duration, complete: self.complete != 0 }
    }
}

/// As [`Held`], with its key.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(in crate::index) struct FlatFile {
    hash: [u8; 16],
    /// Four times the number of the image, two more for a companion, and one more if the file is
    /// missing.
    image_and_state: u64,
}

impl FlatFile {
    fn held(&self) -> Held {
        let state = self.image_and_state;
        Held { image: ImageId(state >> 2), missing: state & 1 != 0, companion: state & 2 != 0 }
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
            lens: row.lens,
            tags: self.tags_of(id).len() as u32,
            format: row.format.code(),
            vector: u8::from(row.vector),
            moment: u8::from(self.moment(id).is_some()),
            zeros: [0; 1],
            width: row.width,
            height: row.height,
            content: row.content.0,
        };
        let file = |(hash, held): (&PathHash, &Held)| FlatFile {
            hash: hash.0,
            image_and_state: held.image.0 << 2 | u64::from(held.companion) << 1 | u64::from(held.missing),
        };
        let mut names = Encoder::new(0);
        for kind in [&self.cameras, &self.lenses, &self.tag_names] {
            names.u32(kind.len() as u32);
            for name in kind.iter() {
                names.str(name);
            }
        }
        names.u32(self.folders.len() as u32);
        for (path, files) in &*self.folders {
            names.bytes(&path_bytes(path)).u32(files.len() as u32);
        }
        FlatMemory {
            images: self.rows().map(image).collect(),
            tags: self.rows().flat_map(|(id, _)| self.tags_of(id)).copied().collect(),
            files: self.folders.values().flat_map(|files| files.iter()).map(file).collect(),
            moments: self.moments.iter().map(FlatMoment::of).collect(),
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
        memory.cameras = Arc::new(numbered(&mut names, str::to_owned)?);
        memory.lenses = Arc::new(numbered(&mut names, str::to_owned)?);
        memory.tag_names = Arc::new(numbered(&mut names, str::to_lowercase)?);
        let known = [memory.cameras.len(), memory.lenses.len()];
        let (folders, rows) = rayon::join(|| folders(names, &flat.files, stale), || rows(flat, stale, next_id, known));
        let folders: Folders = folders?.into_iter().collect();
        memory.files = folders.values().map(|files| files.len()).sum();
        memory.missing = folders.values().flat_map(|files| files.values()).filter(|held| held.missing).count();
        memory.folders = Arc::new(folders);
        memory.rows = rows?.into();
        memory.tags = tags(flat, stale, memory.tag_names.len())?.into();
        let told = flat.images.iter().filter(|image| image.moment != 0).map(|image| image.id);
        // A frame comes after the image that stands for its video.
        let is_sound = flat.moments.iter().all(|moment| moment.video <= moment.id);
        if !is_sound || !told.eq(flat.moments.iter().map(|moment| moment.id)) {
            return Err(Damage::Field("place in a video"));
        }
        let moments = flat.moments.iter().map(|flat| (ImageId(flat.id), flat.moment()));
        let moments = moments.filter(|(id, _)| !stale.contains(*id) && memory.contains(*id)).collect();
        memory.of_moments(moments);
        let findable: IdSet = memory.rows().map(|(id, _)| id).filter(|&id| memory.is_findable(id)).collect();
        memory.whole = Arc::new(findable.iter().filter(|&id| !memory.is_frame(id)).collect());
        memory.findable = Arc::new(findable);
        Ok(memory)
    }

    /// Number of images.
    pub(in crate::index) fn images(&self) -> usize {
        self.rows().count()
    }

    /// The same facts, whatever numbers names have.
    #[cfg(test)]
    pub(in crate::index) fn is_like(&self, other: &Self) -> bool {
        type Named = (ImageId, Row, [Option<String>; 2], Vec<Option<String>>);
        let named = |names: &Names, number: u32| names.get(number).map(str::to_owned);
        let rows = |memory: &Self| -> Vec<Named> {
            let row = |(id, row): (ImageId, &Row)| {
                let names = [named(&memory.cameras, row.camera), named(&memory.lenses, row.lens)];
                let mut tags: Vec<_> = memory.tags_of(id).iter().map(|&tag| named(&memory.tag_names, tag)).collect();
                tags.sort();
                (id, Row { camera: 0, lens: 0, ..row.clone() }, names, tags)
            };
            memory.rows().map(row).collect()
        };
        rows(self) == rows(other)
            && self.folders == other.folders
            && (&self.findable, &self.whole) == (&other.findable, &other.whole)
            && self.moments.iter().eq(other.moments.iter())
            && self.frames.iter().eq(other.frames.iter())
            && (self.files, self.missing) == (other.files, other.missing)
    }
}

/// Names by number, each with the key that `key` makes of it.
fn numbered(names: &mut Decoder<'_>, key: impl Fn(&str) -> String) -> Result<Names, Damage> {
    let mut numbered = Names::default();
    for number in 0..names.u32()? {
        let name = names.string()?;
        if numbered.add(&key(&name), &name) != number {
            return Err(Damage::Field("name"));
        }
    }
    Ok(numbered)
}

/// Keywords by image, of `known` ones.
fn tags(flat: &FlatMemory, stale: &IdSet, known: usize) -> Result<Vec<Option<Tags>>, Damage> {
    let (mut tags, mut rest) = (Vec::new(), &flat.tags[..]);
    for image in flat.images.iter().filter(|image| image.tags > 0) {
        let (of_image, others) = rest.split_at_checked(image.tags as usize).ok_or(Damage::Short)?;
        rest = others;
        if of_image.iter().any(|&tag| tag as usize >= known) {
            return Err(Damage::Field("keyword"));
        }
        if !stale.contains(ImageId(image.id)) {
            tags.resize(image.id as usize, None);
            tags.push(Some(of_image.into()));
        }
    }
    if rest.is_empty() { Ok(tags) } else { Err(Damage::Long) }
}

fn rows(
    flat: &FlatMemory,
    stale: &IdSet,
    next_id: u64,
    [cameras, lenses]: [usize; 2],
) -> Result<Vec<Option<Row>>, Damage> {
    let last = flat.images.last().map_or(0, |last| last.id.saturating_add(1));
    if last > next_id {
        return Err(Damage::Field("image"));
    }
    let mut rows = vec![None; last as usize];
    let mut next = 0;
    for image in &flat.images {
        let is_named = |number: u32, names: usize| number == NO_NAME || (number as usize) < names;
        let known = is_named(image.camera, cameras) && is_named(image.lens, lenses);
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
            lens: image.lens,
            format: Format::of_code(image.format).ok_or(Damage::Field("format"))?,
            present: 0,
            vector: image.vector != 0,
            revision: image.revision,
        });
    }
    for held in flat.files.iter().map(FlatFile::held).filter(Held::shows) {
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
