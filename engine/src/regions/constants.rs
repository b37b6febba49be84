//! Every number that turns the cosines of regions into boxes and scores. `glimpse eval regions`
//! measures them; its tables stand in `benches/RESULTS-regions.md`.

/// Boxes below the cut that a thing may have in an image: one is shown, more let several things
/// find places of their own.
pub(super) const WEAK_BOXES: usize = 3;
/// What the score of an image is multiplied by if it shows all things, but not each in a place of
/// its own, or not as they have to lie: what was asked for is not there, so even the surest of them
/// stays well below the cut.
pub(super) const UNMET: f32 = 0.25;

/// Share of all images from which a region that is like so many of them shows nothing in
/// particular: of the bundled library, a box around a thing is like 4 % of the images at most, and
/// one on plain background like 99 %.
pub(super) const EVERYWHERE: f32 = 0.5;
/// Images below which nothing is said about shares of them.
pub(super) const FEW: usize = 16;

/// Images of a library whose regions stand for all.
pub(super) const SAMPLE: usize = 1024;
/// Regions asked of the index at first; more while the last one would still be found.
pub(super) const FIRST: usize = 2048;
/// Score from which boxes of a single image are shown when weaker ones are asked for too: all
/// would be a patchwork.
pub(super) const FAINT: f32 = 0.1;
/// What a region gains for each doubling of its area when nested regions compete, in standard
/// deviations: of a thing and a part of it that look alike to the model, the thing is meant.
pub(super) const GROWTH: f32 = 0.25;
/// Overlap from which a finer box stands for the same thing.
pub(super) const AGREES: f32 = 0.3;
/// Boxes that a decoder is asked for: a thing may be there more than once.
pub(super) const READINGS: usize = 4;
/// Boxes that overlap by more are the same thing.
pub(super) const SAME: f32 = 0.5;

/// Pixels along the longer side of the map that heatmaps and fine boxes are made of.
pub(super) const MAP: u32 = 96;
/// How closely an image is looked at for them ([`PixelConfig::detail`]), at least and, in a library
/// of finer regions, at most: 7 and 22 passes of an image of 4:3.
///
/// [`PixelConfig::detail`]: glimpse_encoder::dense::PixelConfig::detail
pub(super) const CLOSE: (f32, f32) = (1.5, 2.0);
/// A place belongs to a box if it reaches this share of the way from the median place of the image
/// to the best one of the box.
pub(super) const RISE: f32 = 0.78;
