//! Instruction sets of x86-64: AVX2 and AVX-512 on f32, AVX-512 BF16 and AMX on bf16, AMX on f32 in
//! two halves.

use std::arch::asm;
use std::arch::x86_64::*;
use std::marker::PhantomData;

use half::bf16;

use super::amx::TileRegisters;
use super::cells::{Cells, F32Cells, block_of_cells};
use super::element::{Element, Split};
use super::isa::{Isa, MicroKernel, Operands, Tick};
use super::lanes_x86::{Avx2, Avx2Lanes, Avx512, Avx512Lanes};
use super::tile::{Line, TILE};

/// bf16 with `vdpbf16ps`.
#[derive(Clone, Copy)]
pub struct Avx512Bf16(Avx512);

/// bf16 with AMX tiles.
#[derive(Clone, Copy)]
pub struct AmxBf16<'a>(Avx512, PhantomData<&'a TileRegisters>);

/// f32 with AMX tiles: each value is split into two bf16, and all four products of halves are
/// summed. Without that of the lower halves a model would be a fiftieth faster and a fifth less
/// exact.
#[derive(Clone, Copy)]
pub struct AmxF32<'a>(Avx512, PhantomData<&'a TileRegisters>);

impl Avx512Bf16 {
    /// # Safety
    /// - Detected: the processor must have AVX-512 BF16.
    #[inline(always)]
    pub unsafe fn assume(avx512: Avx512) -> Self {
        Self(avx512)
    }
}

impl<'a> AmxBf16<'a> {
    /// Tiles are only there while their registers are configured.
    #[inline(always)]
    pub fn new(bf16: Avx512Bf16, _: &'a TileRegisters) -> Self {
        Self(bf16.0, PhantomData)
    }
}

impl<'a> AmxF32<'a> {
    /// As [`AmxBf16::new`].
    #[inline(always)]
    pub fn new(bf16: Avx512Bf16, _: &'a TileRegisters) -> Self {
        Self(bf16.0, PhantomData)
    }
}

/// Into the second-level cache: weights arrive a chunk ahead, and the first level is for the chunk
/// in work.
#[inline(always)]
pub(super) fn prefetch(line: *const Line) {
    // SAFETY: a prefetch never faults, and every x86-64 has it.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) }
}

impl MicroKernel for Avx2 {
    type Element = f32;
    type Vector = Avx2Lanes;

