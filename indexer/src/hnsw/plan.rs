//! Whether a search walks the graph or scans.

use crate::vectors::looks_up;

/// What a candidate costs a walk, in vectors that a scan reads in order: 10 to 25 comparisons, of
/// vectors all over memory.
const COST_OF_CANDIDATE: usize = 40;
/// What a vector costs a scan that looks up each one that passes, in vectors that it reads in
/// order.
const COST_OF_LOOKUP: usize = 2;
/// Room for results that turn out dead or refused, beyond their share.
const MARGIN: f32 = 1.3;

/// How a search is carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Compare all that pass.
    Scan,
    /// Walk the graph with this many candidates.
    Graph { ef: usize },
}

impl Plan {
    /// For `k` results among `passing` vectors, which own some of the `nodes` of a graph that is
    /// searched with `ef_search` candidates as a rule.
    pub(crate) fn of(k: usize, passing: usize, nodes: usize, ef_search: usize) -> Self {
        if k == 0 || passing == 0 {
            return Self::Scan;
        }
        let share = passing as f32 / nodes as f32;
        let ef = ((k.max(ef_search) as f32) / share * MARGIN).min(nodes as f32) as usize;
        let scan = if looks_up(passing, nodes) { passing * COST_OF_LOOKUP } else { nodes };
        if ef.saturating_mul(COST_OF_CANDIDATE) < scan { Self::Graph { ef } } else { Self::Scan }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_what_a_graph_is_not_made_for() {
        assert_eq!(Plan::of(10, 0, 0, 96), Plan::Scan, "empty");
        assert_eq!(Plan::of(10, 4000, 4000, 96), Plan::Scan, "few vectors");
        assert_eq!(Plan::of(10, 20_000, 1_000_000, 96), Plan::Scan, "narrow filter");
        assert_eq!(Plan::of(20_000, 1_000_000, 1_000_000, 96), Plan::Scan, "many results");
        assert_eq!(Plan::of(usize::MAX, 1_000_000, 1_000_000, 96), Plan::Scan, "hostile");
        assert_eq!(Plan::of(0, 1_000_000, 1_000_000, 96), Plan::Scan, "nothing asked");
    }

    #[test]
    fn wider_where_fewer_pass() {
        let ef = |passing| match Plan::of(10, passing, 1_000_000, 100) {
            Plan::Graph { ef } => ef,
            Plan::Scan => 0,
        };
        assert_eq!(ef(1_000_000), 130);
        assert_eq!(ef(500_000), 260);
        assert!(matches!(Plan::of(1000, 1_000_000, 1_000_000, 100), Plan::Graph { ef: 1300 }));
    }
}
