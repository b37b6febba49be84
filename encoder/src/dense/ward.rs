//! Ward's clustering on a grid where only neighbours may join (Ward 1963; with a connectivity
//! constraint as in scikit-learn's `AgglomerativeClustering`): always the two whose union adds
//! least to the sum of squared distances from the mean.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Leaves, and how they nest.
#[derive(Debug, Clone, PartialEq)]
pub struct Nested {
    /// The leaf of every cell, row by row, numbered in order of appearance.
    pub labels: Vec<u8>,
    /// Regions as sets of leaves (bit `l` for leaf `l`): first the leaves, then the merges, smaller
    /// losses first; the last one is the whole grid.
    pub members: Vec<u32>,
}

/// Groups the cells of a grid, `features` being `(rows * cols, dim)`, into at most `leaves`
/// connected regions (1 to 32) of at least `smallest` cells where the grid has as many, and those
/// into a tree. `O(n dim log n)`.
pub fn cluster(features: &[f32], rows: usize, cols: usize, leaves: usize, smallest: usize) -> Nested {
    let cells = rows * cols;
    let mut forest = Forest::of(features, rows, cols);
    while forest.alive > leaves {
        forest.merge_cheapest();
    }
    while let Some(small) = forest.smaller_than(smallest) {
        let Some(neighbour) = forest.cheapest_neighbour(small) else { break };
        forest.merge(small, neighbour);
    }

    let mut leaf_of_node = vec![None; forest.nodes.len()];
    let mut members = Vec::new();
    let labels = (0..cells).map(|cell| {
        let node = forest.root(cell);
        *leaf_of_node[node].get_or_insert_with(|| {
            members.push(1u32 << members.len());
            members.len() as u8 - 1
        })
    });
    let labels = labels.collect();
    let mut set_of_node: Vec<u32> = leaf_of_node.iter().map(|leaf| leaf.map_or(0, |leaf| 1 << leaf)).collect();
    while forest.alive > 1 {
        let Some((a, b)) = forest.merge_cheapest() else { break };
        members.push(set_of_node[a] | set_of_node[b]);
        set_of_node.push(set_of_node[a] | set_of_node[b]);
    }
    Nested { labels, members }
}

/// Regions so far; a merge makes a new node and leaves two dead ones behind.
struct Forest {
    dim: usize,
    nodes: Vec<Node>,
    queue: BinaryHeap<Candidate>,
    alive: usize,
}

struct Node {
    count: f32,
    /// Sum of the features of its cells.
    sum: Vec<f32>,
    neighbours: Vec<usize>,
    parent: Option<usize>,
}

/// Two neighbours that may merge; out of date if one of them has merged since.
struct Candidate {
    loss: f32,
    pair: (usize, usize),
}

impl Forest {
    fn of(features: &[f32], rows: usize, cols: usize) -> Self {
        let dim = features.len() / (rows * cols).max(1);
        let neighbours = |cell: usize| {
            let (row, col) = (cell / cols, cell % cols);
            let around = [
                (row > 0).then(|| cell - cols),
                (col > 0).then(|| cell - 1),
                (col + 1 < cols).then(|| cell + 1),
                (row + 1 < rows).then(|| cell + cols),
            ];
            around.into_iter().flatten().collect()
        };
        let cells = features.chunks_exact(dim.max(1)).enumerate();
        let nodes: Vec<Node> = cells
            .map(|(cell, feature)| Node {
                count: 1.0,
                sum: feature.to_vec(),
                neighbours: neighbours(cell),
                parent: None,
            })
            .collect();
        let alive = nodes.len();
        let mut forest = Self { dim, nodes, queue: BinaryHeap::new(), alive };
        for cell in 0..alive {
            for at in 0..forest.nodes[cell].neighbours.len() {
                let other = forest.nodes[cell].neighbours[at];
                if other > cell {
                    forest.propose(cell, other);
                }
            }
        }
        forest
    }

