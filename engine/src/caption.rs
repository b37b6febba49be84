//! Words for images and their regions, by the decoder of the model.

use glimpse_encoder::decoder::{CAPTION_BEAMS, Decoder};
use glimpse_encoder::dense::{DenseConfig, Rect};
use glimpse_encoder::{DenseGrid, Encode};

use crate::control::ActiveQuery;
use crate::{Cancel, Engine, EngineError, Source};

/// Most captions of one image.
pub const MAX_CAPTIONS: usize = 16;

/// What is to be described, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptionOptions {
    /// The part of the image; all of it if absent.
    pub rect: Option<Rect>,
    /// A language of [`Engine::caption_languages`]; the first of them if absent.
    pub language: Option<String>,
    /// Captions wanted, 1 to [`MAX_CAPTIONS`]; more than [`CAPTION_BEAMS`] may make the first a
    /// better one, since as many are followed at a time.
    pub count: usize,
}

impl Default for CaptionOptions {
    fn default() -> Self {
        Self { rect: None, language: None, count: 1 }
    }
}

/// Words for an image or a part of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Caption {
    /// The words.
    pub text: String,
    /// The part that they describe; the whole image if absent.
    pub rect: Option<Rect>,
    /// Of saying exactly this.
    pub probability: f32,
}

impl Engine {
    /// The languages of captions, the usual one first; none if the model has no decoder.
    ///
    /// # Errors
    /// If the model cannot be loaded, or its decoder is damaged.
    pub fn caption_languages(&self) -> Result<Vec<String>, EngineError> {
        let encoder = self.chosen()?;
        Ok(encoder.decoder()?.map(|decoder| decoder.languages().to_vec()).unwrap_or_default())
    }

    /// Captions of an image or a part of it, likeliest first.
    ///
    /// # Errors
    /// [`EngineError::NoDecoder`], [`EngineError::BadRequest`] for an image, box or language that
    /// makes no sense.
    pub fn caption(&self, image: &Source, options: &CaptionOptions) -> Result<Vec<Caption>, EngineError> {
        if options.rect.is_some_and(|rect| rect.area() <= 0.0) {
            return Err(EngineError::empty_box());
        }
        self.decode(image, options, |decoder, grid, language| {
            let beams = options.count.max(CAPTION_BEAMS);
            let mut said = match options.rect {
                None => decoder.caption(grid, language, beams),
                Some(rect) => decoder.describe(grid, rect, language, beams),
            }?;
            said.truncate(options.count);
            let caption = |text, probability| Caption { text, rect: options.rect, probability };
            Ok(said.into_iter().map(|said| caption(said.value, said.probability)).collect())
        })
    }

    /// Parts of an image that are worth a word, with that word, likeliest first.
    ///
    /// # Errors
    /// As [`Engine::caption`].
    pub fn caption_parts(&self, image: &Source, options: &CaptionOptions) -> Result<Vec<Caption>, EngineError> {
        self.decode(image, options, |decoder, grid, language| {
            let said = decoder.regions(grid, language, options.count)?;
            let caption = |(rect, text), probability| Caption { text, rect: Some(rect), probability };
            Ok(said.into_iter().map(|said| caption(said.value, said.probability)).collect())
        })
    }

    fn decode(
        &self,
        image: &Source,
        options: &CaptionOptions,
        say: impl FnOnce(&Decoder, &DenseGrid, &str) -> Result<Vec<Caption>, EngineError>,
    ) -> Result<Vec<Caption>, EngineError> {
        if !(1..=MAX_CAPTIONS).contains(&options.count) {
            return Err(EngineError::BadRequest(format!("1 to {MAX_CAPTIONS} captions, not {}", options.count)));
        }
        let _active = ActiveQuery::begin(&self.active_queries);
        let encoder = self.chosen()?;
        let decoder = decoder_of(encoder.as_ref())?;
        let usual = decoder.languages().first().map_or("", String::as_str);
        // What it says depends on the whole image alone, so no detail is asked for.
        let profile = self.dense_profile(encoder.as_ref(), DenseConfig::default())?;
        let seen = self.dense_features_of(encoder.as_ref(), image, &profile)?;
        Cancel::current().check()?; // looking took a pass of the model, and saying takes many of the decoder
        say(decoder, seen.whole(), options.language.as_deref().unwrap_or(usual))
    }
}

