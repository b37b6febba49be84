//! The models that are loaded: the one that the library is asked with and the one that folders are
//! indexed with, which are the same unless the library gets another model.

use std::path::PathBuf;
use std::sync::Arc;

use glimpse_encoder::{Encode, ModelInfo};
use glimpse_indexer::{IndexError, Library};
use parking_lot::Mutex;

use crate::model::{DEFAULT_MODEL, is_name_of};
use crate::text_workers::TextsByWorkers;
use crate::{AdapterChoice, EngineError, Settings, Worker};

/// What a model is loaded by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelRequest {
    pub name: String,
    pub max_patches: Option<usize>,
    pub adapter: Option<PathBuf>,
}

impl ModelRequest {
    /// The model that was recorded.
    fn again(model: &ModelInfo) -> Self {
        Self { name: model.name.clone(), max_patches: model.max_patches, adapter: model.adapter.clone() }
    }

    /// True if the model is what is asked for.
    fn is(&self, info: &ModelInfo) -> bool {
        let fits = self.max_patches.is_none() || info.max_patches == self.max_patches;
        info.name == self.name && info.adapter == self.adapter && fits
    }
}

type Loader = Box<dyn Fn(&ModelRequest) -> Result<Arc<dyn Encode>, EngineError> + Send + Sync>;

/// Loaded models, two at most.
pub(crate) struct Models {
    /// The name that the user gave.
    named: Option<String>,
    /// The patch budget that the user gave.
    patches: Option<usize>,
    /// The adapter that the user gave.
    adapter: Option<AdapterChoice>,
    load: Loader,
    /// Who encodes texts; nobody for this machine.
    text_workers: Vec<Worker>,
    held: Mutex<Held>,
    /// Held while a model is loaded, so that none is loaded twice.
    loading: Mutex<()>,
}

#[derive(Default)]
struct Held {
    /// Folders are indexed with it, and what needs no library is answered by it.
    chosen: Option<Arc<dyn Encode>>,
    /// The library is asked with it, if that is another one.
    served: Option<Arc<dyn Encode>>,
}

impl Held {
    fn find(&self, is: impl Fn(&ModelInfo) -> bool) -> Option<Arc<dyn Encode>> {
        [&self.chosen, &self.served].into_iter().flatten().find(|encoder| is(encoder.info())).cloned()
    }
}

