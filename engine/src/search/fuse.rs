//! Reciprocal rank fusion: one ranking out of several whose scores cannot be compared.
//!
//! Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
//! Learning Methods", SIGIR 2009: `score(d) = sum over lists of 1 / (k + rank(d))`, with their
//! `k = 60`.

use std::collections::HashMap;
use std::hash::Hash;

const K: f64 = 60.0;

/// All items of the lists, best first. Ties go to the item that came first in the earlier list.
pub(crate) fn fuse<T: Copy + Eq + Hash>(lists: &[&[T]]) -> Vec<T> {
    let mut scores: HashMap<T, f64> = HashMap::new();
    let mut order = Vec::new();
    for list in lists {
        for (place, &item) in list.iter().enumerate() {
            let score = scores.entry(item).or_insert_with(|| {
                order.push(item);
                0.0
            });
            *score += 1.0 / (K + place as f64 + 1.0);
        }
    }
    order.sort_by(|a, b| scores[b].total_cmp(&scores[a])); // stable
    order
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::if_any;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agreement_of_two_lists_beats_the_top_of_one() {
        assert_eq!(fuse(&[&['a', 'b', 'c'], &['d', 'b', 'e']]), ['b', 'a', 'd', 'c', 'e']);
    }

    fn ranking() -> impl Strategy<Value = Vec<u8>> {
        Just((0..30).collect::<Vec<u8>>())
            .prop_shuffle()
            .prop_flat_map(|all| (0..30usize).prop_map(move |n| all[..n].to_vec()))
    }

    proptest! {
        #[test]
        fn every_item_comes_once(a in ranking(), b in ranking()) {
            let mut fused = fuse(&[&a, &b]);
            fused.sort_unstable();
            let mut all = [a, b].concat();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(fused, all);
        }

        #[test]
        fn one_list_keeps_its_order_and_agreement_is_kept(a in ranking(), b in ranking()) {
            prop_assert_eq!(&fuse(&[&a, &[]]), &a);
            prop_assert_eq!(&fuse(&[&a, &a]), &a);
            let fused = fuse(&[&a, &b]);
            let place = |list: &[u8], item| list.iter().position(|&other| other == item);
            for (i, x) in if_any(a.iter().enumerate()) {
                for y in if_any(&a[i + 1..]) {
                    if let (Some(bx), Some(by)) = (place(&b, *x), place(&b, *y)) && bx < by {
                        prop_assert!(place(&fused, *x) < place(&fused, *y));
                    }
                }
            }
        }
    }
}
