//! Holds an [`Encode`] of another maker to what the trait promises.

use std::ops::Deref;

use image::RgbImage;

use crate::decoder::Decoder;
use crate::{Embedding, Encode, EncodeError, ImageFeatures, ModelInfo, Outputs, PixelInput, Projection};

/// An encoder whose answers are compared with the questions: as many as there were inputs, each as
/// wide as [`ModelInfo::dim`]. What stands on [`Encode`] pairs answers with inputs by their order,
/// so that one that is missing would give all that follow to the wrong image or label.
///
/// `E` is any pointer to an encoder: `&dyn Encode`, `Arc<dyn Encode>`.
#[derive(Debug)]
pub struct Checked<E>(pub E);

impl<E: Deref<Target: Encode>> Checked<E> {
    fn check_count(&self, what: &str, found: usize, expected: usize) -> Result<(), EncodeError> {
        if found == expected {
            return Ok(());
        }
        Err(self.broken(format!("it gave {found} {what} for {expected} inputs")))
    }

    fn check_width(&self, found: usize) -> Result<(), EncodeError> {
        let dim = self.0.info().dim;
        if found == dim {
            return Ok(());
        }
        Err(self.broken(format!("it gave a vector of {found} values, and says that its vectors have {dim}")))
    }

    fn check_features(&self, features: &ImageFeatures, outputs: Outputs) -> Result<(), EncodeError> {
        self.check_width(features.embedding.dim())?;
        let Some(grid) = &features.dense else {
            return match outputs {
                Outputs::Dense => Err(self.broken("it gave no grid of patch features".to_owned())),
                Outputs::Pooled => Ok(()),
            };
        };
        self.check_width(grid.dim)?;
        let cells = grid.rows * grid.cols;
        let found = [grid.tokens.len(), grid.aligned.len(), grid.norms.len()];
        if cells > 0 && found == [cells * grid.dim, cells * grid.dim, cells] {
            return Ok(());
        }
        Err(self.broken(format!("a grid of {} x {} patches has {found:?} values", grid.rows, grid.cols)))
    }

    fn broken(&self, reason: String) -> EncodeError {
        EncodeError::Contract { model: self.0.info().name.clone(), reason }
    }
}

impl<E: Deref<Target: Encode> + Send + Sync> Encode for Checked<E> {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }

    fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError> {
        self.0.prepare(image)
    }

    fn encode_images(&self, batch: &[PixelInput], outputs: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        let features = self.0.encode_images(batch, outputs)?;
        self.check_count("results", features.len(), batch.len())?;
        features.iter().try_for_each(|features| self.check_features(features, outputs))?;
        Ok(features)
    }

    fn wait_for_turn(&self) {
        self.0.wait_for_turn();
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        let embeddings = self.0.encode_texts(texts)?;
        self.check_count("vectors", embeddings.len(), texts.len())?;
        embeddings.iter().try_for_each(|embedding| self.check_width(embedding.dim()))?;
        Ok(embeddings)
    }

    fn prepare_texts(&self) -> Result<(), EncodeError> {
        self.0.prepare_texts()
    }

    fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.0.token_ids(text)
    }

    fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError> {
        let aligned = self.0.align(tokens, projection)?;
        self.check_count("aligned values", aligned.len(), tokens.len())?;
        Ok(aligned)
    }

    fn decoder(&self) -> Result<Option<&Decoder>, EncodeError> {
        self.0.decoder()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::FakeEncoder;

    /// Answers with one value too few, or with vectors of another width.
    struct Careless {
        inner: FakeEncoder,
        fault: Fault,
    }

    #[derive(Clone, Copy, PartialEq)]
    enum Fault {
        None,
        Short,
        Narrow,
        NoGrid,
        ShortGrid,
    }

    impl Careless {
        fn embedding(&self, embedding: Embedding) -> Embedding {
            let mut values = embedding.into_vec();
            values.truncate(values.len() - usize::from(self.fault == Fault::Narrow));
            Embedding::new(values).unwrap()
        }
    }

    impl Encode for Careless {
        fn info(&self) -> &ModelInfo {
            self.inner.info()
        }

        fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError> {
            self.inner.prepare(image)
        }

        fn encode_images(&self, batch: &[PixelInput], outputs: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
            let mut features = self.inner.encode_images(batch, outputs)?;
            features.truncate(batch.len() - usize::from(self.fault == Fault::Short));
            let spoil = |mut features: ImageFeatures| {
                features.embedding = self.embedding(features.embedding);
                match self.fault {
                    Fault::NoGrid => features.dense = None,
                    Fault::ShortGrid => drop(features.dense.as_mut().and_then(|grid| grid.norms.pop())),
                    _ => {}
                }
                features
            };
            Ok(features.into_iter().map(spoil).collect())
        }

        fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
            let mut found = self.inner.encode_texts(texts)?;
            found.truncate(texts.len() - usize::from(self.fault == Fault::Short));
            Ok(found.into_iter().map(|embedding| self.embedding(embedding)).collect())
        }

        fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
            self.inner.token_ids(text)
        }

        fn align(&self, tokens: &[f32], _: Projection) -> Result<Vec<f32>, EncodeError> {
            Ok(tokens[usize::from(self.fault == Fault::Short)..].to_vec())
        }
    }

    /// What a careless encoder makes of three images, three texts and two tokens.
    fn faults(fault: Fault) -> [Option<String>; 3] {
        let careless = Careless { inner: FakeEncoder::new(8), fault };
        let checked = Checked(&careless as &dyn Encode);
        let images = vec![checked.prepare(&RgbImage::new(8, 8)).unwrap(); 3];
        let said = |error: EncodeError| error.to_string();
        [
            checked.encode_images(&images, Outputs::Dense).err().map(said),
            checked.encode_texts(&["a", "b", "c"]).err().map(said),
            checked.align(&[1.0; 16], Projection::Full).err().map(said),
        ]
    }

    #[test]
    fn an_encoder_that_breaks_its_word_is_found_out() {
        assert_eq!(faults(Fault::None), [None, None, None]);
        let [images, texts, aligned] = faults(Fault::Short).map(Option::unwrap);
        assert!(images.contains("`fake`") && images.contains("2 results for 3 inputs"), "{images}");
        assert!(texts.contains("2 vectors for 3 inputs"), "{texts}");
        assert!(aligned.contains("15 aligned values for 16 inputs"), "{aligned}");
        let [images, texts, _] = faults(Fault::Narrow);
        for error in [images, texts] {
            assert!(error.unwrap().contains("a vector of 7 values, and says that its vectors have 8"));
        }
        assert!(faults(Fault::NoGrid)[0].as_ref().unwrap().contains("no grid"));
        assert!(faults(Fault::ShortGrid)[0].as_ref().unwrap().contains("a grid of 4 x 4 patches has"));
    }
}
