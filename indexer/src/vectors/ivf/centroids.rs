//! Cells by k-means, in two levels: groups of cells, and the cells of each group. A vector is
//! compared with all groups and then with the cells of the nearest of them, which takes a few
//! hundred products instead of thousands; a query is compared with all cells.

use std::ops::Range;

use rayon::prelude::*;

use super::Random;
use crate::vectors::{Arena, Kernel, Planes, Probe, Quantised, QueryPlanes, Slot};

/// Rounds of k-means.
const ROUNDS: usize = 8;
/// Groups whose cells a vector is compared with.
const NEAREST: usize = 6;

/// Vectors that cells are made for.
pub(crate) struct Sample {
    arena: Arena,
}

/// Centroids of cells, as int8: what a code is relative to is the decoded one.
#[derive(Debug)]
pub(crate) struct Centroids {
    cells: Level,
    groups: Level,
    /// The first cell of each group, and behind the last one the number of cells.
    starts: Vec<u32>,
}

#[derive(Debug)]
struct Level {
    arena: Arena,
    /// Half the square of each centroid's length.
    halves: Vec<f32>,
}

impl Sample {
    pub(crate) fn new(dim: usize) -> Self {
        Self { arena: Arena::new(dim) }
    }

    /// Adds a vector.
    ///
    /// # Errors
    /// If the system has no more memory.
    pub(crate) fn push(&mut self, vector: Planes<'_>) -> std::io::Result<()> {
        let slot = Slot::at(self.arena.len());
        self.arena.grow(slot.index() + 1)?;
        self.arena.write(slot, vector.scale, vector.values);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.arena.len()
    }
}

impl Centroids {
    /// Up to `count` cells for a sample that is not empty; the same ones for equal samples. On all
    /// threads of the current pool.
    ///
    /// # Errors
    /// If the system has no more memory.
    pub(crate) fn train(sample: &Sample, count: usize, seed: u64) -> std::io::Result<Self> {
        let kernel = Kernel::best();
        let arena = &sample.arena;
        let all: Vec<u32> = (0..arena.len() as u32).collect();
        let groups = k_means(kernel, arena, &all, (count as f64).sqrt().ceil() as usize, seed)?;
        let nearest = groups.assign(kernel, arena, &all);
        let mut members = vec![Vec::new(); groups.len()];
        all.iter().zip(nearest).for_each(|(&member, group)| members[group as usize].push(member));
        let share = |members: &[u32]| (count * members.len()).div_ceil(all.len()).clamp(1, members.len().max(1));
        let of_groups = members.par_iter().enumerate().filter(|(_, members)| !members.is_empty());
        let cells =
            of_groups.map(|(group, members)| k_means(kernel, arena, members, share(members), seed ^ group as u64));
        let cells: Vec<Level> = cells.collect::<Result<_, _>>()?;
        let kept = (0..groups.len()).filter(|&group| !members[group].is_empty());
        let groups = Level::of(arena.dim(), &kept.map(|group| groups.get(group)).collect::<Vec<_>>())?;
        let mut starts = vec![0];
        cells.iter().for_each(|level| starts.push(starts[starts.len() - 1] + level.len() as u32));
        let cells: Vec<Quantised> =
            cells.iter().flat_map(|level| (0..level.len()).map(|cell| level.get(cell))).collect();
        Ok(Self { cells: Level::of(arena.dim(), &cells)?, groups, starts })
    }

    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The nearest cell of a vector, among those of the nearest groups.
    pub(crate) fn cell_of(&self, kernel: Kernel, vector: Planes<'_>) -> u32 {
        let probe = Probe::new(vector.values.to_vec(), self.cells.arena.stride());
        let mut groups: Vec<(f32, usize)> = (0..self.groups.len())
            .map(|group| (self.groups.nearness(kernel, &probe, vector.scale, group), group))
            .collect();
        groups.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let cells = groups.iter().take(NEAREST).flat_map(|&(_, group)| self.starts[group]..self.starts[group + 1]);
        let scored = cells.map(|cell| (self.cells.nearness(kernel, &probe, vector.scale, cell as usize), cell));
        scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map_or(0, |(_, cell)| cell)
    }

    /// Takes a cell's centroid away from a vector.
    pub(crate) fn residual(&self, vector: Planes<'_>, cell: u32, residual: &mut Vec<f32>) {
        let slot = Slot::at(cell as usize);
        let (row, scale) = (self.cells.arena.row(slot), self.cells.arena.scale(slot));
        residual.clear();
        residual.extend(vector.values.iter().zip(row).map(|(&value, &offset)| {
            f32::from(value) * vector.scale - f32::from((offset ^ 0x80).cast_signed()) * scale
        }));
    }

