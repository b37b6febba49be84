//! Every number that turns a cosine into a score.

/// Score from which a picture counts as found, for every query, language and library.
pub const CUT: f32 = 0.5;
/// Score from which a match counts as strong.
pub const STRONG: f32 = 0.9;
/// Score that a picture has at least when its name, folder, caption or keywords hold the words that were asked for.
pub const WORDS_SCORE: f32 = 0.75;

/// The same for some of the words; only a search by words alone looks for those.
pub const SOME_WORDS_SCORE: f32 = 0.25;

/// `score = 1 / (1 + exp(-slope * (z - bar)))` with `bar = ceiling + margin` within `floor` and `roof`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    /// How fast the score rises, per standard deviation.
    pub slope: f32,
    /// Standard deviations that the bar lies above the best picture of a query for what is not there.
    pub margin: f32,
    /// Lowest bar.
    pub floor: f32,
    /// Highest bar.
    pub roof: f32,
}

/// For queries by text.
pub const TEXT: Curve = Curve { slope: 1.0, margin: 2.1, floor: 4.1, roof: 9.0 };
/// For queries by picture.
pub const PICTURE: Curve = Curve { slope: 0.8, margin: 0.3, floor: 2.3, roof: 5.3 };

/// The bar of a query by one picture lies at most so far up to that picture's own standing: a copy of it is always found.
pub const ITSELF: f32 = 0.75;

impl Curve {
    /// The bar of a library whose null queries reach `ceiling`.
    pub fn bar(&self, ceiling: f32) -> f32 {
        (ceiling + self.margin).clamp(self.floor, self.roof)
    }

    /// The curve between this one and `other`, by the share of the other.
    pub fn towards(&self, other: &Self, share: f32) -> Self {
        let mix = |a: f32, b: f32| a + share * (b - a);
        Self {
            slope: mix(self.slope, other.slope),
            margin: mix(self.margin, other.margin),
            floor: mix(self.floor, other.floor),
            roof: mix(self.roof, other.roof),
        }
    }
}
