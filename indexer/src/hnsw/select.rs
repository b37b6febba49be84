//! Which candidates become links: near ones, but not many in one direction.

use super::{Near, Node, Query, Rules, Space};

/// What selecting needs besides its arguments.
#[derive(Debug, Default)]
pub(super) struct Selection {
    query: Query,
    open: Vec<Near>,
    nodes: Vec<Node>,
    distances: Vec<f32>,
    spare: Vec<Near>,
    /// The links that were chosen, nearest first but for the spare ones at the end.
    pub(super) kept: Vec<Near>,
}

/// How many links to choose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    /// Diverse ones, at most.
    pub(super) most: usize,
    /// Filled up with the nearest of the others to this number.
    pub(super) fill: usize,
}

impl Selection {
    /// Chooses among candidates, which are sorted by their distance from the node they are for. A
    /// candidate is passed over if it is nearer to one already chosen than to the node: the way to
    /// it leads over that one. `bound` ones are always chosen.
    pub(super) fn choose(
        &mut self,
        space: Space<'_>,
        rules: &Rules,
        candidates: &[Near],
        quota: Quota,
        bound: impl Fn(Node) -> bool,
    ) {
        let Self { query, open, nodes, distances, spare, kept } = self;
        kept.clear();
        spare.clear();
        open.clear();
        open.extend_from_slice(candidates);
        let mut room = quota.most.saturating_sub(candidates.iter().filter(|near| bound(near.node)).count());
        // Each chosen one is compared at once with all that are still open.
        while !open.is_empty() {
            let next = open.remove(0);
            if !bound(next.node) {
                if room == 0 {
                    spare.push(next);
                    continue;
                }
                room -= 1;
            }
            kept.push(next);
            if room == 0 {
                continue;
            }
            space.lower(next.node, query);
            nodes.clear();
            nodes.extend(open.iter().map(|near| near.node));
            space.distances(query, nodes, distances);
            let mut between = distances.iter();
            open.retain(|near| {
                let passed = between.next().is_some_and(|between| rules.alpha * between < near.distance);
                if passed && !bound(near.node) {
                    spare.push(*near);
                }
                !passed || bound(near.node)
            });
        }
        if kept.len() < quota.fill {
            spare.sort_unstable_by(Near::by_distance);
            kept.extend(spare.iter().take(quota.fill - kept.len()));
        }
    }
}