/// The decoder of a model that must have one.
pub(crate) fn decoder_of(encoder: &dyn Encode) -> Result<&Decoder, EngineError> {
    encoder.decoder()?.ok_or_else(|| EngineError::NoDecoder { model: encoder.info().name.clone() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use glimpse_encoder::testing::FakeEncoder;
    use glimpse_nonempty::Every as _;
    use image::{Rgb, RgbImage};
    use tempfile::TempDir;

    use super::*;
    use crate::{ErrorKind, FileEvent, IngestOptions, Observer, Settings};

    fn engine(encoder: FakeEncoder) -> (Engine, TempDir, Source) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("red.png");
        RgbImage::from_pixel(64, 48, Rgb([220, 20, 20])).save(&path).unwrap();
        let engine = Engine::with_encoder(Settings::at(home.path().join("home")), Arc::new(encoder)).unwrap();
        (engine, home, Source::File(path))
    }

    fn speaking() -> (Engine, TempDir, Source) {
        engine(FakeEncoder::new(24).with_decoder())
    }

    #[test]
    fn the_likeliest_captions_come_first_in_the_language_asked_for() {
        let (engine, _home, image) = speaking();
        assert_eq!(engine.caption_languages().unwrap(), ["en", "ja"]);
        let ask = |language: Option<&str>| {
            let options = CaptionOptions { language: language.map(str::to_owned), count: 4, ..Default::default() };
            engine.caption(&image, &options).unwrap()
        };
        let usual = ask(None);
        assert_eq!(usual.len(), 4);
        assert!(usual.windows(2).every(|pair| pair[0].probability >= pair[1].probability));
        assert_eq!(usual, ask(Some("en")));
        assert_ne!(usual, ask(Some("ja")));
        // One alone is the best that is found while some are followed.
        assert_eq!(engine.caption(&image, &CaptionOptions::default()).unwrap(), usual[..1]);
    }

    #[test]
    fn a_part_has_a_caption_of_its_own_and_parts_come_with_boxes() {
        let (engine, _home, image) = speaking();
        let rect = Rect { left: 0.1, top: 0.2, right: 0.5, bottom: 0.9 };
        let part = CaptionOptions { rect: Some(rect), ..Default::default() };
        let part = engine.caption(&image, &part).unwrap().remove(0);
        let whole = engine.caption(&image, &CaptionOptions::default()).unwrap().remove(0);
        assert_eq!((part.rect, whole.rect), (Some(rect), None));
        assert_ne!((part.text, part.probability), (whole.text, whole.probability));
        let parts = engine.caption_parts(&image, &CaptionOptions { count: 3, ..Default::default() }).unwrap();
        assert!((1..=3).contains(&parts.len()));
        assert!(parts.iter().every(|part| part.rect.is_some_and(|rect| rect.area() > 0.0)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let (engine, _home, image) = speaking();
        let flat = Rect { left: 0.5, top: 0.1, right: 0.5, bottom: 0.9 };
        for options in [
            CaptionOptions { count: 0, ..Default::default() },
            CaptionOptions { count: MAX_CAPTIONS + 1, ..Default::default() },
            CaptionOptions { rect: Some(flat), ..Default::default() },
            CaptionOptions { language: Some("xx".into()), ..Default::default() },
        ] {
            assert_eq!(engine.caption(&image, &options).unwrap_err().kind(), ErrorKind::BadRequest, "{options:?}");
        }
    }

    struct Silent;

    impl Observer for Silent {
        fn found(&mut self, _: usize, _: bool) {}
        fn event(&mut self, _: &FileEvent) {}
    }

    #[test]
    fn a_model_without_decoder_says_so_before_it_begins() {
        let (engine, home, image) = engine(FakeEncoder::new(24));
        assert!(engine.caption_languages().unwrap().is_empty());
        let error = engine.caption(&image, &CaptionOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotReady);
        let message = error.to_string();
        assert!(
            message.contains("the model fake has no decoder") && message.contains("training/README.md"),
            "{message}"
        );

        let roots = vec![home.path().to_path_buf()];
        let options = IngestOptions { roots, captions: Some("en".into()), ..IngestOptions::default() };
        let refused = engine.index(&options, &AtomicBool::new(false), &mut Silent);
        assert!(matches!(refused, Err(EngineError::NoDecoder { .. })));
        assert!(engine.count().is_err(), "nothing was begun");
    }
}
