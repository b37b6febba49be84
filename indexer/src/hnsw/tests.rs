#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use glimpse_nonempty::each;
use proptest::prelude::*;

use super::select::{Quota, Selection};
use super::*;
use crate::vectors::{Arena, Kernel, Probe, Quantised, Slot};

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn gauss(&mut self) -> f32 {
        (0..4).map(|_| (self.next() >> 40) as f32 / (1 << 24) as f32 - 0.5).sum::<f32>() * 3f32.sqrt()
    }
}

/// Vectors in clusters of `size`, all clusters equally far from each other; some vectors are equal.
fn clustered(count: usize, dim: usize, size: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut noise = Noise(seed);
    let centres: Vec<Vec<f32>> =
        (0..count.div_ceil(size)).map(|_| (0..dim).map(|_| 1.0 + noise.gauss()).collect()).collect();
    let mut vectors: Vec<Vec<f32>> = Vec::new();
    for i in 0..count {
        let centre = &centres[noise.next() as usize % centres.len()];
        let twin = i > 0 && noise.next().is_multiple_of(20);
        let vector = if twin {
            vectors[noise.next() as usize % i].clone()
        } else {
            let vector: Vec<f32> = centre.iter().map(|c| c + 0.5 * noise.gauss()).collect();
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            vector.iter().map(|x| x / length).collect()
        };
        vectors.push(vector);
    }
    vectors
}

fn arena_of(vectors: &[Vec<f32>]) -> Arena {
    let mut arena = Arena::new(vectors[0].len());
    arena.grow(vectors.len()).unwrap();
    vectors.iter().enumerate().for_each(|(slot, v)| arena.set(Slot::at(slot), &Quantised::encode(v).unwrap()));
    arena
}

fn space(arena: &Arena) -> Space<'_> {
    Space { arena, kernel: Kernel::best() }
}

fn params(m: usize) -> Rules {
    Rules::new(HnswParams { m, ef_construction: 48, ef_search: 24 })
}

fn built(arena: &Arena, params: Rules) -> Graph {
    let mut graph = Graph::new(params, arena.dim());
    graph.grow(arena.len());
    graph.insert(space(arena), &(0..arena.len() as u32).map(Node).collect::<Vec<_>>());
    graph
}

fn query_of(arena: &Arena, vector: &[f32]) -> Query {
    let coded = Quantised::encode(vector).unwrap();
    Query { scale: coded.scale, probe: Probe::new(coded.values, arena.stride()) }
}

fn search(graph: &Graph, arena: &Arena, vector: &[f32], ef: usize) -> Vec<Near> {
    graph.with_scratch(|scratch| {
        graph.search(space(arena), &query_of(arena, vector), vector, ef, scratch, |_| {});
        scratch.found().collect()
    })
}

fn exact(arena: &Arena, live: &BTreeSet<Node>, vector: &[f32], k: usize) -> Vec<Near> {
    let query = query_of(arena, vector);
    let mut all: Vec<Near> =
        live.iter().map(|&node| Near { distance: space(arena).distance(&query, node), node }).collect();
    all.sort_by(Near::by_distance);
    all.truncate(k);
    all
}

/// Lists and tree, to be compared.
fn shape(graph: &Graph) -> Vec<(Option<Node>, Vec<Node>)> {
    let nodes = (0..graph.links.len() as u32).map(Node);
    nodes.map(|node| (graph.links.parent(node), graph.links.of(node).collect())).collect()
}

