//! Searching and selecting as one would explain them, without an eye to speed.

use std::collections::HashSet;

use super::{Graph, Near, Node, Query, Rules, Space};

/// The `ef` nearest that are found by always expanding the nearest that is not expanded yet.
pub(super) fn search(graph: &Graph, space: Space<'_>, query: &Query, starts: &[Node], ef: usize) -> Vec<Near> {
    let near = |node: Node| Near { distance: space.distance(query, node), node };
    let mut seen: HashSet<Node> = starts.iter().copied().collect();
    let mut best: Vec<Near> = starts.iter().copied().map(near).collect();
    let mut expanded = HashSet::new();
    loop {
        best.sort_by(Near::by_distance);
        best.truncate(ef);
        let Some(next) = best.iter().map(|near| near.node).find(|node| !expanded.contains(node)) else { return best };
        expanded.insert(next);
        best.extend(graph.links.of(next).filter(|&node| seen.insert(node)).map(near));
    }
}

/// Candidates, nearest first, that are not nearer to one chosen before than to the node; then the
/// nearest others.
pub(super) fn choose(space: Space<'_>, rules: &Rules, candidates: &[Near], most: usize, bound: &[Node]) -> Vec<Near> {
    let between = |a: Node, b: Node| {
        let mut query = Query::default();
        space.lower(a, &mut query);
        space.distance(&query, b)
    };
    let (mut kept, mut others) = (Vec::<Near>::new(), Vec::new());
    let mut room = most - candidates.iter().filter(|near| bound.contains(&near.node)).count();
    for near in candidates {
        let hidden = kept.iter().any(|chosen| rules.alpha * between(chosen.node, near.node) < near.distance);
        if bound.contains(&near.node) {
            kept.push(*near);
        } else if !hidden && room > 0 {
            room -= 1;
            kept.push(*near);
        } else {
            others.push(*near);
        }
    }
    let free = most - kept.len();
    kept.extend(others.into_iter().take(free));
    kept
}
