//! Plain Rust: what every other kernel must agree with.

pub fn dot(steps: &[i8], row: &[u8]) -> i32 {
    steps.iter().zip(row).map(|(&step, &raised)| i32::from(step) * i32::from(raised)).sum()
}

/// Inlined, so that callers compiled for better machines count by their instructions.
#[inline(always)]
pub fn hamming(bits: &[u64], rows: &[u64], out: &mut Vec<u32>) {
    let differing = |row: &[u64]| bits.iter().zip(row).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
    out.extend(rows.chunks_exact(bits.len()).map(differing));
}