#[derive(Debug, Clone)]
enum Operation {
    Insert(Vec<u16>),
    Remove(u16),
    Update(u16, u16),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![
        3 => prop::collection::vec(any::<u16>(), 1..40).prop_map(Operation::Insert),
        4 => any::<u16>().prop_map(Operation::Remove),
        2 => any::<(u16, u16)>().prop_map(|(a, b)| Operation::Update(a, b)),
    ];
    prop::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// After every operation all invariants hold, and a search as wide as the graph finds every
    /// node: the graph is in one piece.
    #[test]
    fn any_sequence_of_operations_leaves_a_sound_graph(operations in operations(), m in 2usize..9, seed: u64) {
        const ROOM: u16 = 300;
        let vectors = clustered(ROOM.into(), 12, 12, seed);
        let mut arena = arena_of(&vectors);
        let mut graph = Graph::new(params(m), arena.dim());
        graph.grow(arena.len());
        let mut live = BTreeSet::new();
        for operation in each(operations) {
            match operation {
                Operation::Insert(numbers) => {
                    let numbers: BTreeSet<Node> = numbers.iter().map(|n| Node((n % ROOM).into())).collect();
                    let new: Vec<Node> = numbers.difference(&live).copied().collect();
                    let before = shape(&graph);
                    let changed = graph.insert(space(&arena), &new);
                    check_changed(&before, &shape(&graph), &changed)?;
                    live.extend(new);
                }
                Operation::Remove(number) => {
                    let node = Node((number % ROOM).into());
                    let before = shape(&graph);
                    let changed = graph.remove(space(&arena), node);
                    check_changed(&before, &shape(&graph), &changed)?;
                    prop_assert_eq!(!changed.is_empty(), live.remove(&node));
                }
                Operation::Update(number, like) => {
                    let node = Node((number % ROOM).into());
                    if live.contains(&node) {
                        graph.remove(space(&arena), node);
                        arena.set(node.slot(), &Quantised::encode(&vectors[usize::from(like % ROOM)]).unwrap());
                        graph.insert(space(&arena), &[node]);
                    }
                }
            }
            let sound = graph.validate(space(&arena), |node| live.contains(&node));
            prop_assert!(sound.is_ok(), "{:?}", sound);
            let all = search(&graph, &arena, &vectors[0], usize::from(ROOM));
            prop_assert_eq!(all, exact(&arena, &live, &vectors[0], live.len()));
        }
    }

    #[test]
    fn the_fast_search_agrees_with_the_plain_one(seed: u64, ef in 1usize..80, starts in 1usize..20) {
        let vectors = clustered(400, 24, 25, seed);
        let arena = arena_of(&vectors[..380]);
        let graph = built(&arena, Rules { starts, ..params(6) });
        for vector in each(&vectors[370..]) {
            let query = query_of(&arena, vector);
            let begin = graph.starts(space(&arena), vector);
            let plain = plain::search(&graph, space(&arena), &query, &begin, ef);
            prop_assert_eq!(search(&graph, &arena, vector, ef), plain);
        }
    }

    #[test]
    fn the_fast_selection_agrees_with_the_plain_one(seed: u64, count in 1usize..60, most in 4usize..20) {
        let vectors = clustered(count + 1, 16, 8, seed);
        let arena = arena_of(&vectors[..count]);
        let live = (0..count as u32).map(Node).collect();
        let candidates = exact(&arena, &live, &vectors[count], count);
        let bound = [Node(0), Node(3)];
        let (params, mut selection) = (params(4), Selection::default());
        let quota = Quota { most, fill: most };
        selection.choose(space(&arena), &params, &candidates, quota, |node| bound.contains(&node));
        prop_assert_eq!(&selection.kept, &plain::choose(space(&arena), &params, &candidates, most, &bound));
    }

    #[test]
    fn a_frontier_is_a_sorted_list(distances in prop::collection::vec(-1.0f32..3.0, 0..60), width in 1usize..20) {
        let all: Vec<Near> = (0..).zip(&distances).map(|(i, &distance)| Near { distance, node: Node(i) }).collect();
        let mut frontier = frontier::Frontier::default();
        frontier.reset(width);
        all.iter().for_each(|&near| frontier.push(near));
        let mut sorted = all.clone();
        sorted.sort_by(Near::by_distance);
        sorted.truncate(width);
        prop_assert_eq!(frontier.iter().collect::<Vec<_>>(), sorted.clone());
        let mut expanded = Vec::new();
        while let Some(node) = frontier.expand_next() {
            expanded.push(node);
        }
        prop_assert_eq!(expanded, sorted.iter().map(|near| near.node).collect::<Vec<_>>());
    }
}

/// Every node that looks different now was named; only the named have to be stored.
fn check_changed(
    before: &[(Option<Node>, Vec<Node>)],
    after: &[(Option<Node>, Vec<Node>)],
    changed: &[Node],
) -> Result<(), TestCaseError> {
    for (i, (before, after)) in each(before.iter().zip(after).enumerate()) {
        prop_assert!(before == after || changed.contains(&Node(i as u32)), "node {} changed silently", i);
    }
    Ok(())
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let arena = arena_of(&clustered(1500, 16, 30, 1));
    let build = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| shape(&built(&arena, params(8))))
    };
    let one = build(1);
    assert_eq!(one, build(1));
    assert_eq!(one, build(3));
    let other = shape(&built(&arena, Rules { seed: 2, ..params(8) }));
    assert_ne!(one, other, "the seed decides on the levels");
}