impl Models {
    /// Loads what `settings` name, and what libraries need, with `load` when it is first needed.
    pub fn new(
        settings: &Settings,
        load: impl Fn(&ModelRequest) -> Result<Arc<dyn Encode>, EngineError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            named: settings.model.clone(),
            patches: settings.max_patches,
            adapter: settings.adapter.clone(),
            load: Box::new(load),
            text_workers: Vec::new(),
            held: Mutex::default(),
            loading: Mutex::default(),
        }
    }

    /// Models that are loaded from now on have their texts encoded by these.
    pub fn let_encode_texts(&mut self, workers: Vec<Worker>) {
        self.text_workers = workers;
    }

    fn load(&self, request: &ModelRequest) -> Result<Arc<dyn Encode>, EngineError> {
        let encoder = (self.load)(request)?;
        Ok(match self.text_workers.as_slice() {
            [] => encoder,
            workers => Arc::new(TextsByWorkers::new(encoder, workers)),
        })
    }

    /// `encoder` is the chosen model from now on.
    pub fn choose(&self, encoder: Arc<dyn Encode>) {
        self.held.lock().chosen = Some(encoder);
    }

    /// The model that an index which was made with `indexed` is asked with, if it is loaded: the
    /// chosen one, if it gives images the same vectors.
    pub fn loaded(&self, indexed: &ModelInfo) -> Option<Arc<dyn Encode>> {
        self.held.lock().find(|info| info.has_images_of(indexed))
    }

    /// The chosen model, if it is loaded.
    pub fn loaded_choice(&self) -> Option<Arc<dyn Encode>> {
        self.held.lock().chosen.clone()
    }

    /// The model that was named, else the library's, else the default.
    ///
    /// # Errors
    /// If it cannot be found or loaded.
    pub fn chosen(&self, library: &Library) -> Result<Arc<dyn Encode>, EngineError> {
        if let Some(encoder) = self.loaded_choice() {
            return Ok(encoder);
        }
        let _loading = self.loading.lock();
        if let Some(encoder) = self.loaded_choice() {
            return Ok(encoder); // another thread was faster
        }
        self.load_choice(&self.request(library.serving_model()?.as_ref()))
    }

    /// What the user asks for, if a library was made with `indexed`.
    fn request(&self, indexed: Option<&ModelInfo>) -> ModelRequest {
        let named = self.named.as_deref();
        let own = indexed.filter(|model| named.is_none_or(|name| is_name_of(name, model))).map(ModelRequest::again);
        let mut request = own.unwrap_or_else(|| {
            let name = named.unwrap_or(DEFAULT_MODEL).to_owned();
            ModelRequest { name, max_patches: None, adapter: None }
        });
        request.max_patches = self.patches.or(request.max_patches);
        if let Some(adapter) = &self.adapter {
            request.adapter = adapter.path().map(Into::into);
        }
        request
    }

    /// Chooses a model, loaded unless it is; the caller holds `loading`.
    fn load_choice(&self, request: &ModelRequest) -> Result<Arc<dyn Encode>, EngineError> {
        let held = self.held.lock().find(|info| request.is(info));
        let encoder = held.map_or_else(|| self.load(request), Ok)?;
        self.choose(Arc::clone(&encoder));
        Ok(encoder)
    }

    /// The model that an index is asked with: the one that it was made with, or the one that the
    /// user asks for, if that gives images the same vectors, as one does that was trained further
    /// for texts alone.
    ///
    /// # Errors
    /// [`IndexError::OtherModel`] if what has its name is another model by now, or if it is not to
    /// be had and another one was chosen; otherwise if it cannot be found or loaded.
    pub fn of(&self, indexed: &ModelInfo) -> Result<Arc<dyn Encode>, EngineError> {
        if let Some(encoder) = self.loaded(indexed) {
            return Ok(encoder);
        }
        let _loading = self.loading.lock();
        if let Some(encoder) = self.loaded(indexed) {
            return Ok(encoder); // another thread was faster
        }
        let request = self.request(Some(indexed));
        let is_comparable = indexed.image_fingerprint.is_some() && self.loaded_choice().is_none();
        if is_comparable
            && !request.is(indexed)
            && let Ok(encoder) = self.load_choice(&request)
            && encoder.info().has_images_of(indexed)
        {
            return Ok(encoder);
        }
        let encoder = self.load(&ModelRequest::again(indexed)).map_err(|error| match self.loaded_choice() {
            Some(chosen) => other_model(indexed, chosen.info()),
            None => error,
        })?;
        if !encoder.info().has_images_of(indexed) {
            return Err(other_model(indexed, encoder.info()));
        }
        let mut held = self.held.lock();
        match (&self.named, &held.chosen) {
            (None, None) if request.is(encoder.info()) => held.chosen = Some(Arc::clone(&encoder)),
            _ => held.served = Some(Arc::clone(&encoder)),
        }
        Ok(encoder)
    }

    /// Lets go of what neither the library nor the user asks for any more.
    pub fn keep(&self, served: &ModelInfo) {
        let mut held = self.held.lock();
        let is_chosen = held.chosen.as_ref().is_some_and(|chosen| chosen.info().has_images_of(served));
        if is_chosen {
            held.served = None;
        }
    }
}

