//! The tensors of a checkpoint: one or many safetensors files, mapped into memory and compared name
//! by name with what the configuration asks for before anything is computed.

mod expected;
mod fingerprint;
#[cfg(test)]
mod fuzz;
mod low_rank;
mod map;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::{Metadata, SafeTensors};

use crate::config::ModelConfig;
use crate::{EncodeError, files};

pub(crate) use expected::expected;
pub(crate) use low_rank::LowRank;
pub(crate) use map::FileMap;

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The opened files of a checkpoint and where each tensor lies in them.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    dir: PathBuf,
    tensors: BTreeMap<String, StoredTensor>,
}

/// A tensor as stored: its bytes stay in the mapped file until they are asked for.
#[derive(Debug, Clone)]
pub(crate) struct StoredTensor {
    file: Arc<FileMap>,
    /// Where its rows lie, in this order: in one piece, unless another layout stores them apart.
    pieces: Vec<Range<usize>>,
    dtype: safetensors::Dtype,
    shape: Vec<usize>,
    /// What an adapter adds to it.
    added: Option<Arc<LowRank>>,
}

impl Checkpoint {
    /// Maps `model.safetensors`, or the shards that `model.safetensors.index.json` names, and reads
    /// their headers.
    ///
    /// # Errors
    /// If files are missing, cut off or not safetensors, or if index and shards disagree.
    pub fn open(dir: &Path) -> Result<Self, EncodeError> {
        let tensors = if dir.join(SINGLE).exists() {
            open_file(&dir.join(SINGLE))?
        } else if dir.join(INDEX).exists() {
            open_shards(dir)?
        } else {
            return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: SINGLE.to_owned() });
        };
        Ok(Self { dir: dir.to_owned(), tensors })
    }

    /// Maps one safetensors file.
    ///
    /// # Errors
    /// If it is missing, cut off or not safetensors.
    pub fn open_file(path: &Path) -> Result<Self, EncodeError> {
        Ok(Self { dir: path.to_owned(), tensors: open_file(path)? })
    }

    /// Compares every tensor with what `config` asks for.
    ///
    /// # Errors
    /// As [`Checkpoint::compare`].
    pub fn check(&self, config: &ModelConfig) -> Result<(), EncodeError> {
        self.compare(expected(config), &format!("`{}` model", config.model_type()))
    }

    /// Compares names and shapes with those that are wanted of a `kind` of network.
    ///
    /// # Errors
    /// [`EncodeError::Tensor`] names the first tensor that is missing, mis-shaped, of a type that
    /// is not read, or that no such network has.
    pub fn compare(&self, mut wanted: BTreeMap<String, Vec<usize>>, kind: &str) -> Result<(), EncodeError> {
        for (name, shape) in &wanted {
            let Some(found) = self.tensors.get(name) else {
                return Err(self.error(name, &format!("{shape:?}"), "no such tensor"));
            };
            if found.shape != *shape {
                return Err(self.error(name, &format!("{shape:?}"), &format!("{:?}", found.shape)));
            }
            if found.width().is_none() {
                return Err(self.error(name, "F32, F16 or BF16", &format!("{:?}", found.dtype)));
            }
        }
        // Old exports store the row numbers of the position tables; they carry nothing.
        let surplus = self.tensors.keys().find(|n| wanted.remove(*n).is_none() && !n.ends_with(".position_ids"));
        match surplus {
            None => Ok(()),
            Some(name) => {
                let expected = format!("no such tensor in this {kind}");
                Err(self.error(name, &expected, &format!("{:?}", self.tensors[name].shape)))
            }
        }
    }

    /// A tensor by name.
    ///
    /// # Errors
    /// [`EncodeError::Tensor`] if there is none.
    pub fn get(&self, name: &str) -> Result<&StoredTensor, EncodeError> {
        self.tensors.get(name).ok_or_else(|| self.error(name, "a tensor", "no such tensor"))
    }

    /// Names of all tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The same directory, without tensors.
    pub fn without_tensors(&self) -> Self {
        Self { dir: self.dir.clone(), tensors: BTreeMap::new() }
    }

    /// Takes a tensor out.
    ///
    /// # Errors
    /// [`EncodeError::Tensor`] if there is none.
    pub fn remove(&mut self, name: &str) -> Result<StoredTensor, EncodeError> {
        self.tensors.remove(name).ok_or_else(|| self.error(name, "a tensor", "no such tensor"))
    }

    /// Adds a tensor.
    pub fn insert(&mut self, name: &str, tensor: StoredTensor) {
        self.tensors.insert(name.to_owned(), tensor);
    }

    /// The same tensors under names without `prefix`, if all names begin with it.
    pub fn without_prefix(mut self, prefix: &str) -> Self {
        if self.tensors.keys().all(|name| name.starts_with(prefix)) {
            let tensors = std::mem::take(&mut self.tensors).into_iter();
            self.tensors = tensors.map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect();
        }
        self
    }

    /// Adds the tensors of another checkpoint.
    pub fn extend(&mut self, other: Self) {
        self.tensors.extend(other.tensors);
    }

    /// Gives back the memory of what was read so far: whoever packed it needs it no more.
    pub fn release(&self) {
        let mut last: Option<&Arc<FileMap>> = None;
        for tensor in self.tensors.values() {
            if last.is_none_or(|last| !Arc::ptr_eq(last, &tensor.file)) {
                tensor.file.release();
            }
            last = Some(&tensor.file);
        }
    }

    /// What is wrong with a tensor.
    pub fn error(&self, tensor: &str, expected: &str, found: &str) -> EncodeError {
        EncodeError::Tensor {
            path: self.tensors.get(tensor).map_or(&self.dir, |t| t.file.path()).clone(),
            tensor: tensor.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }
}