    /// The inner product of a query with each centroid, by number of cell.
    pub(crate) fn scores(&self, kernel: Kernel, query: &QueryPlanes) -> Vec<f32> {
        let arena = &self.cells.arena;
        let slots = (0..self.len()).map(Slot::at);
        slots.map(|slot| query.cosine(kernel, arena.row(slot), arena.scale(slot))).collect()
    }

    /// Bytes in memory.
    pub(crate) fn memory(&self) -> usize {
        self.cells.arena.memory() + self.groups.arena.memory() + 4 * (self.len() + self.starts.len())
    }

    /// Cells, groups and starts as bytes.
    pub(crate) fn to_bytes(&self) -> [Vec<u8>; 3] {
        let starts = self.starts.iter().flat_map(|start| start.to_le_bytes()).collect();
        [self.cells.to_bytes(), self.groups.to_bytes(), starts]
    }

    /// Reads what [`Centroids::to_bytes`] gave of vectors of `dim`; `None` if it cannot be.
    pub(crate) fn of_bytes(dim: usize, [cells, groups, starts]: [&[u8]; 3]) -> Option<Self> {
        let (starts, rest) = starts.as_chunks::<4>();
        let starts: Vec<u32> = starts.iter().map(|start| u32::from_le_bytes(*start)).collect();
        let (cells, groups) = (Level::of_bytes(dim, cells)?, Level::of_bytes(dim, groups)?);
        let sound = rest.is_empty()
            && groups.len() > 0
            && starts.len() == groups.len() + 1
            && starts.is_sorted_by(|a, b| a < b)
            && starts[0] == 0
            && starts[groups.len()] as usize == cells.len();
        sound.then_some(Self { cells, groups, starts })
    }
}

impl Level {
    fn of(dim: usize, centroids: &[Quantised]) -> std::io::Result<Self> {
        let mut arena = Arena::new(dim);
        arena.grow(centroids.len())?;
        for (place, centroid) in centroids.iter().enumerate() {
            arena.write(Slot::at(place), centroid.scale, &centroid.values);
        }
        let square = |centroid: &Quantised| {
            centroid.values.iter().map(|&value| (f32::from(value) * centroid.scale).powi(2)).sum::<f32>()
        };
        Ok(Self { arena, halves: centroids.iter().map(|centroid| square(centroid) / 2.0).collect() })
    }

    fn len(&self) -> usize {
        self.halves.len()
    }

    fn get(&self, place: usize) -> Quantised {
        self.arena.get(Slot::at(place))
    }

    /// Higher for nearer centroids of the same vector.
    #[inline]
    fn nearness(&self, kernel: Kernel, probe: &Probe, scale: f32, place: usize) -> f32 {
        let slot = Slot::at(place);
        scale * self.arena.scale(slot) * kernel.dot(probe, self.arena.row(slot)) as f32 - self.halves[place]
    }

    /// The nearest centroid of each member of a sample.
    fn assign(&self, kernel: Kernel, sample: &Arena, members: &[u32]) -> Vec<u32> {
        let nearest = |probe: &mut Probe, &member: &u32| {
            let slot = Slot::at(member as usize);
            probe.lower(sample.row(slot), sample.dim());
            let scale = sample.scale(slot);
            let all = 0..self.len();
            let scored = all.map(|place| (self.nearness(kernel, probe, scale, place), place));
            scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map_or(0, |(_, place)| place as u32)
        };
        members.par_iter().map_init(Probe::default, nearest).collect()
    }

    fn to_bytes(&self) -> Vec<u8> {
        (0..self.len()).flat_map(|place| self.get(place).to_bytes()).collect()
    }

    fn of_bytes(dim: usize, bytes: &[u8]) -> Option<Self> {
        let centroids: Option<Vec<Quantised>> =
            bytes.chunks(dim + 4).map(|bytes| Quantised::from_bytes(bytes, dim)).collect();
        Self::of(dim, &centroids?).ok()
    }
}

/// Lloyd's algorithm: up to `count` means of some members of a sample. A mean that nobody is
/// nearest to begins anew at a member.
fn k_means(kernel: Kernel, sample: &Arena, members: &[u32], count: usize, seed: u64) -> std::io::Result<Level> {
    let mut random = Random(seed);
    let mut shuffled = members.to_vec();
    let count = count.min(shuffled.len());
    for place in 0..count {
        let other = place + random.below(shuffled.len() - place);
        shuffled.swap(place, other);
    }
    let first: Vec<Quantised> = shuffled[..count].iter().map(|&member| sample.get(Slot::at(member as usize))).collect();
    let mut level = Level::of(sample.dim(), &first)?;
    for _ in 0..ROUNDS {
        let nearest = level.assign(kernel, sample, members);
        level = Level::of(sample.dim(), &means(sample, members, &nearest, &level, &mut random))?;
    }
    Ok(level)
}

