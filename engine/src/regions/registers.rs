//! The register slots of models, looked for once and kept in a file of the cache.

use std::path::Path;

use glimpse_encoder::Encode;
use glimpse_encoder::dense::{DenseConfig, DenseProfile};
use parking_lot::Mutex;

use crate::EngineError;

/// The register slots of the model that was asked for last, by the fingerprint of its images' side.
#[derive(Default)]
pub(crate) struct RegisterCache(Mutex<Option<(String, Vec<usize>)>>);

impl RegisterCache {
    /// The register slots of a model ([`DenseProfile::registers`]), from memory, else from the file
    /// in `cache_dir`, else by asking the model.
    ///
    /// # Errors
    /// If the model fails.
    pub fn of(&self, encoder: &dyn Encode, cache_dir: &Path) -> Result<Vec<usize>, EngineError> {
        let whole = &encoder.info().fingerprint;
        let fingerprint = encoder.info().image_fingerprint.as_ref().unwrap_or(whole);
        let mut held = self.0.lock();
        if let Some((_, registers)) = held.as_ref().filter(|(of, _)| of == fingerprint) {
            return Ok(registers.clone());
        }
        let [path, of_before] = [fingerprint, whole].map(|of| cache_dir.join(format!("registers-{of:.24}.txt")));
        let registers = match read_registers(&path) {
            Some(registers) => registers,
            None => {
                let registers = match read_registers(&of_before) {
                    Some(registers) => registers,
                    None => DenseProfile::of(encoder, DenseConfig::default())?.registers,
                };
                let _ = write_registers(&path, &registers); // a cache that cannot be written costs time, never an answer
                registers
            }
        };
        *held = Some((fingerprint.clone(), registers.clone()));
        Ok(registers)
    }
}

fn read_registers(path: &Path) -> Option<Vec<usize>> {
    let text = std::fs::read_to_string(path).ok()?;
    let (slots, end) = text.split_once('.')?;
    (end == "\n").then(|| slots.split_whitespace().map(|slot| slot.parse().ok()).collect())?
}

/// Slots in a line that ends in a full stop, so that half a line is not mistaken for a whole one.
fn write_registers(path: &Path, registers: &[usize]) -> std::io::Result<()> {
    glimpse_indexer::create_private_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let slots: Vec<String> = registers.iter().map(usize::to_string).collect();
    std::fs::write(path, format!("{}.\n", slots.join(" ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn registers_read_back_and_half_a_file_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache/registers.txt");
        for slots in [vec![], vec![20, 384, 408]] {
            write_registers(&path, &slots).unwrap();
            assert_eq!(read_registers(&path), Some(slots));
        }
        for damaged in ["20 38", "20 x.\n", "", "20.\n5"] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(read_registers(&path), None, "{damaged}");
        }
    }
}