impl StoredTensor {
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The same values in another shape; `None` if that has more or fewer.
    pub fn shaped(self, shape: &[usize]) -> Option<Self> {
        let fits = shape.iter().product::<usize>() == self.shape.iter().product::<usize>();
        fits.then(|| Self { shape: shape.to_owned(), ..self })
    }

    /// The same tensor plus what an adapter adds to it. Such a tensor is neither cut nor joined.
    pub fn plus(self, added: LowRank) -> Self {
        Self { added: Some(Arc::new(added)), ..self }
    }

    /// The rows of some tensors, one after the other; `None` if they do not fit.
    pub fn joined(tensors: Vec<Self>) -> Option<Self> {
        tensors.into_iter().map(Some).reduce(|above, below| {
            let (mut above, below) = (above?, below?);
            let (height, width) = below.shape.split_first()?;
            let plain = above.added.is_none() && below.added.is_none();
            let fits = plain && Arc::ptr_eq(&above.file, &below.file) && above.dtype == below.dtype;
            if !fits || above.shape.get(1..)? != width {
                return None;
            }
            above.shape[0] += height;
            above.pieces.extend(below.pieces);
            Some(above)
        })?
    }

    /// As many tensors of equally many rows, in this order; `None` if it does not divide.
    pub fn cut(self, count: usize) -> Option<Vec<Self>> {
        if count == 1 {
            return Some(vec![self]);
        }
        let [bytes] = &self.pieces[..] else { return None };
        let rows = *self.shape.first()?;
        if count == 0 || rows % count != 0 || self.added.is_some() {
            return None;
        }
        let length = bytes.len() / count;
        let part = |i: usize| {
            let mut shape = self.shape.clone();
            shape[0] = rows / count;
            let start = bytes.start + i * length;
            let piece = start..start + length;
            Self { file: Arc::clone(&self.file), pieces: vec![piece], dtype: self.dtype, shape, added: None }
        };
        Some((0..count).map(part).collect())
    }

    /// Appends the values `range` (counted in values, row by row) to `out` as f32.
    pub fn read(&self, range: Range<usize>, out: &mut Vec<f32>) {
        let width = self.width().unwrap_or(4);
        let (start, end) = (range.start * width, range.end * width);
        let (mut before, first) = (0, out.len());
        for piece in &self.pieces {
            let within = |at: usize| piece.start + at.saturating_sub(before).min(piece.len());
            let bytes = &self.file[within(start)..within(end)];
            match self.dtype {
                safetensors::Dtype::F16 => convert(bytes, out, |b| f16::from_le_bytes(b).to_f32()),
                safetensors::Dtype::BF16 => convert(bytes, out, |b| bf16::from_le_bytes(b).to_f32()),
                _ => convert(bytes, out, f32::from_le_bytes),
            }
            before += piece.len();
        }
        if let Some(added) = &self.added {
            added.add_to(range.start, &mut out[first..]);
        }
    }

    /// All values as f32.
    pub fn to_vec(&self) -> Vec<f32> {
        let len = self.shape.iter().product();
        let mut out = Vec::with_capacity(len);
        self.read(0..len, &mut out);
        out
    }