fn means(sample: &Arena, members: &[u32], nearest: &[u32], level: &Level, random: &mut Random) -> Vec<Quantised> {
    let dim = sample.dim();
    let mut sums = vec![0f32; level.len() * dim];
    let mut counts = vec![0u32; level.len()];
    for (&member, &place) in members.iter().zip(nearest) {
        let slot = Slot::at(member as usize);
        let (row, scale) = (sample.row(slot), sample.scale(slot));
        let range: Range<usize> = place as usize * dim..(place as usize + 1) * dim;
        sums[range].iter_mut().zip(row).for_each(|(sum, offset)| *sum += scale * (f32::from(*offset) - 128.0));
        counts[place as usize] += 1;
    }
    let mean = |(place, sum): (usize, &mut [f32])| {
        let count = counts[place] as f32;
        sum.iter_mut().for_each(|value| *value /= count.max(1.0));
        let anew = |random: &mut Random| sample.get(Slot::at(members[random.below(members.len())] as usize));
        Quantised::encode(sum).unwrap_or_else(|| anew(random))
    };
    sums.chunks_exact_mut(dim).enumerate().map(mean).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashMap;

    use glimpse_nonempty::each;

    use super::*;
    use crate::vectors::exact::tests::Noise;

    const DIM: usize = 40;

    /// Vectors around ten directions, and which one each is around.
    fn clustered(count: usize) -> Vec<(usize, Quantised)> {
        let of = |place: usize| (0..DIM).map(|i| Noise((place * DIM + i) as u64).gauss()).collect::<Vec<f32>>();
        let mut noise = Noise(5);
        let vector = |place: usize, noise: &mut Noise| {
            let values: Vec<f32> = of(place).iter().map(|value| value + 0.2 * noise.gauss()).collect();
            (place, Quantised::encode(&values).unwrap())
        };
        (0..count).map(|_| noise.below(10)).collect::<Vec<_>>().into_iter().map(|p| vector(p, &mut noise)).collect()
    }

    fn trained(vectors: &[(usize, Quantised)], cells: usize) -> Centroids {
        let mut sample = Sample::new(DIM);
        vectors.iter().for_each(|(_, vector)| sample.push(vector.planes()).unwrap());
        Centroids::train(&sample, cells, 3).unwrap()
    }

    #[test]
    fn cells_hold_what_is_alike() {
        let vectors = clustered(2000);
        let centroids = trained(&vectors, 40);
        assert!((30..=60).contains(&centroids.len()), "{}", centroids.len());
        let mut cells: HashMap<u32, HashMap<usize, usize>> = HashMap::new();
        for (place, vector) in each(&vectors) {
            *cells.entry(centroids.cell_of(Kernel::best(), vector.planes())).or_default().entry(*place).or_default() +=
                1;
        }
        let pure: usize = cells.values().filter_map(|counts| counts.values().max()).sum();
        assert!(pure > 1900, "{pure} of 2000");
        let mut residual = Vec::new();
        let vector = vectors[0].1.planes();
        centroids.residual(vector, centroids.cell_of(Kernel::best(), vector), &mut residual);
        let length = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>().sqrt();
        assert!(length(&residual) < 0.5 * length(&vectors[0].1.decode()));
    }

    #[test]
    fn centroids_read_back_and_equal_samples_give_equal_ones() {
        let vectors = clustered(300);
        let centroids = trained(&vectors, 12);
        let bytes = centroids.to_bytes();
        assert_eq!(bytes, trained(&vectors, 12).to_bytes());
        let [a, b, c] = &bytes;
        assert_eq!(Centroids::of_bytes(DIM, [a, b, c]).unwrap().to_bytes(), bytes);
        for odd in each([[&a[1..], b, c], [a, &b[..3], c], [a, b, &c[4..]], [a, b, &c[..3]], [&[], &[], &[0; 4]]]) {
            assert!(Centroids::of_bytes(DIM, odd).is_none());
        }
    }

    #[test]
    fn a_sample_smaller_than_its_cells_is_enough() {
        for count in 1..5 {
            assert!((1..=count).contains(&trained(&clustered(count), 50).len()));
        }
    }
}
