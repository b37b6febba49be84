//! int8 in the instruction sets of x86-64: AMX tiles, and the vectors of VNNI.

use std::arch::x86_64::*;

use super::element::OffsetU8;
use super::isa::{Cells, MicroKernel, Operands, Tick, block_of_cells};
use super::isa_x86::{block_of_int8, prefetch};
use super::lanes_x86::{Avx2Lanes, Avx512Lanes};
use super::tile::Line;

/// int8 with AMX tiles.
#[derive(Clone, Copy)]
pub struct AmxInt8;

/// int8 with `vpdpbusd` of AVX-512.
#[derive(Clone, Copy)]
pub struct Avx512Vnni;

/// int8 with `vpdpbusd` of AVX-VNNI, which processors without AVX-512 have.
#[derive(Clone, Copy)]
pub struct AvxVnni;

// SAFETY: AMX with int8, and AVX-512.
unsafe impl MicroKernel for AmxInt8 {
    type Element = i8;
    type Vector = Avx512Lanes;
    const TICKS: bool = true;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn block(operands: Operands, result: *mut f32, first: bool, tick: &mut impl Tick) {
        // SAFETY: by the caller; the registers are configured as long as a task of this path runs.
        unsafe { block_of_int8(operands, result, first, tick) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

// SAFETY: AVX-512F and AVX-512 VNNI only.
unsafe impl MicroKernel for Avx512Vnni {
    type Element = OffsetU8;
    type Vector = Avx512Lanes;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn block(operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: by the caller.
        unsafe { block_of_cells::<Avx512Cells, 8, 2, 4>(operands, result, first) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

// SAFETY: AVX2 and AVX-VNNI only.
unsafe impl MicroKernel for AvxVnni {
    type Element = OffsetU8;
    type Vector = Avx2Lanes;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn block(operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: by the caller.
        unsafe { block_of_cells::<AvxCells, 4, 1, 1>(operands, result, first) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

/// Cells of four int8. Sums are the bits of i32.
struct Avx512Cells;

impl Cells for Avx512Cells {
    type Vector = Avx512Lanes;
    type Operand = __m512i;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn line(line: *const Line) -> __m512i {
        // SAFETY: by the caller.
        unsafe { _mm512_load_si512(line.cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn broadcast(cell: *const u32) -> __m512i {
        // SAFETY: by the caller.
        unsafe { _mm512_set1_epi32(*cell as i32) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn multiply_add(a: __m512i, b: __m512i, sum: Avx512Lanes) -> Avx512Lanes {
        // SAFETY: the instruction is there by the contract of `MicroKernel`.
        unsafe { Avx512Lanes(_mm512_castsi512_ps(_mm512_dpbusd_epi32(_mm512_castps_si512(sum.0), a, b))) }
    }
}

/// The same in two registers.
struct AvxCells;

impl Cells for AvxCells {
    type Vector = Avx2Lanes;
    type Operand = [__m256i; 2];

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn line(line: *const Line) -> [__m256i; 2] {
        let half: *const __m256i = line.cast();
        // SAFETY: by the caller.
        unsafe { [_mm256_load_si256(half), _mm256_load_si256(half.add(1))] }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn broadcast(cell: *const u32) -> [__m256i; 2] {
        // SAFETY: by the caller.
        unsafe { [_mm256_set1_epi32(*cell as i32); 2] }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn multiply_add(a: [__m256i; 2], b: [__m256i; 2], sum: Avx2Lanes) -> Avx2Lanes {
        // SAFETY: the instruction is there by the contract of `MicroKernel`.
        unsafe {
            let low = _mm256_dpbusd_avx_epi32(_mm256_castps_si256(sum.0), a[0], b[0]);
            let high = _mm256_dpbusd_avx_epi32(_mm256_castps_si256(sum.1), a[1], b[1]);
            Avx2Lanes(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high))
        }
    }
}
