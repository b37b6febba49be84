//! Any number of inputs to passes of bounded memory.

use super::features::{TEXT, VISION};
use crate::{EncodeError, PixelInput};

/// Tokens of one pass. More do not run faster on a CPU, and the widest intermediate of So400m is 70
/// MB at this size.
const TOKENS: usize = 4096;
/// Tokens of a pass of images while texts are about: a query that comes meanwhile waits for no
/// more.
const TOKENS_AMONG_TEXTS: usize = 1024;

/// Calls `pass` with batches of at most [`TOKENS`] tokens, padding included, and returns the
/// results in input order. Images of similar length go together, so that little is padded. Before
/// each batch `texts_are_about` is asked; if so, it is smaller. One image is never split, whatever
/// its patch budget.
pub(super) fn images<T>(
    images: &[PixelInput],
    texts_are_about: impl Fn() -> bool,
    mut pass: impl FnMut(&[PixelInput]) -> Result<Vec<T>, EncodeError>,
) -> Result<Vec<T>, EncodeError> {
    let tokens = |i: &usize| images[*i].rows * images[*i].cols;
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(tokens(i)));
    let mut results: Vec<Option<T>> = images.iter().map(|_| None).collect();
    let mut rest = order.as_slice();
    while let Some(longest) = rest.first() {
        let most = if texts_are_about() { TOKENS_AMONG_TEXTS } else { TOKENS };
        let count = (most / tokens(longest).max(1)).clamp(1, rest.len());
        let (batch, later) = rest.split_at(count);
        let inputs: Vec<PixelInput> = batch.iter().map(|i| images[*i].clone()).collect();
        for (i, result) in batch.iter().zip(all_of(pass(&inputs)?, VISION, batch.len())?) {
            results[*i] = Some(result);
        }
        rest = later;
    }
    Ok(results.into_iter().flatten().collect())
}

/// Calls `pass` with batches of at most [`TOKENS`] tokens.
pub(super) fn texts<T>(
    ids: &[Vec<u32>],
    mut pass: impl FnMut(&[Vec<u32>]) -> Result<Vec<T>, EncodeError>,
) -> Result<Vec<T>, EncodeError> {
    let length = ids.first().map_or(1, Vec::len).max(1);
    let mut results = Vec::with_capacity(ids.len());
    for batch in ids.chunks((TOKENS / length).max(1)) {
        results.extend(all_of(pass(batch)?, TEXT, batch.len())?);
    }
    Ok(results)
}

/// The results of a pass, if there is one for each input.
fn all_of<T>(results: Vec<T>, stage: &'static str, count: usize) -> Result<Vec<T>, EncodeError> {
    if results.len() == count {
        return Ok(results);
    }
    Err(EncodeError::Backend { stage, reason: format!("{} results for {count} inputs", results.len()) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::RgbImage;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn order_is_kept_and_memory_bounded(grids in prop::collection::vec((1usize..65, 1usize..65), 0..60), texts in any::<bool>()) {
            let most = if texts { TOKENS_AMONG_TEXTS } else { TOKENS };
            let inputs: Vec<PixelInput> =
                grids.iter().map(|(rows, cols)| PixelInput { rows: *rows, cols: *cols, pixels: RgbImage::new(1, 1) }).collect();
            let results = images(&inputs, || texts, |batch| {
                let longest = batch.iter().map(|p| p.rows * p.cols).max().unwrap();
                assert!(batch.len() == 1 || batch.len() * longest <= most);
                Ok(batch.iter().map(|p| (p.rows, p.cols)).collect())
            });
            prop_assert_eq!(results.unwrap(), grids);
        }

        #[test]
        fn a_pass_that_loses_results_is_an_error(count in 1usize..200, lost in 1usize..3) {
            let inputs = vec![PixelInput { rows: 4, cols: 8, pixels: RgbImage::new(1, 1) }; count];
            let short = images(&inputs, || false, |batch| Ok(vec![(); batch.len().saturating_sub(lost)]));
            prop_assert!(short.is_err());
            let short = texts(&vec![vec![0; 64]; count], |batch| Ok(vec![(); batch.len().saturating_sub(lost)]));
            prop_assert!(short.is_err());
        }

        #[test]
        fn texts_stay_in_order(count in 0usize..300) {
            let ids: Vec<Vec<u32>> = (0..count).map(|i| vec![i as u32; 64]).collect();
            let results = texts(&ids, |batch| {
                assert!(batch.len() * 64 <= TOKENS);
                Ok(batch.to_vec())
            });
            prop_assert_eq!(results.unwrap(), ids);
        }
    }
}