    /// What merging adds to the sum of squared distances: `n m / (n + m) |mean - mean|^2`.
    fn loss(&self, a: usize, b: usize) -> f32 {
        let (a, b) = (&self.nodes[a], &self.nodes[b]);
        let (n, m) = (a.count, b.count);
        let mut square = 0.0;
        for i in 0..self.dim {
            let apart = a.sum[i] / n - b.sum[i] / m;
            square += apart * apart;
        }
        n * m / (n + m) * square
    }

    fn propose(&mut self, a: usize, b: usize) {
        let loss = self.loss(a, b);
        self.queue.push(Candidate { loss, pair: (a, b) });
    }

    /// Merges the two that cost least; `None` if no two are neighbours.
    fn merge_cheapest(&mut self) -> Option<(usize, usize)> {
        loop {
            let (a, b) = self.queue.pop()?.pair;
            if self.is_alive(a) && self.is_alive(b) {
                self.merge(a, b);
                return Some((a, b));
            }
        }
    }

    fn merge(&mut self, a: usize, b: usize) {
        let merged = self.nodes.len();
        let sum = self.nodes[a].sum.iter().zip(&self.nodes[b].sum).map(|(x, y)| x + y).collect();
        let count = self.nodes[a].count + self.nodes[b].count;
        let mut neighbours = std::mem::take(&mut self.nodes[a].neighbours);
        neighbours.append(&mut self.nodes[b].neighbours);
        neighbours.retain(|&node| node != a && node != b);
        neighbours.sort_unstable();
        neighbours.dedup();
        for &neighbour in &neighbours {
            let theirs = &mut self.nodes[neighbour].neighbours;
            theirs.retain(|&node| node != a && node != b);
            theirs.push(merged);
        }
        (self.nodes[a].parent, self.nodes[b].parent) = (Some(merged), Some(merged));
        self.nodes.push(Node { count, sum, neighbours: neighbours.clone(), parent: None });
        self.alive -= 1;
        neighbours.into_iter().for_each(|neighbour| self.propose(neighbour, merged));
    }

    fn is_alive(&self, node: usize) -> bool {
        self.nodes[node].parent.is_none()
    }

    fn root(&self, mut node: usize) -> usize {
        while let Some(parent) = self.nodes[node].parent {
            node = parent;
        }
        node
    }

    fn smaller_than(&self, size: usize) -> Option<usize> {
        let alive = (0..self.nodes.len()).filter(|&node| self.is_alive(node));
        let small = alive.filter(|&node| self.nodes[node].count < size as f32);
        small.min_by(|&a, &b| self.nodes[a].count.total_cmp(&self.nodes[b].count))
    }

    fn cheapest_neighbour(&self, node: usize) -> Option<usize> {
        let neighbours = self.nodes[node].neighbours.iter().copied();
        neighbours.min_by(|&a, &b| self.loss(node, a).total_cmp(&self.loss(node, b)))
    }
}

