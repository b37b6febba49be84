//! Every number that turns the cosines of regions into boxes and scores. `glimpse eval regions` measures them and says by how
//! much the margin is off; its tables stand in `benches/RESULTS-regions.md`.

use crate::calibrate::Curve;

/// Regions for a text.
pub const REGION: Curve = Curve { slope: 3.5, margin: 0.49, floor: 1.5, roof: 9.0 };
/// The same in one picture, whose few regions tell little of chance.
pub const ALONE: Curve = Curve { floor: 2.0, ..REGION };
/// Regions for a region that shows a thing: 56 % of the photos that show it too are found, 84 % of what is found shows it
/// (150 boxes drawn round things of the demo library).
pub const THING: Curve = Curve { slope: 9.0, margin: -0.5, floor: 0.6, roof: 6.0 };
/// Regions for one that is most of a picture.
pub const SCENE: Curve = Curve { slope: 5.0, margin: 0.0, floor: 0.3, roof: 6.0 };
/// Boxes below the cut that a thing may have in a photo: one is shown, more let several things find places of their own.
pub(super) const WEAK_BOXES: usize = 3;
/// What the score of a photo is multiplied by if it shows all things, but too few of one, or not as
/// they have to lie: what was asked for is not there, so even the surest of them stays well below
/// the cut.
pub(super) const UNMET: f32 = 0.25;
/// How much the whole picture's standing counts beside that of its region.
pub const IMAGE_WEIGHT: f32 = 0.1;

/// Regions of a library that stand for all.
pub(super) const SAMPLE: usize = 4096;
/// Regions asked of the index at first; more while the last one would still be found.
pub(super) const FIRST: usize = 2048;
/// Score from which boxes of a single picture are shown when weaker ones are asked for too: all
/// would be a patchwork.
pub(super) const FAINT: f32 = 0.1;
/// What a region gains for each doubling of its area when nested regions compete, in standard deviations: of a thing and
/// a part of it that look alike to the model, the thing is meant.
pub(super) const GROWTH: f32 = 0.25;
/// Overlap from which a finer box stands for the same thing.
pub(super) const AGREES: f32 = 0.3;
/// Boxes that a decoder is asked for: a thing may be there more than once.
pub(super) const READINGS: usize = 4;
/// Photos, from the best, that a decoder reads unasked: those that are looked at first.
pub(super) const READ_UNASKED: usize = 4;
/// Boxes that overlap by more are the same thing.
pub(super) const SAME: f32 = 0.5;

/// A patch belongs to a box if it reaches this share of the way from the median patch to the best one.
pub(super) const RISE: f32 = 0.5;
/// Patches smaller than this share of the picture are no box of their own.
pub(super) const LEAST_AREA: f32 = 0.004;
/// The grid is looked at in so many steps for each patch, with values in between.
pub(super) const STEPS: usize = 4;
/// Share of a box's best patches whose mean is its standing.
pub(super) const PEAK: f32 = 0.2;
