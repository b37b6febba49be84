//! Names by number, so that an image holds four bytes for each: cameras, lenses, keywords.

use std::collections::{HashMap, HashSet};

/// Names, numbered from 0 as they come.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    names: Vec<String>,
    /// By what makes a name the same as another.
    numbers: HashMap<String, u32>,
}

impl Names {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    #[cfg(test)]
    pub(super) fn get(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(String::as_str)
    }

    /// In the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The number of what `key` names.
    pub(super) fn number(&self, key: &str) -> Option<u32> {
        self.numbers.get(key).copied()
    }

    /// The number of a name, which is new unless there is one with this key.
    pub(super) fn add(&mut self, key: &str, name: &str) -> u32 {
        if let Some(number) = self.number(key) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(key.to_owned(), number);
        number
    }

    /// Those that contain one of `parts`, whatever the case; `None` if no part is asked for.
    pub(super) fn containing(&self, parts: &[String]) -> Option<HashSet<u32>> {
        let parts: Vec<_> = parts.iter().map(|part| part.to_lowercase()).collect();
        let contains = |name: &str| {
            let name = name.to_lowercase();
            parts.iter().any(|part| name.contains(part))
        };
        (!parts.is_empty()).then(|| (0..).zip(self.iter()).filter(|(_, name)| contains(name)).map(|(n, _)| n).collect())
    }

    /// Those whose key is one of `asked` in lower case; `None` if none is asked for.
    pub(super) fn equal(&self, asked: &[String]) -> Option<HashSet<u32>> {
        (!asked.is_empty()).then(|| asked.iter().filter_map(|name| self.number(&name.to_lowercase())).collect())
    }

    /// Names with their counts, largest first, without those that have none.
    pub(super) fn counted(&self, counts: &[usize]) -> Vec<(String, usize)> {
        let counted = self.iter().zip(counts).filter(|(_, count)| **count > 0);
        let mut counted: Vec<_> = counted.map(|(name, &count)| (name.to_owned(), count)).collect();
        counted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counted
    }
}
