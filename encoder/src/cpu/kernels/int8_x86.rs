//! int8 in the instruction sets of x86-64: AMX tiles, and the vectors of VNNI.

use std::arch::x86_64::*;
use std::marker::PhantomData;

use super::amx::TileRegisters;
use super::cells::{Cells, block_of_cells};
use super::element::OffsetU8;
use super::isa::{MicroKernel, Operands, Tick};
use super::isa_x86::{block_of_int8, prefetch};
use super::lanes_x86::{Avx2, Avx2Lanes, Avx512, Avx512Lanes};
use super::tile::Line;

/// int8 with AMX tiles.
#[derive(Clone, Copy)]
pub struct AmxInt8<'a>(Avx512, PhantomData<&'a TileRegisters>);

/// int8 with `vpdpbusd` of AVX-512.
#[derive(Clone, Copy)]
pub struct Avx512Vnni(Avx512);

/// int8 with `vpdpbusd` of AVX-VNNI, which processors without AVX-512 have.
#[derive(Clone, Copy)]
pub struct AvxVnni(Avx2);

impl<'a> AmxInt8<'a> {
    /// # Safety
    /// - Detected: the processor must have AMX with int8.
    #[inline(always)]
    pub unsafe fn assume(avx512: Avx512, _: &'a TileRegisters) -> Self {
        Self(avx512, PhantomData)
    }
}

impl Avx512Vnni {
    /// # Safety
    /// - Detected: the processor must have AVX-512 VNNI.
    #[inline(always)]
    pub unsafe fn assume(avx512: Avx512) -> Self {
        Self(avx512)
    }
}

impl AvxVnni {
    /// # Safety
    /// - Detected: the processor must have AVX-VNNI.
    #[inline(always)]
    pub unsafe fn assume(avx2: Avx2) -> Self {
        Self(avx2)
    }
}

impl MicroKernel for AmxInt8<'_> {
    type Element = i8;
    type Vector = Avx512Lanes;
    const TICKS: bool = true;

    #[inline(always)]
    fn vectors(self) -> Avx512 {
        self.0
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result. `self` has configured registers.
        unsafe { block_of_int8(operands, result, first, tick) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

impl MicroKernel for Avx512Vnni {
    type Element = OffsetU8;
    type Vector = Avx512Lanes;

    #[inline(always)]
    fn vectors(self) -> Avx512 {
        self.0
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result.
        unsafe { block_of_cells::<Avx512Cells, 8, 2, 4>(Avx512Cells(self), operands, result, first) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

impl MicroKernel for AvxVnni {
    type Element = OffsetU8;
    type Vector = Avx2Lanes;

    #[inline(always)]
    fn vectors(self) -> Avx2 {
        self.0
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result.
        unsafe { block_of_cells::<AvxCells, 4, 1, 1>(AvxCells(self), operands, result, first) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

/// Cells of four int8. Sums are the bits of i32.
#[derive(Clone, Copy)]
struct Avx512Cells(Avx512Vnni);

impl Cells for Avx512Cells {
    type Vector = Avx512Lanes;
    type Operand = __m512i;

    #[inline(always)]
    fn vectors(self) -> Avx512 {
        self.0.0
    }

    // SAFETY: see [`Cells::line`].
    #[inline(always)]
    unsafe fn line(self, line: *const Line) -> __m512i {
        // SAFETY: see [`Cells::line`]: source. `self` has AVX-512.
        unsafe { _mm512_load_si512(line.cast()) }
    }

    // SAFETY: see [`Cells::broadcast`].
    #[inline(always)]
    unsafe fn broadcast(self, cell: *const u32) -> __m512i {
        // SAFETY: see [`Cells::broadcast`]: source. `self` has AVX-512.
        unsafe { _mm512_set1_epi32(*cell as i32) }
    }

    #[inline(always)]
    fn multiply_add(self, a: __m512i, b: __m512i, sum: Avx512Lanes) -> Avx512Lanes {
        // SAFETY: `self` has the instruction.
        unsafe { Avx512Lanes(_mm512_castsi512_ps(_mm512_dpbusd_epi32(_mm512_castps_si512(sum.0), a, b))) }
    }
}

/// The same in two registers.
#[derive(Clone, Copy)]
struct AvxCells(AvxVnni);

impl Cells for AvxCells {
    type Vector = Avx2Lanes;
    type Operand = [__m256i; 2];

    #[inline(always)]
    fn vectors(self) -> Avx2 {
        self.0.0
    }

    // SAFETY: see [`Cells::line`].
    #[inline(always)]
    unsafe fn line(self, line: *const Line) -> [__m256i; 2] {
        let half: *const __m256i = line.cast();
        // SAFETY: see [`Cells::line`]: source. `self` has AVX2.
        unsafe { [_mm256_load_si256(half), _mm256_load_si256(half.add(1))] }
    }

    // SAFETY: see [`Cells::broadcast`].
    #[inline(always)]
    unsafe fn broadcast(self, cell: *const u32) -> [__m256i; 2] {
        // SAFETY: see [`Cells::broadcast`]: source. `self` has AVX2.
        unsafe { [_mm256_set1_epi32(*cell as i32); 2] }
    }

    #[inline(always)]
    fn multiply_add(self, a: [__m256i; 2], b: [__m256i; 2], sum: Avx2Lanes) -> Avx2Lanes {
        // SAFETY: `self` has the instruction.
        unsafe {
            let low = _mm256_dpbusd_avx_epi32(_mm256_castps_si256(sum.0), a[0], b[0]);
            let high = _mm256_dpbusd_avx_epi32(_mm256_castps_si256(sum.1), a[1], b[1]);
            Avx2Lanes(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high))
        }
    }
}
