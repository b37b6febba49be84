//! How the regions of a library are made, and the way from one way to another.

use glimpse_encoder::dense::{DenseConfig, DenseProfile};

use super::super::load::write_manifest;
use super::super::step::Step;
use super::Index;
use crate::store::keys::Table;
use crate::{ImageId, IndexError, Manifest, RegionRebuild};

impl Index {
    /// Records how regions are made from now on. `rebuild` makes all that are there stale, unless a
    /// rebuild in this very way is under way, which then goes on.
    ///
    /// # Errors
    /// [`IndexError::OtherRegions`] if there are regions that were made in another way and
    /// `rebuild` is off; or if the store fails.
    pub(crate) fn record_region_profile(&self, profile: &DenseProfile, rebuild: bool) -> Result<(), IndexError> {
        let writer = self.writer.lock();
        let manifest = self.manifest();
        let same = manifest.regions.as_ref() == Some(profile);
        let stored = self.store.entries(Table::Regions).next().transpose()?.is_some();
        let start = rebuild && stored && !(same && manifest.rebuild.is_some());
        if let Some(kept) = manifest.regions.as_ref().filter(|_| !same && stored && !rebuild) {
            let (kept, asked) = differences(&kept.config, &profile.config);
            return Err(IndexError::OtherRegions { dir: self.dir.clone(), kept, asked });
        }
        if same && !start {
            return Ok(());
        }
        let fresh = RegionRebuild { next: ImageId(0), end: ImageId(writer.next_id) };
        let rebuild = if start { Some(fresh) } else { manifest.rebuild };
        self.put_manifest(Manifest { regions: Some(profile.clone()), rebuild, ..manifest })
    }

    /// What is left of a rebuild.
    pub(crate) fn rebuild_left(&self) -> Option<RegionRebuild> {
        self.manifest.read().rebuild
    }

    /// Notes how far a rebuild has come; `None` when it is done.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn note_rebuild(&self, rebuild: Option<RegionRebuild>) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        self.put_manifest(Manifest { rebuild, ..self.manifest() })
    }

    /// The number after that of the newest image.
    pub(crate) fn end(&self) -> ImageId {
        ImageId(self.writer.lock().next_id)
    }

    /// Removes the regions of an image; one without any is no error.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn remove_regions(&self, id: ImageId) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        let mut step = Step::new(self);
        step.remove_regions(id)?;
        step.commit()
    }

    /// The caller holds the writer's lock.
    pub(in crate::index) fn put_manifest(&self, manifest: Manifest) -> Result<(), IndexError> {
        write_manifest(&self.store, &manifest)?;
        *self.manifest.write() = manifest;
        Ok(())
    }
}

/// Where two ways to make regions differ, as options of `glimpse index` where there is one.
fn differences(kept: &DenseConfig, asked: &DenseConfig) -> (String, String) {
    let parts = |config: &DenseConfig| {
        [
            format!("--detail {}", config.detail),
            format!("--leaves {}", config.leaves),
            format!("affinity {:?}", config.affinity),
            format!("projection {:?}", config.projection),
            format!("{} patches a leaf, {} at least", config.patches_per_leaf, config.smallest),
        ]
    };
    let differ: Vec<_> = parts(kept).into_iter().zip(parts(asked)).filter(|(kept, asked)| kept != asked).collect();
    let (kept, asked): (Vec<_>, Vec<_>) = differ.into_iter().unzip();
    match kept.is_empty() {
        true => ("other register slots of the model".to_owned(), "those that are found now".to_owned()),
        false => (kept.join(" "), asked.join(" ")),
    }
}
