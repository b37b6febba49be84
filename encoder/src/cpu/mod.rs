//! The backend for CPUs: bf16 with AMX or AVX-512 where there is, f32 everywhere else; if asked
//! for, int8 in part.
//!
//! Weights are packed once, in the order in which the kernels read them. Images of a batch lie one
//! after the other in one matrix, whatever their sizes; only attention knows where one ends, so
//! nothing is padded and nothing masked. The residual stream, norms, softmax and everything after
//! the pooling's attention are f32 on every path; operands of products are bf16 on the bf16 paths,
//! and those that come from a norm are int8 on the int8 paths.

mod block;
mod kernels;
mod load;
mod map_head;
pub(crate) mod path;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod product;
mod record;
mod text;
mod towers;
mod vision;

pub(crate) use towers::CpuTowers;