#[test]
fn clusters_do_not_become_islands() {
    let vectors = clustered(4000, 32, 40, 2);
    let arena = arena_of(&vectors);
    let graph = built(&arena, params(8));
    let live = (0..4000).map(Node).collect();
    graph.validate(space(&arena), |_| true).unwrap();
    let mut found = 0;
    for (i, vector) in each((0..).zip(&vectors)) {
        // A twin is as good.
        let best = search(&graph, &arena, vector, 32);
        assert!(best[0].distance < 1e-3, "{i} is not found by its own vector");
        let truth = exact(&arena, &live, vector, 10);
        found += truth.iter().filter(|near| best[..10].iter().any(|b| b.distance <= near.distance)).count();
    }
    assert!(found >= 39_600, "{found} of 40,000");
}

#[test]
fn churn_does_not_wear_the_graph_out() {
    let vectors = clustered(4000, 32, 40, 3);
    let arena = arena_of(&vectors);
    let all: BTreeSet<Node> = (0..3000).map(Node).collect();
    let mut graph = Graph::new(params(8), arena.dim());
    graph.grow(arena.len());
    graph.insert(space(&arena), &all.iter().copied().collect::<Vec<_>>());
    let recall = |graph: &Graph, live: &BTreeSet<Node>| {
        let hits = vectors[3900..].iter().map(|vector| {
            let (found, truth) = (search(graph, &arena, vector, 24), exact(&arena, live, vector, 10));
            truth.iter().filter(|near| found.contains(near)).count()
        });
        hits.sum::<usize>()
    };
    let mut live = all;
    for n in 0..900 {
        let (old, new) = (Node(n), Node(3000 + n));
        graph.remove(space(&arena), old);
        graph.insert(space(&arena), &[new]);
        live.remove(&old);
        live.insert(new);
    }
    graph.validate(space(&arena), |node| live.contains(&node)).unwrap();
    let mut fresh = Graph::new(params(8), arena.dim());
    fresh.grow(arena.len());
    fresh.insert(space(&arena), &live.iter().copied().collect::<Vec<_>>());
    let (churned, fresh) = (recall(&graph, &live), recall(&fresh, &live));
    eprintln!("found of 1,000 after a churn of 30 %: {churned}, in a fresh graph: {fresh}");
    assert!(churned + 10 >= fresh, "{churned} after a churn, {fresh} in a fresh graph");
}

#[test]
fn the_last_node_may_go_and_the_first_come_again() {
    let arena = arena_of(&clustered(3, 8, 3, 4));
    let graph = built(&arena, params(2));
    for n in [1, 0, 2] {
        assert!(!graph.remove(space(&arena), Node(n)).is_empty());
    }
    graph.validate(space(&arena), |_| false).unwrap();
    assert_eq!(search(&graph, &arena, &[1.0; 8], 5), []);
    graph.insert(space(&arena), &[Node(1)]);
    graph.validate(space(&arena), |node| node == Node(1)).unwrap();
    assert_eq!(search(&graph, &arena, &[1.0; 8], 5).len(), 1);
}

#[test]
fn every_second_node_stands_on_the_next_level() {
    let levels: Vec<u8> = (0..100_000).map(|n| levels::level_of(Node(n), 7).0).collect();
    let from = |level| levels.iter().filter(|&&l| l >= level).count();
    assert!((49_300..50_700).contains(&from(1)), "{}", from(1));
    assert!((5_900..6_600).contains(&from(4)), "{}", from(4));
}

/// Clusters without an entry point are what a search misses, so entry points must not thin out at
/// once where their number is bounded.
#[test]
fn guides_are_halved_where_they_are_too_many() {
    let arena = arena_of(&clustered(4000, 32, 40, 2));
    for nodes in [1000, 2100, 4000] {
        let graph = Graph::new(Rules { entry_points: 192, ..params(8) }, arena.dim());
        let all: Vec<Node> = (0..nodes).map(Node).collect();
        graph.entry_points.write().add(space(&arena), &graph.rules, &all);
        let entry_points = graph.entry_points.read().len();
        assert!((72..=192).contains(&entry_points), "{entry_points} entry points of {nodes} nodes");
    }
    // One node in 4 M stays an entry point however many that are.
    let graph = Graph::new(Rules { entry_points: 4, ..params(8) }, arena.dim());
    graph.entry_points.write().add(space(&arena), &graph.rules, &(0..4000).map(Node).collect::<Vec<_>>());
    let entry_points = graph.entry_points.read().len();
    assert!((80..=180).contains(&entry_points), "{entry_points} entry points");
}