fn other_model(indexed: &ModelInfo, asked: &ModelInfo) -> EngineError {
    EngineError::Index(IndexError::OtherModel {
        indexed: indexed.name.clone(),
        indexed_print: indexed.fingerprint.clone(),
        asked: asked.name.clone(),
        asked_print: asked.fingerprint.clone(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use glimpse_encoder::testing::FakeEncoder;

    use super::*;

    fn fake(name: &str) -> Arc<dyn Encode> {
        Arc::new(FakeEncoder::new(8).named(name))
    }

    /// What sees as the model `seeing` does, and reads texts otherwise.
    fn taught(seeing: &str, name: &str, adapter: Option<&PathBuf>) -> Arc<dyn Encode> {
        let encoder = FakeEncoder::new(8).named(seeing).taught(name, "rot", "red");
        Arc::new(match adapter {
            Some(adapter) => encoder.with_adapter(adapter),
            None => encoder,
        })
    }

    /// Models that take a moment to load, and how often one was loaded.
    fn slow(named: Option<&str>) -> (Models, Arc<AtomicUsize>) {
        let loads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&loads);
        let load = move |request: &ModelRequest| {
            count.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(30));
            match (request.name.as_str(), &request.adapter) {
                ("gone", _) => Err(EngineError::NoModel("gone".into())),
                ("lit", _) => Ok(taught("old", "lit", None)),
                (name, Some(adapter)) => Ok(taught(name, name, Some(adapter))),
                (name, None) => Ok(fake(name)),
            }
        };
        let settings = Settings { model: named.map(str::to_owned), ..Settings::at("/nowhere") };
        (Models::new(&settings, load), loads)
    }

    #[test]
    fn many_threads_load_a_model_once() {
        let (models, loads) = slow(None);
        let old = fake("old").info().clone();
        std::thread::scope(|scope| {
            (0..8).for_each(|_| drop(scope.spawn(|| assert_eq!(models.of(&old).unwrap().info().name, "old"))));
        });
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_library_is_asked_with_its_own_model_and_indexed_with_the_one_that_was_named() {
        let (models, loads) = slow(Some("new"));
        let home = tempfile::tempdir().unwrap();
        let library = Library::at(home.path());
        let old = fake("old").info().clone();
        for _ in 0..2 {
            assert_eq!(models.chosen(&library).unwrap().info().name, "new");
            assert_eq!(models.of(&old).unwrap().info().name, "old");
        }
        assert_eq!(loads.load(Ordering::Relaxed), 2);
        models.keep(&old);
        assert!(models.loaded(&old).is_some());
        // When the new model has taken its place, the old one goes.
        let new = models.chosen(&library).unwrap().info().clone();
        models.keep(&new);
        assert!(models.loaded(&old).is_none() && models.loaded(&new).is_some());
    }

    #[test]
    fn a_model_that_was_trained_for_texts_alone_asks_if_it_is_named() {
        let old = fake("old").info().clone();
        let (models, loads) = slow(Some("lit"));
        for _ in 0..2 {
            assert_eq!(models.of(&old).unwrap().info().name, "lit");
        }
        assert_eq!(loads.load(Ordering::Relaxed), 1, "the library's own is not needed");
        assert_eq!(models.loaded(&old).unwrap().info().name, "lit");
        // Nobody knows that of an index of before.
        let before = ModelInfo { image_fingerprint: None, ..old.clone() };
        assert_eq!(slow(Some("lit")).0.of(&before).unwrap().info().name, "old");
        // Without a name it is the library's own, and what lies there now, if images stay as they
        // were.
        assert_eq!(slow(None).0.of(&old).unwrap().info().name, "old");
        let replaced = ModelInfo { name: "lit".into(), ..old.clone() };
        assert_eq!(slow(None).0.of(&replaced).unwrap().info().name, "lit");
    }

    #[test]
    fn a_library_is_asked_with_its_adapter_unless_another_is_given() {
        let with = |adapter: Option<&str>| Models {
            adapter: adapter.map(|at| AdapterChoice::of(at.as_ref())),
            ..slow(None).0
        };
        let plain = fake("old").info().clone();
        let adapted = taught("old", "old", Some(&"/a".into())).info().clone();
        let of = |adapter: Option<&str>, indexed: &ModelInfo| with(adapter).of(indexed).unwrap().info().adapter.clone();
        assert_eq!(of(None, &plain), None);
        assert_eq!(of(None, &adapted), Some("/a".into()));
        assert_eq!(of(Some("/b"), &adapted), Some("/b".into()));
        assert_eq!(of(Some("/b"), &plain), Some("/b".into()));
        assert_eq!(of(Some("none"), &adapted), None);
    }

    #[test]
    fn a_model_that_is_not_to_be_had_or_became_another_is_named() {
        let (models, _) = slow(None);
        let gone = ModelInfo { name: "gone".into(), ..fake("gone").info().clone() };
        assert!(matches!(models.of(&gone), Err(EngineError::NoModel(_))));
        models.choose(fake("new"));
        let other = |error| matches!(error, EngineError::Index(IndexError::OtherModel { asked, .. }) if asked == "new");
        assert!(models.of(&gone).is_err_and(other));
        let changed =
            ModelInfo { fingerprint: "another".into(), image_fingerprint: None, ..fake("new").info().clone() };
        assert!(models.of(&changed).is_err_and(other));
    }
}
