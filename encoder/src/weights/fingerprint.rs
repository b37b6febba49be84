//! A short name for a set of weights.

use super::Checkpoint;

/// Bytes hashed at the start, in the middle and at the end of every tensor.
const SAMPLE: usize = 1024;

impl Checkpoint {
    /// Feeds name, type, shape and a sample of the bytes of every tensor whose name begins with
    /// `prefix` to `hasher`, in the order of names, and all of what an adapter adds to it.
    ///
    /// A sample instead of all bytes: gigabytes would take seconds at every start, and training
    /// moves every tensor, so two different models differ in nearly every sample. How the tensors
    /// are spread over files does not matter.
    pub fn fingerprint(&self, prefix: &str, hasher: &mut blake3::Hasher) {
        for (name, tensor) in self.tensors.iter().filter(|(name, _)| name.starts_with(prefix)) {
            hasher.update(format!("{name} {:?} {:?}\n", tensor.dtype, tensor.shape).as_bytes());
            for bytes in tensor.bytes() {
                let middle = (bytes.len() / 2).saturating_sub(SAMPLE / 2);
                for start in [0, middle, bytes.len().saturating_sub(SAMPLE)] {
                    hasher.update(&bytes[start..bytes.len().min(start + SAMPLE)]);
                }
            }
            if let Some(added) = &tensor.added {
                added.fingerprint(hasher);
            }
        }
    }
}