    /// Its bytes, piece by piece.
    fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| &self.file[piece.clone()])
    }

    /// Shape and type, for messages.
    pub fn describe(&self) -> String {
        format!("{:?} of {:?}", self.shape, self.dtype)
    }

    /// True if its values can be read.
    pub fn is_float(&self) -> bool {
        self.width().is_some()
    }

    /// Bytes of one value, if this type is read at all.
    fn width(&self) -> Option<usize> {
        match self.dtype {
            safetensors::Dtype::F32 => Some(4),
            safetensors::Dtype::F16 | safetensors::Dtype::BF16 => Some(2),
            _ => None,
        }
    }
}

/// Little-endian values of `W` bytes to f32. The bytes need no alignment: headers may have any
/// length.
fn convert<const W: usize>(bytes: &[u8], out: &mut Vec<f32>, value: impl Fn([u8; W]) -> f32 + Sync) {
    /// Values per task: large enough to outweigh its start, and a single row is never split.
    const TASK: usize = 1 << 16;
    let (values, _) = bytes.as_chunks::<W>();
    let start = out.len();
    out.resize(start + values.len(), 0.0);
    let fill = |(into, from): (&mut [f32], &[[u8; W]])| {
        for (into, from) in into.iter_mut().zip(from) {
            *into = value(*from);
        }
    };
    if values.len() <= TASK {
        fill((&mut out[start..], values));
    } else {
        out[start..].par_chunks_mut(TASK).zip(values.par_chunks(TASK)).for_each(fill);
    }
}

fn open_file(path: &Path) -> Result<BTreeMap<String, StoredTensor>, EncodeError> {
    let file = Arc::new(FileMap::open(path)?);
    let broken = |reason: String| EncodeError::Weights { path: path.to_owned(), reason };
    let (header, metadata) = SafeTensors::read_metadata(&file).map_err(|e| broken(explain(&e, file.len())))?;
    let data = header + size_of::<u64>();
    let tensor = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
        let bytes = data + info.data_offsets.0..data + info.data_offsets.1;
        (
            name,
            StoredTensor {
                file: Arc::clone(&file),
                pieces: vec![bytes],
                dtype: info.dtype,
                shape: info.shape.clone(),
                added: None,
            },
        )
    };
    let metadata: Metadata = metadata;
    Ok(metadata.tensors().into_iter().map(tensor).collect())
}

fn explain(error: &safetensors::SafeTensorError, len: usize) -> String {
    use safetensors::SafeTensorError as E;
    match error {
        E::MetadataIncompleteBuffer | E::InvalidHeaderLength | E::HeaderTooSmall => {
            format!("the file has {len} bytes, which is not the length that its header states; fetch it again")
        }
        other => format!("not a safetensors file ({other})"),
    }
}

fn open_shards(dir: &Path) -> Result<BTreeMap<String, StoredTensor>, EncodeError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let path = dir.join(INDEX);
    let broken = |reason: String| EncodeError::Weights { path: path.clone(), reason };
    let text = files::read_to_string(&path).map_err(|source| EncodeError::Io { path: path.clone(), source })?;
    let index: Index = serde_json::from_str(&text).map_err(|e| broken(format!("not a shard index ({e})")))?;

    let mut tensors = BTreeMap::new();
    let mut shards: Vec<&String> = index.weight_map.values().collect();
    shards.sort_unstable();
    shards.dedup();
    for shard in shards {
        // An index comes with a download: it may name a neighbour, not reach into other
        // directories.
        if Path::new(shard).file_name() != Some(shard.as_ref()) {
            return Err(broken(format!("names the shard {shard:?}, which is not a plain file name")));
        }
        if !dir.join(shard).exists() {
            return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: shard.clone() });
        }
        for (name, tensor) in open_file(&dir.join(shard))? {
            match index.weight_map.get(&name) {
                Some(home) if home == shard => tensors.insert(name, tensor),
                Some(home) => return Err(broken(format!("places tensor `{name}` in {home}, but {shard} has it too"))),
                None => return Err(broken(format!("does not mention tensor `{name}` of {shard}"))),
            };
        }
    }
    match index.weight_map.iter().find(|(name, _)| !tensors.contains_key(*name)) {
        None => Ok(tensors),
        Some((name, shard)) => Err(broken(format!("places tensor `{name}` in {shard}, which does not have it"))),
    }
}
