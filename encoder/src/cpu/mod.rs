//! The backend for CPUs: bf16 with AMX or AVX-512 where there is, f32 everywhere else.
//!
//! Weights are packed once, in the order in which the kernels read them. Pictures of a batch lie one after the other in
//! one matrix, whatever their sizes; only attention knows where one ends, so nothing is padded and nothing masked.
//! The residual stream, norms, softmax and everything after the pooling's attention are f32 on every path; operands of
//! products are bf16 on the bf16 paths.

mod block;
mod kernels;
mod load;
mod map_head;
pub(crate) mod path;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod product;
mod text;
mod towers;
mod vision;

pub(crate) use towers::CpuTowers;
