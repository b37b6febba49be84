//! Values of images that are kept after they were read, up to a number.

use std::collections::HashMap;

use parking_lot::RwLock;

use crate::ImageId;

/// What was read, by image. When it is full, half of it goes.
pub(super) struct Held<V> {
    most: usize,
    values: RwLock<HashMap<ImageId, V>>,
}

impl<V: Clone> Held<V> {
    pub fn new(most: usize) -> Self {
        Self { most, values: RwLock::default() }
    }

    pub fn len(&self) -> usize {
        self.values.read().len()
    }

    /// What is held, or what `read` gives; that there is nothing is not held.
    pub fn get_or_read<E>(&self, id: ImageId, read: impl FnOnce() -> Result<Option<V>, E>) -> Result<Option<V>, E> {
        if let Some(value) = self.values.read().get(&id) {
            return Ok(Some(value.clone()));
        }
        let value = read()?;
        if let Some(value) = &value {
            let mut values = self.values.write();
            if values.len() >= self.most {
                let mut turn = 0;
                values.retain(|_, _| {
                    turn += 1;
                    turn % 2 == 0
                });
            }
            values.insert(id, value.clone());
        }
        Ok(value)
    }

    pub fn forget(&self, id: ImageId) {
        self.values.write().remove(&id);
    }

    /// All of it goes.
    pub fn clear(&self) {
        self.values.write().clear();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_read_once_and_there_is_an_end_to_it() {
        let held = Held::new(4);
        let read = |id: u64, value: Option<u64>| held.get_or_read(ImageId(id), || Ok::<_, ()>(value)).unwrap();
        assert_eq!(read(1, None), None);
        assert_eq!(read(1, Some(10)), Some(10));
        assert_eq!(read(1, Some(11)), Some(10));
        held.forget(ImageId(1));
        assert_eq!(read(1, Some(11)), Some(11));
        (2..100).for_each(|id| assert_eq!(read(id, Some(id)), Some(id)));
        assert!(held.len() <= 4);
    }
}
