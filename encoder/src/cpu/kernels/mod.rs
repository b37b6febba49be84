//! Products, attention, layer norms and the like, for every instruction set of
//! [`crate::cpu::path::Path`].
//!
//! An operation is a [`isa::Task`], written once over vectors of sixteen f32 ([`lanes::Lanes`]) and
//! products of tiles ([`isa::MicroKernel::block`]) that lie in memory as [`tile`] says, and
//! compiled for each instruction set. Operations split themselves over the threads of the rayon
//! pool that they are called on.
#![allow(unsafe_code, reason = "instruction sets, and buffers that several threads write")]
#![allow(clippy::needless_range_loop, reason = "one index counts registers and lines of memory at once")]

#[cfg(target_arch = "x86_64")]
pub mod amx;
pub mod attention;
pub mod buffers;
mod cells;
pub mod element;
mod execute;
pub mod gemm;
pub mod int8;
#[cfg(target_arch = "x86_64")]
pub mod int8_x86;
pub mod isa;
#[cfg(target_arch = "x86_64")]
pub mod isa_x86;
pub mod lanes;
#[cfg(target_arch = "x86_64")]
pub mod lanes_x86;
pub mod math;
pub mod norm;
pub mod patches;
pub mod pooling;
mod portable;
#[cfg(test)]
mod tests;
pub mod tile;
