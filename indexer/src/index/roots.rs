//! Folders that were indexed. The folder words of an image begin at the nearest of them
//! ([`Index::sync_words`]), so another root makes other words.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Index;
use super::step::Step;
use crate::{ImageId, IndexError};

/// Images whose words are fed anew in one step.
const AT_ONCE: usize = 256;

impl Index {
    /// Records a folder as part of the library.
    ///
    /// # Errors
    /// If the store fails.
    pub fn add_root(&self, root: PathBuf) -> Result<(), IndexError> {
        let mut roots = self.manifest().roots;
        if roots.contains(&root) {
            return Ok(());
        }
        roots.push(root.clone());
        self.set_roots(roots, &root)
    }

    /// Records that a folder is no longer part of the library. Its files stay.
    ///
    /// # Errors
    /// If the store fails.
    pub fn remove_root(&self, root: &Path) -> Result<(), IndexError> {
        let mut roots = self.manifest().roots;
        let Some(at) = roots.iter().position(|known| known == root) else { return Ok(()) };
        roots.remove(at);
        self.set_roots(roots, root)
    }

    /// Other roots, of which one came or went. It is written down last: a process that is killed
    /// before finds the old ones, and does all of this again.
    fn set_roots(&self, roots: Vec<PathBuf>, other: &Path) -> Result<(), IndexError> {
        self.require_writable()?;
        let nearer: Vec<&PathBuf> = roots.iter().filter(|root| *root != other && root.starts_with(other)).collect();
        let mut images = BTreeSet::new();
        self.each_file_under(other, &mut |file| {
            if !nearer.iter().any(|root| file.path.starts_with(root)) {
                images.insert(file.image);
            }
            Ok(true)
        })?;
        let replace = |roots| {
            let _writer = self.writer.lock();
            std::mem::replace(&mut self.manifest.write().roots, roots)
        };
        let before = replace(roots);
        let images: Vec<ImageId> = images.into_iter().collect();
        let touched = images.chunks(AT_ONCE).try_for_each(|images| self.touch(images));
        touched.inspect_err(|_| drop(replace(before)))?;
        let _writer = self.writer.lock();
        self.put_manifest(self.manifest())
    }

    /// Gives images a newer change, so that their words are fed anew.
    fn touch(&self, images: &[ImageId]) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        let mut step = Step::new(self);
        for &id in images {
            // One that went meanwhile, or cannot be read, has no words.
            if let Ok(Some(record)) = self.store.image(id) {
                step.replace_facts(record);
            }
        }
        step.commit()
    }
}
