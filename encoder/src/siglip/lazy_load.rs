//! What is loaded when it is first asked for.

use std::sync::{Mutex, OnceLock, PoisonError};

/// A value that is loaded once, by whoever asks first; the others wait.
pub struct LazyLoad<T> {
    value: OnceLock<T>,
    loading: Mutex<()>,
}

impl<T> LazyLoad<T> {
    pub const fn new() -> Self {
        Self { value: OnceLock::new(), loading: Mutex::new(()) }
    }

    /// The value. A failure is not remembered: the next caller tries again.
    ///
    /// # Errors
    /// What `load` says.
    pub fn get_or_load<E>(&self, load: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let _one = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let value = load()?;
        Ok(self.value.get_or_init(|| value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_tried_again_and_a_value_is_loaded_once() {
        let lazy_load = LazyLoad::new();
        assert_eq!(lazy_load.get_or_load(|| Err("no")), Err("no"));
        assert_eq!(lazy_load.get_or_load(|| Ok::<_, &str>(1)), Ok(&1));
        assert_eq!(lazy_load.get_or_load(|| Ok::<_, &str>(2)), Ok(&1));
    }
}
