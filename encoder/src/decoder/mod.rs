//! The LocCa-style decoder (arXiv 2403.19596): captions of images, boxes of expressions, captions
//! of boxes.
//!
//! Google publishes no decoder for SigLIP 2. One that was trained on frozen towers (`training/`
//! holds the script) lies beside a checkpoint as `decoder.json` and `decoder.safetensors`; it
//! attends to the patches of a [`crate::DenseGrid`]. It is small beside the towers and runs on the
//! CPU, in f32.
//!
//! - `config`: what `decoder.json` says; `vocabulary`: texts and boxes as token ids; `token_ids`:
//!   those that never change
//! - `net`: the network, with remembered keys and values; `layers`: what it is made of
//! - `grammar`: which tokens may come next; `search`: the likeliest sequences under it

mod config;
mod grammar;
mod layers;
mod net;
mod search;
#[cfg(test)]
mod tests;
mod token_ids;
mod vocabulary;

use std::path::Path;

use crate::dense::Rect;
use crate::weights::Checkpoint;
use crate::{DenseGrid, Embedding, EncodeError};
use config::Config;
use grammar::Grammar;
use net::{CrossAttentionCache, Net, Token};
use vocabulary::Vocabulary;

/// Name of the weights file inside a checkpoint directory.
pub const FILE: &str = "decoder.safetensors";

/// Captions that are followed at a time where one is wanted. On drawn scenes of several things the
/// bundled decoder names them with an F1 of 0.41 by four instead of 0.38 greedily (four languages),
/// and 61 % of their boxes rightly instead of 57 %.
pub const CAPTION_BEAMS: usize = 4;

/// Steps of a coordinate (there are 500) that the left sides of two regions lie apart to be tried
/// as different ones.
const APART: u32 = 15;
/// Overlap above which two regions are one.
const SAME: f32 = 0.5;

/// An answer that the decoder generated, and its probability.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Generated<T> {
    /// The answer.
    pub value: T,
    /// Product over all tokens of the probability of each among those that were allowed.
    pub probability: f32,
}

/// A loaded decoder. Calls are blocking and may come from any thread.
pub struct Decoder {
    net: Net,
    vocabulary: Vocabulary,
}

impl Decoder {
    /// Loads the decoder of a checkpoint directory; `None` if it has none. `width` is that of the
    /// tower's tokens.
    ///
    /// # Errors
    /// [`EncodeError`] that names the file and the field or tensor that is wrong, or that belongs
    /// to another tower.
    pub fn load(dir: &Path, width: usize) -> Result<Option<Self>, EncodeError> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let config = Config::load(dir, width)?;
        let checkpoint = Checkpoint::open_file(&path)?;
        checkpoint.compare(config.expected_tensors(), "decoder")?;
        let net = Net::load(&checkpoint, &config)?;
        Ok(Some(Self { net, vocabulary: Vocabulary::new(config) }))
    }

    /// The languages that captions can be asked for in, the first being the default.
    pub fn languages(&self) -> &[String] {
        self.vocabulary.languages()
    }

    /// Captions of the whole image in one language, likeliest first; at most `beams`, which is how
    /// many are followed at a time (1: greedy; [`CAPTION_BEAMS`]: what a single caption is worth).
    ///
    /// # Errors
    /// [`EncodeError::Decoder`] for a language that it does not know or a grid of another model.
    pub fn caption(
        &self,
        grid: &DenseGrid,
        language: &str,
        beams: usize,
    ) -> Result<Vec<Generated<String>>, EncodeError> {
        let prefix = self.vocabulary.caption_prefix(language)?;
        self.words(grid, &prefix, beams)
    }

    /// Captions of one region.
    ///
    /// # Errors
    /// As [`Decoder::caption`].
    pub fn describe(
        &self,
        grid: &DenseGrid,
        region: Rect,
        language: &str,
        beams: usize,
    ) -> Result<Vec<Generated<String>>, EncodeError> {
        let prefix = self.vocabulary.region_prefix(language, region)?;
        self.words(grid, &prefix, beams)
    }

    /// Up to `count` regions that are worth a word, with that word: what the decoder says if it may
    /// choose the box as well. No two of them are mostly the same.
    ///
    /// # Errors
    /// As [`Decoder::caption`].
    pub fn regions(
        &self,
        grid: &DenseGrid,
        language: &str,
        count: usize,
    ) -> Result<Vec<Generated<(Rect, String)>>, EncodeError> {
        let prefix = self.vocabulary.any_region_prefix(language)?;
        let cross_cache = CrossAttentionCache::new(&self.net, grid)?;
        let grammar = Grammar::region_words(&self.vocabulary);
        let found = search::diverse_beam_search(&self.net, &cross_cache, &prefix, &grammar, 2 * count.max(1), APART);
        let split = |ids: Vec<u32>| (self.vocabulary.region(&ids[..4]), self.vocabulary.text(&ids[5..]));
        let mut regions: Vec<Generated<(Rect, String)>> = Vec::with_capacity(count);
        for said in found.into_iter().map(|said| said.map(split)) {
            if regions.len() < count.max(1) && regions.iter().all(|other| other.value.0.iou(&said.value.0) <= SAME) {
                regions.push(said);
            }
        }
        Ok(regions)
    }

    /// Boxes of what an expression names, likeliest first; all have an inside. `text` is its
    /// embedding by the text tower.
    ///
    /// # Errors
    /// [`EncodeError::Decoder`] for a grid or an embedding of another model.
    pub fn locate(
        &self,
        grid: &DenseGrid,
        text: &Embedding,
        beams: usize,
    ) -> Result<Vec<Generated<Rect>>, EncodeError> {
        if text.dim() != grid.dim {
            let reason = format!("it reads embeddings of {} values, this one has {}", grid.dim, text.dim());
            return Err(EncodeError::Decoder { reason });
        }
        let prefix = self.vocabulary.expression_prefix(text.as_slice());
        let found = self.search(grid, &prefix, &Grammar::region(&self.vocabulary), beams)?;
        Ok(found.into_iter().map(|said| said.map(|ids| self.vocabulary.region(&ids))).collect())
    }

    fn words(
        &self,
        grid: &DenseGrid,
        prefix: &[Token<'_>],
        beams: usize,
    ) -> Result<Vec<Generated<String>>, EncodeError> {
        let found = self.search(grid, prefix, &Grammar::words(&self.vocabulary), beams)?;
        Ok(found.into_iter().map(|said| said.map(|ids| self.vocabulary.text(&ids))).collect())
    }

    fn search(
        &self,
        grid: &DenseGrid,
        prefix: &[Token<'_>],
        grammar: &Grammar,
        beams: usize,
    ) -> Result<Vec<Generated<Vec<u32>>>, EncodeError> {
        let cross_cache = CrossAttentionCache::new(&self.net, grid)?;
        Ok(search::beam_search(&self.net, &cross_cache, prefix, grammar, beams.max(1)))
    }
}

impl<T> Generated<T> {
    /// The same with its value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Generated<U> {
        Generated { value: change(self.value), probability: self.probability }
    }
}
