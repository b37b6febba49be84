//! Numbers that look drawn at random, and are the same in every run.

/// Draws of a seed.
pub struct Draws(u64);

impl Draws {
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    /// A number below `count`, 0 for none.
    pub fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % count.max(1) as u64) as usize
    }

    /// `count` of the values, or all if there are fewer, in their order.
    pub fn some(&mut self, mut values: Vec<usize>, count: usize) -> Vec<usize> {
        while values.len() > count {
            values.remove(self.below(values.len()));
        }
        values
    }
}
