//! The reference backend: SigLIP and SigLIP 2 on candle, in f32, on the CPU, CUDA or Metal.
//!
//! Letters of shapes at the end of a line: `B` entries of a batch, `N` tokens of a picture, `L` tokens of a text, `W` width
//! of a token, `H` heads, `D = W / H` width of a head, `M` inner width of an MLP, `P` side of a patch, `V` vocabulary.

mod attention;
mod batches;
mod block;
mod device;
mod encoder;
mod kernels;
mod load;
mod map_head;
mod norm;
mod patches;
mod position;
mod text;
mod towers;
mod trace;
mod turn;
mod vision;

pub use encoder::SiglipEncoder;
pub(crate) use position::PositionGrid;
pub use towers::Towers;
pub use trace::{Stage, Trace};

use crate::EncodeError;

fn backend(stage: &'static str, error: &candle_core::Error) -> EncodeError {
    EncodeError::Backend { stage, reason: error.to_string() }
}
