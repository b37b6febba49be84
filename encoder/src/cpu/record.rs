//! Records intermediates of a forward pass, if anything is recorded.

use std::fmt::Display;
use std::ops::Range;

use super::kernels::buffers::Rows;
use crate::siglip::Trace;

/// Records the first `rows` rows, without their padding.
pub(super) fn record(trace: &mut Trace, name: impl Display, values: &Rows, rows: usize, width: usize) {
    if trace.is_on() {
        let values = (0..rows).flat_map(|row| values.row::<f32>(row)[..width].to_vec()).collect();
        trace.push(name, vec![rows, width], values);
    }
}

/// Records the tokens of a batch as (B, N, W), padded with zeros to the longest sequence.
pub(super) fn record_tokens(
    trace: &mut Trace,
    name: impl Display,
    values: &Rows,
    sequences: &[Range<usize>],
    width: usize,
) {
    if trace.is_on() {
        let longest = sequences.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        let mut padded = Vec::with_capacity(sequences.len() * longest * width);
        for (i, tokens) in sequences.iter().enumerate() {
            padded.extend(tokens.clone().flat_map(|row| &values.row::<f32>(row)[..width]));
            padded.resize((i + 1) * longest * width, 0.0);
        }
        trace.push(name, vec![sequences.len(), longest, width], padded);
    }
}
