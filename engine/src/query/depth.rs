//! How far down its ranking an answer goes.

/// Fewer hits at or above the cut than this are filled up with weaker ones by [`Depth::Usual`].
pub const FEW: usize = 6;
/// Hits that [`Depth::Usual`] fills an answer up to: a first screen.
pub const FIRST_SCREEN: usize = 12;

/// How far down its ranking an answer goes. Hits below the cut always come after those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// Only hits at or above the cut.
    Strict,
    /// All hits at or above the cut. If they are fewer than [`FEW`], the best weaker ones follow,
    /// up to [`FIRST_SCREEN`] hits in all.
    #[default]
    Usual,
    /// Everything, down to the last.
    All,
}

impl Depth {
    /// Most weaker hits after `accepted` ones at or above the cut.
    pub(crate) fn weaker(self, accepted: usize) -> usize {
        match self {
            Self::Strict => 0,
            Self::Usual if accepted < FEW => FIRST_SCREEN - accepted,
            Self::Usual => 0,
            Self::All => usize::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handful_of_hits_is_filled_up_to_a_screen() {
        let weaker = |depth: Depth| [0, 1, FEW - 1, FEW, 100].map(|accepted| depth.weaker(accepted));
        assert_eq!(weaker(Depth::Strict), [0; 5]);
        assert_eq!(weaker(Depth::Usual), [FIRST_SCREEN, FIRST_SCREEN - 1, FIRST_SCREEN - FEW + 1, 0, 0]);
        assert_eq!(weaker(Depth::All), [usize::MAX; 5]);
    }
}
