//! Plain Rust: what every other kernel must agree with.

use super::{CodeProbe, LikeBits, RowPlanes, SIDE_BY_SIDE};

pub fn dot(steps: &[i8], row: &[u8]) -> i32 {
    steps.iter().zip(row).map(|(&step, &offset)| i32::from(step) * i32::from(offset)).sum()
}

/// Inlined, so that callers compiled for better machines count by their instructions.
#[inline(always)]
pub fn most_alike(blocks: &[u64], like: &mut LikeBits) {
    for (number, block) in blocks.chunks_exact(like.bits.len() * SIDE_BY_SIDE).enumerate() {
        let mut differing = [0; SIDE_BY_SIDE];
        for (bits, words) in like.bits.iter().zip(block.as_chunks::<SIDE_BY_SIDE>().0) {
            differing.iter_mut().zip(words).for_each(|(sum, word)| *sum += u64::from((word ^ bits).count_ones()));
        }
        let bound = like.bound();
        let lanes = (0..SIDE_BY_SIDE).fold(0, |lanes, i| lanes | u8::from(differing[i] < bound) << i);
        if lanes != 0 {
            like.offer(number, differing, lanes);
        }
    }
}

pub fn dot_codes(probe: &CodeProbe, records: &[u8], stride: usize, out: &mut Vec<i32>) {
    let (bits, bytes) = (probe.bits(), probe.code_bytes());
    let mask = (1u8 << bits) - 1;
    out.extend(records.chunks_exact(stride).map(|record| {
        let products = probe.parts().zip(0..).map(|(steps, place)| {
            let components = record[..bytes].iter().map(|byte| i32::from(byte >> (place * bits) & mask));
            components.zip(steps).map(|(component, &step)| component * i32::from(step)).sum::<i32>()
        });
        products.sum::<i32>()
    }));
}

/// Inlined, so that callers compiled for better machines use their instructions.
#[inline(always)]
pub fn dot_planes(steps: &[i8], planes: &RowPlanes, row: &[u8]) -> i32 {
    let (mut total, mut rest) = (0, row);
    for &bits in planes {
        let (plane, others) = rest.split_at(steps.len() * bits as usize / 8);
        total <<= bits;
        for (place, steps) in steps.chunks_exact(plane.len()).enumerate() {
            let components = plane.iter().map(|byte| byte >> (place as u32 * bits) & ((1 << bits) - 1));
            total += components.zip(steps).map(|(value, &step)| i32::from(value) * i32::from(step)).sum::<i32>();
        }
        rest = others;
    }
    total
}
