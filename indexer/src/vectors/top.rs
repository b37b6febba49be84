//! The best `k` of a stream of scores.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Scored;

/// Order of results: falling score, equal scores by rising id, so that every path gives the same
/// list.
pub fn by_rank<Id: Ord>(a: &Scored<Id>, b: &Scored<Id>) -> Ordering {
    b.score.total_cmp(&a.score).then(a.id.cmp(&b.id))
}

/// Keeps the best `k`; the worst of them stands on top of the heap.
pub struct Top<Id> {
    k: usize,
    heap: BinaryHeap<Ranked<Id>>,
}

struct Ranked<Id>(Scored<Id>);

impl<Id: Ord> Top<Id> {
    pub fn new(k: usize) -> Self {
        // A hostile `k` must not reserve memory that the results never fill.
        Self { k, heap: BinaryHeap::with_capacity(k.min(1024)) }
    }

    #[inline]
    pub fn push(&mut self, scored: Scored<Id>) {
        if self.heap.len() < self.k {
            self.heap.push(Ranked(scored));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && by_rank(&scored, &worst.0).is_lt()
        {
            worst.0 = scored;
        }
    }

    pub fn merge(mut self, other: Self) -> Self {
        other.heap.into_iter().for_each(|ranked| self.push(ranked.0));
        self
    }

    /// The best, in order.
    pub fn into_sorted(self) -> Vec<Scored<Id>> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect()
    }
}

impl<Id: Ord> Ord for Ranked<Id> {
    fn cmp(&self, other: &Self) -> Ordering {
        by_rank(&self.0, &other.0)
    }
}

impl<Id: Ord> PartialOrd for Ranked<Id> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<Id: Ord> PartialEq for Ranked<Id> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<Id: Ord> Eq for Ranked<Id> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::VectorId;

    proptest! {
        #[test]
        fn equals_sorting(scores in prop::collection::vec(0u8..8, 0..100), k in 0usize..20, cut in 0usize..100) {
            let all: Vec<Scored<VectorId>> =
                (0..).zip(&scores).map(|(i, &s)| Scored { id: VectorId(i), score: f32::from(s) }).collect();
            let (mut left, mut right) = (Top::new(k), Top::new(k));
            let cut = cut.min(all.len());
            all[..cut].iter().for_each(|&s| left.push(s));
            all[cut..].iter().for_each(|&s| right.push(s));
            let mut sorted = all.clone();
            sorted.sort_by(by_rank);
            sorted.truncate(k);
            prop_assert_eq!(left.merge(right).into_sorted(), sorted);
        }
    }
}
