//! How a run makes regions: what is asked for, and what the library has already.

use glimpse_encoder::Encode;
use glimpse_encoder::dense::{Affinity, DenseConfig, DenseProfile, MAX_LEAVES};
use glimpse_encoder::{EncodeError, Projection};

use crate::{Index, IndexError};

/// What becomes of regions in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionOptions {
    /// New images get regions.
    pub make: bool,
    /// Known images without regions get them too; their files are read and encoded again.
    pub refill: bool,
    /// All images of the library get new regions, whatever folders the run is about; what is left
    /// of a rebuild that was stopped is made by the next run, whatever its options. Images whose
    /// files cannot be read lose theirs.
    pub rebuild: bool,
    /// How regions are made.
    pub choice: RegionChoice,
    /// The model's register slots ([`DenseProfile::registers`]) if they are known, so that a
    /// library without regions need not look for them.
    pub registers: Option<Vec<usize>>,
}

impl Default for RegionOptions {
    fn default() -> Self {
        Self { make: true, refill: false, rebuild: false, choice: RegionChoice::default(), registers: None }
    }
}

/// The parts of [`DenseConfig`] that are asked for. The others are as the library has them, or the
/// defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RegionChoice {
    /// As [`DenseConfig::leaves`], 1 to [`MAX_LEAVES`].
    pub leaves: Option<usize>,
    /// As [`DenseConfig::detail`], 1 to [`RegionChoice::MAX_DETAIL`].
    pub detail: Option<f32>,
    /// As [`DenseConfig::affinity`].
    pub affinity: Option<Affinity>,
    /// As [`DenseConfig::projection`].
    pub projection: Option<Projection>,
}

impl RegionChoice {
    /// Most detail that can be asked for. Models with large grids reach their own limit earlier
    /// ([`glimpse_encoder::dense::detail_limit`]).
    pub const MAX_DETAIL: f32 = 8.0;

    /// `config` with what was asked for in place of its own.
    pub fn over(&self, config: DenseConfig) -> DenseConfig {
        DenseConfig {
            leaves: self.leaves.unwrap_or(config.leaves),
            detail: self.detail.unwrap_or(config.detail),
            affinity: self.affinity.unwrap_or(config.affinity),
            projection: self.projection.unwrap_or(config.projection),
            ..config
        }
    }

    /// What is asked for here, and otherwise what `config` says.
    pub fn or(&self, config: &DenseConfig) -> Self {
        let all = self.over(config.clone());
        Self {
            leaves: Some(all.leaves),
            detail: Some(all.detail),
            affinity: Some(all.affinity),
            projection: Some(all.projection),
        }
    }

    /// Says what cannot be made.
    ///
    /// # Errors
    /// A sentence for the user about a number out of range.
    pub fn check(&self) -> Result<(), String> {
        if let Some(leaves) = self.leaves.filter(|leaves| !(1..=MAX_LEAVES).contains(leaves)) {
            return Err(format!("{leaves} leaves: an image has 1 to {MAX_LEAVES}"));
        }
        match self.detail.filter(|detail| !(1.0..=Self::MAX_DETAIL).contains(detail)) {
            Some(detail) => Err(format!("a detail of {detail}: it goes from 1 to {}", Self::MAX_DETAIL)),
            None => Ok(()),
        }
    }
}

/// How this run makes regions, from now on recorded in the library. A run that makes none gets what
/// the library has.
///
/// # Errors
/// [`IndexError::OtherRegions`] if the library has regions that were made in another way and none
/// are rebuilt; if the model or the store fails.
pub(crate) fn resolve_profile(
    index: &Index,
    encoder: &dyn Encode,
    options: &RegionOptions,
    captions: bool,
) -> Result<DenseProfile, IndexError> {
    let kept = index.manifest().regions;
    let makes = options.make || options.refill || options.rebuild || index.rebuild_left().is_some();
    let base = kept.as_ref().map(|kept| kept.config.clone()).unwrap_or_default();
    let config = if makes { options.choice.over(base) } else { base };
    let profile = match kept.filter(|kept| kept.config == config) {
        Some(kept) => kept,
        None if makes || captions => DenseProfile { config, registers: registers(encoder, options)? },
        None => DenseProfile { config, registers: Vec::new() },
    };
    if makes {
        index.record_region_profile(&profile, options.rebuild)?;
    }
    Ok(profile)
}

fn registers(encoder: &dyn Encode, options: &RegionOptions) -> Result<Vec<usize>, EncodeError> {
    match &options.registers {
        Some(registers) => Ok(registers.clone()),
        None => Ok(DenseProfile::of(encoder, DenseConfig::default())?.registers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_leaves_the_rest_as_it_was_and_has_bounds() {
        let kept = DenseConfig { leaves: 24, detail: 2.0, smallest: 3, ..DenseConfig::default() };
        let choice = RegionChoice { detail: Some(1.5), ..RegionChoice::default() };
        assert_eq!(choice.over(kept.clone()), DenseConfig { detail: 1.5, ..kept.clone() });
        assert_eq!(RegionChoice::default().or(&kept).over(DenseConfig::default()).leaves, 24);
        assert!(choice.check().is_ok());
        for odd in [f32::NAN, 0.5, 8.5] {
            assert!(RegionChoice { detail: Some(odd), ..choice }.check().is_err());
        }
        assert!(RegionChoice { leaves: Some(33), ..choice }.check().is_err());
    }
}
