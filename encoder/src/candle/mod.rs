//! The reference backend: SigLIP and SigLIP 2 on candle, in f32, on the CPU, CUDA or Metal.
//!
//! Letters of shapes at the end of a line: `B` entries of a batch, `N` tokens of an image, `L`
//! tokens of a text, `W` width of a token, `H` heads, `D = W / H` width of a head, `M` inner width
//! of an MLP, `P` side of a patch, `V` vocabulary.

mod attention;
mod block;
mod device;
mod load;
mod map_head;
mod norm;
mod patches;
mod text;
mod towers;
mod vision;

pub(crate) use towers::CandleTowers;

use candle_core::Tensor;

use crate::EncodeError;
use crate::siglip::Trace;

fn backend(stage: &'static str, error: &candle_core::Error) -> EncodeError {
    EncodeError::Backend { stage, reason: error.to_string() }
}

/// Records a tensor, if anything is recorded.
fn record(trace: &mut Trace, name: impl std::fmt::Display, x: &Tensor) -> candle_core::Result<()> {
    if trace.is_on() {
        trace.push(name, x.dims().to_vec(), x.flatten_all()?.to_dtype(candle_core::DType::F32)?.to_vec1()?);
    }
    Ok(())
}
