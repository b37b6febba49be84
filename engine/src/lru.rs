//! A small map that forgets what was not used for longest, bounded by the sum of weights.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Least-recently-used map. Eviction looks at every entry, so it is for hundreds of entries, not
/// millions.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
    entries: HashMap<K, Entry<V>>,
    clock: u64,
    weight: usize,
    limit: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    weight: usize,
    used: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Lru<K, V> {
    /// Holds entries whose weights sum up to `limit` at most.
    pub fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), clock: 0, weight: 0, limit }
    }

    /// The value of `key`, which now counts as just used.
    pub fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.clock;
        Some(entry.value.clone())
    }

    /// Adds or replaces a value, and forgets others until the limit holds. A value heavier than the
    /// limit is kept alone, so that what was just computed can be read back.
    pub fn insert(&mut self, key: K, value: V, weight: usize) {
        self.clock += 1;
        self.remove(&key);
        while self.weight + weight > self.limit
            && let Some(oldest) = self.oldest()
        {
            self.remove(&oldest);
        }
        self.weight += weight;
        self.entries.insert(key, Entry { value, weight, used: self.clock });
    }

    fn oldest(&self) -> Option<K> {
        self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone())
    }

    fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.weight -= entry.weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lru;

    #[test]
    fn the_entry_unused_for_longest_goes_first() {
        let mut lru = Lru::new(3);
        ["a", "b", "c"].into_iter().for_each(|key| lru.insert(key, key, 1));
        assert_eq!(lru.get("a"), Some("a"));
        lru.insert("d", "d", 1);
        assert_eq!(["a", "b", "c", "d"].map(|key| lru.get(key).is_some()), [true, false, true, true]);
    }

    #[test]
    fn weights_bound_the_whole_and_a_giant_stays_alone() {
        let mut lru = Lru::new(10);
        lru.insert("small", 1, 4);
        lru.insert("small", 2, 5);
        assert_eq!((lru.get("small"), lru.weight), (Some(2), 5));
        lru.insert("giant", 3, 99);
        assert_eq!((lru.get("small"), lru.get("giant")), (None, Some(3)));
        lru.insert("next", 4, 1);
        assert_eq!((lru.get("giant"), lru.weight), (None, 1));
    }
}
