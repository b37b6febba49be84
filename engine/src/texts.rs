//! Embeddings of texts, remembered: people ask the same again, page on, and tag with the same
//! labels.

use std::sync::Arc;

use glimpse_encoder::{Embedding, Encode, EncodeError};
use parking_lot::Mutex;

use crate::lru::Lru;
use crate::tune::QueryMaps;
use crate::{Cancel, EngineError};

/// Texts remembered; 1,024 vectors of 1,152 values are 5 MB.
const REMEMBERED: usize = 1024;
/// Texts per encoder call.
const BATCH: usize = 32;

/// Remembers the embeddings of texts, per model.
pub(crate) struct TextCache {
    held: Mutex<Lru<(String, String), Embedding>>,
    maps: Arc<QueryMaps>,
}

impl TextCache {
    pub fn new(maps: Arc<QueryMaps>) -> Self {
        Self { held: Mutex::new(Lru::new(REMEMBERED)), maps }
    }

    /// What is done to texts before images are asked with them.
    pub fn maps(&self) -> &QueryMaps {
        &self.maps
    }

    /// What to ask images with for `texts`, in order: their embeddings, moved by what was learnt
    /// from the library.
    ///
    /// # Errors
    /// As [`TextCache::embed`], and if what was learnt cannot be read.
    pub fn embed_queries(&self, encoder: &dyn Encode, texts: &[&str]) -> Result<Vec<Embedding>, EngineError> {
        let map = self.maps.of(&encoder.info().fingerprint, encoder.info().dim)?;
        let embedded = self.embed(encoder, texts)?.into_iter().zip(texts);
        Ok(embedded.map(|(embedding, text)| map.apply(text, embedding)).collect::<Result<_, _>>()?)
    }

    /// Embeddings of `texts`, in order; only new ones reach the encoder.
    ///
    /// # Errors
    /// If the encoder fails, or the question is given up.
    pub fn embed(&self, encoder: &dyn Encode, texts: &[&str]) -> Result<Vec<Embedding>, EngineError> {
        let model = &encoder.info().fingerprint;
        let key = |text: &str| (model.clone(), text.to_owned());
        let mut found: Vec<_> = {
            let mut cache = self.held.lock();
            texts.iter().map(|text| cache.get(&key(text))).collect()
        };
        let new: Vec<usize> = (0..texts.len()).filter(|&i| found[i].is_none()).collect();
        let cancel = Cancel::current();
        for batch in new.chunks(BATCH) {
            cancel.check()?;
            let words: Vec<&str> = batch.iter().map(|&i| texts[i]).collect();
            let embeddings = encoder.encode_texts(&words)?;
            if embeddings.len() != words.len() {
                let reason = format!("{} vectors for {} texts", embeddings.len(), words.len());
                return Err(EncodeError::Backend { stage: "text tower", reason }.into());
            }
            let mut cache = self.held.lock();
            for (&i, embedding) in batch.iter().zip(embeddings) {
                cache.insert(key(texts[i]), embedding.clone(), 1);
                found[i] = Some(embedding);
            }
        }
        // As many as there were texts: callers pair them with their labels by order.
        let whole = found.into_iter().collect::<Option<Vec<_>>>();
        Ok(whole.ok_or_else(|| EncodeError::Contract {
            model: encoder.info().name.clone(),
            reason: format!("it gave too few vectors for {} texts", texts.len()),
        })?)
    }
}