impl Ord for Candidate {
    /// The cheapest stands on top; ties in order of age, so that equal grids give equal regions.
    fn cmp(&self, other: &Self) -> Ordering {
        other.loss.total_cmp(&self.loss).then_with(|| other.pair.cmp(&self.pair))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::{Every as _, each, if_any};
    use proptest::prelude::*;

    use super::*;

    /// True if the cells of a region hang together.
    fn is_connected(nested: &Nested, rows: usize, cols: usize, set: u32) -> bool {
        let inside = |cell: usize| set >> nested.labels[cell] & 1 == 1;
        let Some(start) = (0..rows * cols).find(|&cell| inside(cell)) else { return false };
        let (mut seen, mut open) = (vec![false; rows * cols], vec![start]);
        seen[start] = true;
        while let Some(cell) = open.pop() {
            let (row, col) = (cell / cols, cell % cols);
            let around = [(row.wrapping_sub(1), col), (row + 1, col), (row, col.wrapping_sub(1)), (row, col + 1)];
            for next in around.into_iter().filter(|&(r, c)| r < rows && c < cols).map(|(r, c)| r * cols + c) {
                if inside(next) && !seen[next] {
                    seen[next] = true;
                    open.push(next);
                }
            }
        }
        (0..rows * cols).all(|cell| !inside(cell) || seen[cell])
    }

    proptest! {
        #[test]
        fn regions_are_connected_and_nested(
            (rows, cols) in (1usize..9, 1usize..9),
            leaves in 1usize..17,
            smallest in 1usize..4,
            noise in prop::collection::vec(-1f32..1.0, 8 * 8 * 3),
        ) {
            let nested = cluster(&noise[..rows * cols * 3], rows, cols, leaves, smallest);
            let count = nested.members.len().div_ceil(2);
            prop_assert!(count <= leaves.min(rows * cols) && nested.members.len() == 2 * count - 1);
            prop_assert!(nested.labels.iter().every(|&label| usize::from(label) < count));
            for (i, &set) in each(nested.members.iter().enumerate()) {
                prop_assert!(is_connected(&nested, rows, cols, set));
                let nests = |other: u32| set & other == 0 || set & other == set || set & other == other;
                prop_assert!(if_any(&nested.members[..i]).all(|&other| nests(other)));
            }
            prop_assert_eq!(nested.members.last().map(|set| set.count_ones() as usize), Some(count));
            if rows * cols >= smallest {
                let size = |leaf: usize| nested.labels.iter().filter(|&&label| usize::from(label) == leaf).count();
                prop_assert!((0..count).every(|leaf| size(leaf) >= smallest));
            }
        }
    }

    #[test]
    fn equal_cells_end_up_together() {
        // Two objects on a ground, 4 x 6.
        let image = "
            ......
            .aa.b.
            .aa.b.
            ......";
        let cells: Vec<char> = image.chars().filter(|c| !c.is_whitespace()).collect();
        let features: Vec<f32> = cells.iter().flat_map(|c| [f32::from(*c == 'a'), f32::from(*c == 'b')]).collect();
        let nested = cluster(&features, 4, 6, 3, 1);
        for (cell, kind) in each(cells.iter().enumerate()) {
            let same = cells.iter().position(|c| c == kind);
            assert_eq!(Some(nested.labels[cell]), same.map(|first| nested.labels[first]), "cell {cell}");
        }
        assert_eq!(nested.members.len(), 5);
    }

    /// Against the definition, tried on all pairs at each step.
    #[test]
    fn merges_are_the_cheapest_ones() {
        let features: Vec<f32> = (0..24).map(|i| ((i * 37 + 11) % 23) as f32).collect();
        let (rows, cols) = (4, 6);
        let mut groups: Vec<Vec<usize>> = (0..24).map(|cell| vec![cell]).collect();
        let mean = |group: &[usize]| group.iter().map(|&cell| features[cell]).sum::<f32>() / group.len() as f32;
        let touch = |a: &[usize], b: &[usize]| {
            let near = |x: usize, y: usize| (x / cols).abs_diff(y / cols) + (x % cols).abs_diff(y % cols) == 1;
            a.iter().any(|&x| b.iter().any(|&y| near(x, y)))
        };
        while groups.len() > 5 {
            let pairs = (0..groups.len()).flat_map(|i| (i + 1..groups.len()).map(move |j| (i, j)));
            let loss = |&(i, j): &(usize, usize)| {
                let (n, m) = (groups[i].len() as f32, groups[j].len() as f32);
                n * m / (n + m) * (mean(&groups[i]) - mean(&groups[j])).powi(2)
            };
            let touching = pairs.filter(|&(i, j)| touch(&groups[i], &groups[j]));
            let Some((i, j)) = touching.min_by(|a, b| loss(a).total_cmp(&loss(b))) else { break };
            let moved = groups.remove(j);
            groups[i].extend(moved);
        }
        let nested = cluster(&features, rows, cols, 5, 1);
        for group in each(&groups) {
            assert!(group.iter().every(|&cell| nested.labels[cell] == nested.labels[group[0]]), "{groups:?}");
        }
        assert_eq!(nested.members.len(), 9);
    }
}
