//! What a batch is asked of the model, here or at a worker.

use glimpse_encoder::decoder::CAPTION_BEAMS;
use glimpse_encoder::dense::{DenseFeatures, DenseProfile, Views};
use glimpse_encoder::{Encode, EncodeError, Outputs, PixelInput as View};
use rayon::prelude::*;

use crate::ingest::pipeline::item::{Encoded, Wants};

/// The model, and in which way it is asked.
#[derive(Clone, Copy)]
pub(crate) struct Model<'a> {
    pub encoder: &'a dyn Encode,
    pub profile: &'a DenseProfile,
    /// The language of captions, if any are written.
    pub captions: Option<&'a str>,
}

/// An image, and what is wanted of it beside its vector.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub wants: Wants,
    pub views: &'a Views,
}

impl Model<'_> {
    /// The vectors of a batch, in order, and what else is wanted of each image.
    pub fn encode(&self, batch: &[Ask<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        if batch.iter().all(|ask| ask.wants == Wants::default()) {
            return self.vectors(batch);
        }
        let views: Vec<Views> = batch.iter().map(|ask| ask.views.clone()).collect();
        let features = self.profile.encode(self.encoder, &views)?;
        if features.len() != batch.len() {
            return Err(broken(format!("{} grids for {} images", features.len(), batch.len())));
        }
        let of_batch = || batch.iter().map(|ask| ask.wants).zip(&features);
        let cut: Vec<_> = of_batch().filter(|(wants, _)| wants.regions).map(|(_, features)| &features.grid).collect();
        let mut regions =
            if cut.is_empty() { Vec::new() } else { self.profile.segment(self.encoder, &cut)? }.into_iter();
        let told = of_batch().filter(|(wants, _)| wants.caption).map(|(_, features)| features);
        let mut captions = self.caption(&told.collect::<Vec<_>>())?.into_iter();
        let encoded = |(wants, features): (Wants, &DenseFeatures)| Encoded {
            embedding: features.embedding.clone(),
            regions: if wants.regions { regions.next() } else { None },
            model_caption: if wants.caption { captions.next().flatten() } else { None },
        };
        Ok(of_batch().map(encoded).collect())
    }

    /// The likeliest caption of each image, if the model can write them.
    fn caption(&self, images: &[&DenseFeatures]) -> Result<Vec<Option<String>>, EncodeError> {
        let Some(language) = self.captions else { return Ok(Vec::new()) };
        let Some(decoder) = self.encoder.decoder()? else { return Ok(Vec::new()) };
        let caption = |features: &&DenseFeatures| {
            let said = decoder.caption(features.whole(), language, CAPTION_BEAMS)?;
            Ok(said.into_iter().next().map(|said| said.value))
        };
        images.par_iter().map(caption).collect()
    }

    /// Vectors alone, of whole images.
    fn vectors(&self, batch: &[Ask<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let whole: Vec<View> = batch.iter().map(|ask| ask.views.prepared()[0].clone()).collect();
        let features = self.encoder.encode_images(&whole, Outputs::Pooled)?;
        if features.len() != whole.len() {
            return Err(broken(format!("{} vectors for {} images", features.len(), whole.len())));
        }
        let encoded = |embedding| Encoded { embedding, regions: None, model_caption: None };
        Ok(features.into_iter().map(|features| encoded(features.embedding)).collect())
    }
}

/// A model that did not do what it promises.
pub(crate) fn broken(reason: String) -> EncodeError {
    EncodeError::Backend { stage: "image tower", reason }
}
