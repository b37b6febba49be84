//! The models that are loaded: the one that the library is asked with and the one that folders are
//! indexed with, which are the same unless the library gets another model.

use std::sync::Arc;

use glimpse_encoder::{Encode, ModelInfo};
use glimpse_indexer::{IndexError, Library};
use parking_lot::Mutex;

use crate::EngineError;
use crate::model::{DEFAULT_MODEL, is_name_of};

/// Loads a model by name and patch budget.
type Loader = Box<dyn Fn(&str, Option<usize>) -> Result<Arc<dyn Encode>, EngineError> + Send + Sync>;

/// Loaded models, two at most.
pub(crate) struct Models {
    /// The name that the user gave.
    named: Option<String>,
    /// The patch budget that the user gave.
    patches: Option<usize>,
    load: Loader,
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
    /// Loads models with `load` when they are first needed.
    pub fn new(
        named: Option<String>,
        patches: Option<usize>,
        load: impl Fn(&str, Option<usize>) -> Result<Arc<dyn Encode>, EngineError> + Send + Sync + 'static,
    ) -> Self {
        Self { named, patches, load: Box::new(load), held: Mutex::default(), loading: Mutex::default() }
    }

    /// `encoder` is the chosen model from now on.
    pub fn choose(&self, encoder: Arc<dyn Encode>) {
        self.held.lock().chosen = Some(encoder);
    }

    /// The model with a fingerprint, if it is loaded.
    pub fn loaded(&self, fingerprint: &str) -> Option<Arc<dyn Encode>> {
        self.held.lock().find(|info| info.fingerprint == fingerprint)
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
        let named = self.named.as_deref();
        let own = library.serving_model()?.filter(|model| named.is_none_or(|name| is_name_of(name, model)));
        let (name, patches) = match own {
            Some(model) => (model.name, self.patches.or(model.max_patches)),
            None => (named.unwrap_or(DEFAULT_MODEL).to_owned(), self.patches),
        };
        let is_it =
            |info: &ModelInfo| info.name == name && patches.is_none_or(|patches| info.max_patches == Some(patches));
        let held = self.held.lock().find(is_it);
        let encoder = held.map_or_else(|| (self.load)(&name, patches), Ok)?;
        self.choose(Arc::clone(&encoder));
        Ok(encoder)
    }

    /// The model that an index was made with.
    ///
    /// # Errors
    /// [`IndexError::OtherModel`] if what has its name is another model by now, or if it is not to
    /// be had and another one was chosen; otherwise if it cannot be found or loaded.
    pub fn of(&self, indexed: &ModelInfo) -> Result<Arc<dyn Encode>, EngineError> {
        let same = |info: &ModelInfo| info.fingerprint == indexed.fingerprint;
        if let Some(encoder) = self.held.lock().find(same) {
            return Ok(encoder);
        }
        let _loading = self.loading.lock();
        if let Some(encoder) = self.held.lock().find(same) {
            return Ok(encoder); // another thread was faster
        }
        let encoder = (self.load)(&indexed.name, indexed.max_patches).map_err(|error| match self.loaded_choice() {
            Some(chosen) => other_model(indexed, chosen.info()),
            None => error,
        })?;
        if !same(encoder.info()) {
            return Err(other_model(indexed, encoder.info()));
        }
        let mut held = self.held.lock();
        match (&self.named, &held.chosen) {
            (None, None) if self.patches.is_none_or(|patches| encoder.info().max_patches == Some(patches)) => {
                held.chosen = Some(Arc::clone(&encoder));
            }
            _ => held.served = Some(Arc::clone(&encoder)),
        }
        Ok(encoder)
    }

    /// Lets go of what neither the library nor the user asks for any more.
    pub fn keep(&self, served: &str) {
        let mut held = self.held.lock();
        let is_chosen = held.chosen.as_ref().is_some_and(|chosen| chosen.info().fingerprint == served);
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

    /// Models that take a moment to load, and how often one was loaded.
    fn slow(named: Option<&str>) -> (Models, Arc<AtomicUsize>) {
        let loads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&loads);
        let load = move |name: &str, _: Option<usize>| {
            count.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(30));
            match name {
                "gone" => Err(EngineError::NoModel("gone".into())),
                name => Ok(fake(name)),
            }
        };
        (Models::new(named.map(str::to_owned), None, load), loads)
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
        models.keep(&old.fingerprint);
        assert!(models.loaded(&old.fingerprint).is_some());
        // When the new model has taken its place, the old one goes.
        let new = models.chosen(&library).unwrap().info().clone();
        models.keep(&new.fingerprint);
        assert!(models.loaded(&old.fingerprint).is_none() && models.loaded(&new.fingerprint).is_some());
    }

    #[test]
    fn a_model_that_is_not_to_be_had_or_became_another_is_named() {
        let (models, _) = slow(None);
        let gone = ModelInfo { name: "gone".into(), ..fake("gone").info().clone() };
        assert!(matches!(models.of(&gone), Err(EngineError::NoModel(_))));
        models.choose(fake("new"));
        let other = |error| matches!(error, EngineError::Index(IndexError::OtherModel { asked, .. }) if asked == "new");
        assert!(models.of(&gone).is_err_and(other));
        let changed = ModelInfo { fingerprint: "another".into(), ..fake("new").info().clone() };
        assert!(models.of(&changed).is_err_and(other));
    }
}
