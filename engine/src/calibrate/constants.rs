//! What scores are called, whatever the model.

/// Score from which an image counts as found, for every query, language and library.
pub const CUT: f32 = 0.5;
/// Score from which a match counts as strong.
pub const STRONG: f32 = 0.9;
/// Score that an image has at least when its name, folder, caption or keywords hold the words that
/// were asked for.
pub const WORDS_SCORE: f32 = 0.75;
/// The same for some of the words; only a search by words alone looks for those.
pub const SOME_WORDS_SCORE: f32 = 0.25;

/// An image counts as a copy of the one that was asked by from this part of that one's own standing
/// on.
pub(super) const ITSELF: f32 = 0.75;
/// How fast the score of copies rises, per standard deviation.
pub(super) const ITSELF_SLOPE: f32 = 0.8;
