//! Rows of bits beside a query's: which differ in the fewest.

/// Rows whose words stand side by side: as many words as the widest register has.
pub const SIDE_BY_SIDE: usize = 8;

/// The bits of a query, and the rows found so far that are most like them.
#[derive(Debug, Default)]
pub struct LikeBits {
    pub(super) bits: Vec<u64>,
    /// Number of differing bits in the upper half, number of the row in the lower, so that order is
    /// that of numbers.
    best: Vec<u64>,
    count: usize,
    rows: usize,
}

impl LikeBits {
    /// To find `count` of the first `rows` rows that are most like `bits`.
    pub fn reset(&mut self, bits: impl Iterator<Item = u64>, count: usize, rows: usize) {
        self.bits.clear();
        self.bits.extend(bits);
        self.best.clear();
        (self.count, self.rows) = (count, rows);
    }

    /// Numbers of the rows found, the most alike first, and of equals the one with the lower
    /// number.
    pub fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.best.iter().map(|entry| (entry & u64::from(u32::MAX)) as usize)
    }

    /// Rows that differ in as many bits or more need not be offered.
    #[inline]
    pub(super) fn bound(&self) -> u64 {
        if self.best.len() < self.count { u64::MAX } else { self.best.last().map_or(0, |last| last >> 32) }
    }

    /// Takes those of a block's rows that are better than what was found, of the ones that `lanes`
    /// has a bit for.
    #[inline]
    pub(super) fn offer(&mut self, block: usize, differing: [u64; SIDE_BY_SIDE], mut lanes: u8) {
        while lanes != 0 {
            let lane = lanes.trailing_zeros() as usize;
            lanes &= lanes - 1;
            let (row, differing) = (block * SIDE_BY_SIDE + lane, differing[lane]);
            if row < self.rows && differing < self.bound() {
                let entry = differing << 32 | row as u64;
                self.best.truncate(self.count - 1);
                let at = self.best.iter().rposition(|&better| better < entry).map_or(0, |last| last + 1);
                self.best.insert(at, entry);
            }
        }
    }
}
