//! The text bank: embeddings of phrases for things that few libraries hold, made once per model and
//! kept on disk.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse_encoder::{Embedding, Encode};
use parking_lot::Mutex;

use super::vectors::Vectors;
use crate::EngineError;
use crate::lru::Lru;
use crate::tune::QueryMaps;

const PHRASES: &str = include_str!("phrases.txt");
/// Phrases per encoder call.
const BATCH: usize = 16;

/// The phrases of the bank.
pub(crate) fn phrases() -> impl Iterator<Item = &'static str> {
    PHRASES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The banks of models, of the latest two: the library's, and that of the next generation.
pub(crate) struct Banks {
    folder: PathBuf,
    held: Mutex<Lru<String, Arc<Vectors>>>,
    maps: Arc<QueryMaps>,
}

impl Banks {
    /// Keeps banks in `folder`.
    pub fn new(folder: PathBuf, maps: Arc<QueryMaps>) -> Self {
        Self { folder, held: Mutex::new(Lru::new(2)), maps }
    }

    /// What images are asked with for the phrases: the bank, moved by what was learnt from the
    /// library as every query is.
    ///
    /// # Errors
    /// If the model fails, or what was learnt cannot be read.
    pub fn of_queries(&self, encoder: &dyn Encode) -> Result<Arc<Vectors>, EngineError> {
        let bank = self.of(encoder)?;
        let map = self.maps.of(&encoder.info().fingerprint, encoder.info().dim)?;
        if map.is_identity() {
            return Ok(bank);
        }
        let mut moved = Vectors::new(encoder.info().dim);
        for (phrase, row) in phrases().zip(bank.rows()) {
            moved.push(map.apply(phrase, Embedding::new(row.to_vec())?)?.as_slice());
        }
        Ok(Arc::new(moved))
    }

    /// The bank of a model, read or made when it is first asked for.
    ///
    /// # Errors
    /// If the model fails.
    pub fn of(&self, encoder: &dyn Encode) -> Result<Arc<Vectors>, EngineError> {
        let fingerprint = &encoder.info().fingerprint;
        let mut held = self.held.lock();
        if let Some(bank) = held.get(fingerprint) {
            return Ok(bank);
        }
        let bank = Arc::new(load(encoder, &self.folder)?);
        held.insert(fingerprint.clone(), Arc::clone(&bank), 1);
        Ok(bank)
    }
}

/// Embeddings of the phrases, from `folder` if they were made before. A cache that cannot be read
/// or written costs time, never an answer.
fn load(encoder: &dyn Encode, folder: &Path) -> Result<Vectors, EngineError> {
    let info = encoder.info();
    let path = cached(folder, &info.fingerprint);
    if let Some(bank) = read(&path, info.dim) {
        return Ok(bank);
    }
    let mut bank = Vectors::new(info.dim);
    for batch in phrases().collect::<Vec<_>>().chunks(BATCH) {
        encoder.encode_texts(batch)?.iter().for_each(|embedding| bank.push(embedding.as_slice()));
    }
    let _ = write(&path, &bank);
    Ok(bank)
}

fn cached(folder: &Path, fingerprint: &str) -> PathBuf {
    let mut hasher = blake3::Hasher::new_derive_key("glimpse null bank, version 1");
    hasher.update(fingerprint.as_bytes()).update(b"\n").update(PHRASES.as_bytes());
    folder.join(format!("null-{}.f32", &hasher.finalize().to_hex()[..24]))
}

/// Little-endian values, row by row, and a BLAKE3 of them.
fn read(path: &Path, dim: usize) -> Option<Vectors> {
    let bytes = std::fs::read(path).ok()?;
    let (values, check) = bytes.split_last_chunk::<32>()?;
    if blake3::hash(values) != *check {
        return None;
    }
    let values = values.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Vectors::from_values(dim, values).filter(|bank| bank.len() == phrases().count())
}

fn write(path: &Path, bank: &Vectors) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    glimpse_indexer::create_private_dir_all(folder)?;
    let bytes: Vec<u8> = bank.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&bytes)?;
    file.write_all(blake3::hash(&bytes).as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_encoder::testing::FakeEncoder;

    use super::*;

    #[test]
    fn phrases_are_many_and_distinct() {
        let all: std::collections::HashSet<_> = phrases().collect();
        assert_eq!(all.len(), phrases().count());
        assert!(all.len() > 100);
    }

    #[test]
    fn a_bank_is_read_back_and_a_damaged_one_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let encoder = FakeEncoder::new(16);
        let bank = load(&encoder, folder.path()).unwrap();
        let path = cached(folder.path(), &encoder.info().fingerprint);
        assert_eq!(read(&path, 16), Some(bank.clone()));

        let mut bytes = std::fs::read(&path).unwrap();
        bytes[5] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read(&path, 16), None);
        assert_eq!(load(&encoder, folder.path()).unwrap(), bank);
        assert_eq!(read(&path, 16), Some(bank.clone()));

        let other = FakeEncoder::new(16).named("other");
        assert_ne!(cached(folder.path(), &other.info().fingerprint), path);
    }
}