    #[inline(always)]
    fn vectors(self) -> Self {
        self
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result.
        unsafe { block_of_cells::<F32Cells<Avx2Lanes>, 4, 1, 1>(F32Cells(self), operands, result, first) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

impl Isa for Avx2 {
    type Attention = Self;
    type Normed = Self;

    #[inline(always)]
    fn attention(self) -> Self {
        self
    }

    #[inline(always)]
    fn normed(self) -> Self {
        self
    }
}

impl MicroKernel for Avx512 {
    type Element = f32;
    type Vector = Avx512Lanes;

    #[inline(always)]
    fn vectors(self) -> Self {
        self
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result.
        unsafe { block_of_cells::<F32Cells<Avx512Lanes>, 8, 2, 4>(F32Cells(self), operands, result, first) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

impl Isa for Avx512 {
    type Attention = Self;
    type Normed = Self;

    #[inline(always)]
    fn attention(self) -> Self {
        self
    }

    #[inline(always)]
    fn normed(self) -> Self {
        self
    }
}

/// Cells of two bf16.
#[derive(Clone, Copy)]
struct Bf16Cells(Avx512Bf16);

impl Cells for Bf16Cells {
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
        // SAFETY: `self` has the instruction; 512 bits each without invalid values.
        unsafe {
            let (a, b) = (std::mem::transmute::<__m512i, __m512bh>(a), std::mem::transmute::<__m512i, __m512bh>(b));
            Avx512Lanes(_mm512_dpbf16_ps(sum.0, a, b))
        }
    }
}

impl MicroKernel for Avx512Bf16 {
    type Element = bf16;
    type Vector = Avx512Lanes;

    #[inline(always)]
    fn vectors(self) -> Avx512 {
        self.0
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result.
        unsafe { block_of_cells::<Bf16Cells, 8, 2, 4>(Bf16Cells(self), operands, result, first) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

impl Isa for Avx512Bf16 {
    type Attention = Self;
    type Normed = Self;

    #[inline(always)]
    fn attention(self) -> Self {
        self
    }

    #[inline(always)]
    fn normed(self) -> Self {
        self
    }
}

/// One step along the inner dimension: loads before products, since a product waits for its
/// operands only. The sums are tiles 0 to 3, the left operand tiles 4 and 5, the right one 6 and 7.
macro_rules! step {
    ($left:expr, $lower:expr, $right:expr, [$($code:expr),*]) => {
        asm!($($code,)* "/* {left} {lower} {right} {row} */", left = in(reg) $left, lower = in(reg) $lower, right = in(reg) $right,
            row = in(reg) 64usize, options(nostack, readonly))
    };
}

/// Tiles 0 to 3 become zero or what `result` holds.
///
/// # Safety
/// - Registers: they must be configured ([`TileRegisters`]).
/// - Result: as in [`MicroKernel::block`].
#[inline(always)]
unsafe fn begin_sums(result: *mut f32, first: bool) {
    // SAFETY: registers, result.
    unsafe {
        if first {
            asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
        } else {
            asm!("tileloadd tmm0, [{at} + {row}]", "tileloadd tmm1, [{at} + {row} + 1024]",
                "tileloadd tmm2, [{at} + {row} + 2048]", "tileloadd tmm3, [{at} + {row} + 3072]",
                at = in(reg) result, row = in(reg) 64usize, options(nostack, readonly));
        }
    }
}

/// Stores tiles 0 to 3.
///
/// # Safety
/// As [`begin_sums`].
#[inline(always)]
unsafe fn end_sums(result: *mut f32) {
    // SAFETY: see [`begin_sums`]: registers, result.
    unsafe {
        asm!("tilestored [{at} + {row}], tmm0", "tilestored [{at} + {row} + 1024], tmm1",
            "tilestored [{at} + {row} + 2048], tmm2", "tilestored [{at} + {row} + 3072], tmm3",
            at = in(reg) result, row = in(reg) 64usize, options(nostack));
    }
}

/// The blocks of a micro-kernel whose operands have one part, multiplied by the tile instruction
/// `$dot`.
///
/// The sums stay in tile registers from one `asm!` to the next, and while `tick` runs. Rust
/// promises nothing about registers between two `asm!`; this holds because nothing else writes
/// these: the compiler allocates tile registers only in functions with the target feature
/// `amx-tile`, which is nowhere enabled, no code of ours outside of micro-kernels has tile
/// instructions, `tick` calls nobody else's, and the system saves them when it switches threads.
/// The blocks are volatile, so they keep their order. Operands are in memory; only the sums rely on
/// this.
macro_rules! block_of_tiles {
    ($name:ident, $dot:literal) => {
        /// # Safety
        /// As [`MicroKernel::block`] and [`begin_sums`].
        #[inline(always)]
        pub(super) unsafe fn $name(o: Operands, result: *mut f32, first: bool, tick: &mut impl Tick) {
            // SAFETY: operands, result, registers.
            unsafe {
                begin_sums(result, first);
                let (mut left, mut right) = (o.left, o.right);
                for _ in 0..o.steps {
                    let lower = left.wrapping_add(o.left_stride);
                    match (o.two_rows, o.two_cols) {
                        (true, true) => step!(
                            left,
                            lower,
                            right,
                            [
                                "tileloadd tmm4, [{left} + {row}]",
                                "tileloadd tmm6, [{right} + {row}]",
                                "tileloadd tmm7, [{right} + {row} + 1024]",
                                "tileloadd tmm5, [{lower} + {row}]",
                                concat!($dot, " tmm0, tmm4, tmm6"),
                                concat!($dot, " tmm1, tmm4, tmm7"),
                                concat!($dot, " tmm2, tmm5, tmm6"),
                                concat!($dot, " tmm3, tmm5, tmm7")
                            ]
                        ),
                        (false, true) => step!(
                            left,
                            lower,
                            right,
                            [
                                "tileloadd tmm4, [{left} + {row}]",
                                "tileloadd tmm6, [{right} + {row}]",
                                "tileloadd tmm7, [{right} + {row} + 1024]",
                                concat!($dot, " tmm0, tmm4, tmm6"),
                                concat!($dot, " tmm1, tmm4, tmm7")
                            ]
                        ),
                        (true, false) => step!(
                            left,
                            lower,
                            right,
                            [
                                "tileloadd tmm4, [{left} + {row}]",
                                "tileloadd tmm6, [{right} + {row}]",
                                "tileloadd tmm5, [{lower} + {row}]",
                                concat!($dot, " tmm0, tmm4, tmm6"),
                                concat!($dot, " tmm2, tmm5, tmm6")
                            ]
                        ),
                        (false, false) => step!(
                            left,
                            lower,
                            right,
                            [
                                "tileloadd tmm4, [{left} + {row}]",
                                "tileloadd tmm6, [{right} + {row}]",
                                concat!($dot, " tmm0, tmm4, tmm6")
                            ]
                        ),
                    }
                    left = left.wrapping_add(TILE);
                    right = right.wrapping_add(2 * TILE);
                    tick.tick();
                }
                end_sums(result);
            }
        }
    };
}

block_of_tiles!(block_of_bf16, "tdpbf16ps");
block_of_tiles!(block_of_int8, "tdpbssd");

impl MicroKernel for AmxBf16<'_> {
    type Element = bf16;
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
        unsafe { block_of_bf16(operands, result, first, tick) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

impl Isa for AmxBf16<'_> {
    type Attention = Self;
    type Normed = Self;

    #[inline(always)]
    fn attention(self) -> Self {
        self
    }

    #[inline(always)]
    fn normed(self) -> Self {
        self
    }
}

impl MicroKernel for AmxF32<'_> {
    type Element = Split;
    type Vector = Avx512Lanes;
    const TICKS: bool = true;

    #[inline(always)]
    fn vectors(self) -> Avx512 {
        self.0
    }

    // Sums stay in tile registers as they do in `block_of_tiles`, for the same reasons. The order
    // of the products is the one that loads fewest tiles, and the same for any number of rows: an
    // image must not depend on its neighbours.
    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, o: Operands, result: *mut f32, first: bool, tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result. `self` has configured registers.
        // The second right tile is multiplied even if it has no columns.
        unsafe {
            begin_sums(result, first);
            let (mut left, mut right) = (o.left, o.right);
            for _ in 0..o.steps {
                let lower = left.wrapping_add(o.left_stride);
                if o.two_rows {
                    step!(
                        left,
                        lower,
                        right,
                        [
                            "tileloadd tmm4, [{left} + {row} + 1024]",
                            "tileloadd tmm6, [{right} + {row} + 1024]",
                            "tileloadd tmm7, [{right} + {row} + 3072]",
                            "tileloadd tmm5, [{lower} + {row} + 1024]",
                            "tdpbf16ps tmm0, tmm4, tmm6",
                            "tdpbf16ps tmm1, tmm4, tmm7",
                            "tdpbf16ps tmm2, tmm5, tmm6",
                            "tdpbf16ps tmm3, tmm5, tmm7",
                            "tileloadd tmm4, [{left} + {row}]",
                            "tileloadd tmm5, [{lower} + {row}]",
                            "tdpbf16ps tmm0, tmm4, tmm6",
                            "tdpbf16ps tmm1, tmm4, tmm7",
                            "tdpbf16ps tmm2, tmm5, tmm6",
                            "tdpbf16ps tmm3, tmm5, tmm7",
                            "tileloadd tmm6, [{right} + {row}]",
                            "tileloadd tmm7, [{right} + {row} + 2048]",
                            "tdpbf16ps tmm0, tmm4, tmm6",
                            "tdpbf16ps tmm1, tmm4, tmm7",
                            "tdpbf16ps tmm2, tmm5, tmm6",
                            "tdpbf16ps tmm3, tmm5, tmm7",
                            "tileloadd tmm4, [{left} + {row} + 1024]",
                            "tileloadd tmm5, [{lower} + {row} + 1024]",
                            "tdpbf16ps tmm0, tmm4, tmm6",
                            "tdpbf16ps tmm1, tmm4, tmm7",
                            "tdpbf16ps tmm2, tmm5, tmm6",
                            "tdpbf16ps tmm3, tmm5, tmm7"
                        ]
                    );
                } else {
                    step!(
                        left,
                        lower,
                        right,
                        [
                            "tileloadd tmm4, [{left} + {row} + 1024]",
                            "tileloadd tmm6, [{right} + {row} + 1024]",
                            "tileloadd tmm7, [{right} + {row} + 3072]",
                            "tileloadd tmm5, [{left} + {row}]",
                            "tdpbf16ps tmm0, tmm4, tmm6",
                            "tdpbf16ps tmm1, tmm4, tmm7",
                            "tdpbf16ps tmm0, tmm5, tmm6",
                            "tdpbf16ps tmm1, tmm5, tmm7",
                            "tileloadd tmm6, [{right} + {row}]",
                            "tileloadd tmm7, [{right} + {row} + 2048]",
                            "tdpbf16ps tmm0, tmm5, tmm6",
                            "tdpbf16ps tmm1, tmm5, tmm7",
                            "tdpbf16ps tmm0, tmm4, tmm6",
                            "tdpbf16ps tmm1, tmm4, tmm7"
                        ]
                    );
                }
                left = left.wrapping_add(Split::TILE);
                right = right.wrapping_add(2 * Split::TILE);
                tick.tick();
            }
            end_sums(result);
        }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        prefetch(line);
    }
}

impl Isa for AmxF32<'_> {
    type Attention = Avx512;
    type Normed = Self;

    #[inline(always)]
    fn attention(self) -> Avx512 {
        self.0
    }

    #[inline(always)]
    fn normed(self) -> Self {
        self
    }
}
