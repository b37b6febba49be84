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
/// A group with so many times as many members as usual is made several.
const UNEVEN: usize = 2;
/// How often that is done again with what it is made of.
const SPLITS: usize = 5;
/// Vectors that a thread compares at once.
const AT_ONCE: usize = 64;

/// A vector that centroids are compared with, and its scale.
type Asked<'a> = (&'a Probe, f32);

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
        let groups = even_groups(kernel, arena, &all, (count as f64).sqrt().ceil() as usize, seed)?;
        let members = groups.members(kernel, arena, &all);
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

    /// The nearest cell of each vector, among those of its nearest groups. On all threads of the
    /// current pool.
    ///
    /// Group by group, the vectors that have it among their nearest are compared with its cells, so
    /// that what is read of either side serves many products.
    pub(crate) fn cells_of(&self, kernel: Kernel, vectors: &[Planes<'_>]) -> Vec<u32> {
        let probe = |vector: &Planes<'_>| Probe::new(vector.values.to_vec(), self.cells.arena.stride());
        let probes: Vec<Probe> = vectors.par_iter().map(probe).collect();
        let asked: Vec<Asked<'_>> = probes.iter().zip(vectors).map(|(probe, vector)| (probe, vector.scale)).collect();
        let nearest = asked.par_chunks(AT_ONCE).flat_map_iter(|asked| self.nearest_groups(kernel, asked));
        let groups: Vec<Vec<u32>> = nearest.collect();
        let mut members = vec![Vec::new(); self.groups.len()];
        for (vector, groups) in groups.iter().enumerate() {
            groups.iter().for_each(|&group| members[group as usize].push(vector));
        }
        let of_group = |(group, members): (usize, &Vec<usize>)| {
            let cells = self.starts[group] as usize..self.starts[group + 1] as usize;
            let asked: Vec<Asked<'_>> = members.iter().map(|&vector| asked[vector]).collect();
            self.cells.nearest(kernel, &asked, cells)
        };
        let found: Vec<Vec<(f32, u32)>> = members.par_iter().enumerate().map(of_group).collect();
        let mut best = vec![(f32::MIN, 0); vectors.len()];
        // Groups, and so their cells, come by number: of equally near ones the first stays.
        for (&vector, found) in members.iter().flatten().zip(found.iter().flatten()) {
            if found.0 > best[vector].0 {
                best[vector] = *found;
            }
        }
        best.into_iter().map(|(_, cell)| cell).collect()
    }

    /// For each vector the groups whose cells it is compared with.
    fn nearest_groups(&self, kernel: Kernel, asked: &[Asked<'_>]) -> Vec<Vec<u32>> {
        let mut groups = vec![Vec::with_capacity(self.groups.len()); asked.len()];
        let all = 0..self.groups.len();
        self.groups.compare(kernel, asked, all, |vector, group, nearness| groups[vector].push((nearness, group)));
        let by_nearness = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let nearest = groups.into_iter().map(|mut groups| {
            if groups.len() > NEAREST {
                groups.select_nth_unstable_by(NEAREST, by_nearness);
                groups.truncate(NEAREST);
            }
            groups.into_iter().map(|(_, group)| group).collect()
        });
        nearest.collect()
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

    /// Hands out how near some centroids are to each vector, by place among those asked for and
    /// number of the centroid, which rises: more for nearer ones of the same vector.
    #[inline]
    fn compare(
        &self,
        kernel: Kernel,
        asked: &[Asked<'_>],
        places: Range<usize>,
        mut take: impl FnMut(usize, u32, f32),
    ) {
        let four = |first: usize, end: usize| [first, first + 1, first + 2, first + 3].map(|place| place.min(end - 1));
        for vector in (0..asked.len()).step_by(4) {
            let probes = four(vector, asked.len()).map(|vector| asked[vector].0);
            for place in places.clone().step_by(4) {
                let rows = four(place, places.end).map(|place| self.arena.row(Slot::at(place)));
                let dots = kernel.dot_tile(probes, rows);
                for (vector, dots) in (vector..asked.len()).zip(dots) {
                    for (place, dot) in (place..places.end).zip(dots) {
                        let scale = asked[vector].1 * self.arena.scale(Slot::at(place));
                        take(vector, place as u32, scale * dot as f32 - self.halves[place]);
                    }
                }
            }
        }
    }

    /// The nearest of some centroids to each vector, of equally near ones the first, and how near.
    fn nearest(&self, kernel: Kernel, asked: &[Asked<'_>], places: Range<usize>) -> Vec<(f32, u32)> {
        let mut best = vec![(f32::MIN, places.start as u32); asked.len()];
        self.compare(kernel, asked, places, |vector, place, nearness| {
            if nearness > best[vector].0 {
                best[vector] = (nearness, place);
            }
        });
        best
    }

    /// The nearest centroid of each member of a sample.
    fn assign(&self, kernel: Kernel, sample: &Arena, members: &[u32]) -> Vec<u32> {
        let nearest = |probes: &mut Vec<Probe>, members: &[u32]| {
            probes.resize_with(members.len(), Probe::default);
            for (probe, &member) in probes.iter_mut().zip(members) {
                probe.lower(sample.row(Slot::at(member as usize)), sample.dim());
            }
            let scales = members.iter().map(|&member| sample.scale(Slot::at(member as usize)));
            let asked: Vec<Asked<'_>> = probes.iter().zip(scales).collect();
            let nearest = self.nearest(kernel, &asked, 0..self.len());
            nearest.into_iter().map(|(_, place)| place).collect::<Vec<_>>()
        };
        members.par_chunks(AT_ONCE).map_init(Vec::new, nearest).flatten_iter().collect()
    }

    /// For each centroid, the members of a sample that are nearest to it.
    fn members(&self, kernel: Kernel, sample: &Arena, members: &[u32]) -> Vec<Vec<u32>> {
        let mut of_each = vec![Vec::new(); self.len()];
        let nearest = self.assign(kernel, sample, members);
        members.iter().zip(nearest).for_each(|(&member, place)| of_each[place as usize].push(member));
        of_each
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

/// About `count` means or more, none of which has many more of the members than others: vectors of
/// regions crowd around their mean, and most of them would come together in a few groups.
fn even_groups(kernel: Kernel, sample: &Arena, members: &[u32], count: usize, seed: u64) -> std::io::Result<Level> {
    let usual = members.len().div_ceil(count.max(1)).max(1);
    let mut groups = Vec::new();
    let mut crowds = vec![members.to_vec()];
    for split in 0..=SPLITS {
        let mut large = Vec::new();
        for crowd in crowds {
            let level = k_means(kernel, sample, &crowd, crowd.len().div_ceil(usual), seed ^ groups.len() as u64)?;
            for (place, part) in level.members(kernel, sample, &crowd).into_iter().enumerate() {
                match part.len() {
                    0 => {}
                    size if size > UNEVEN * usual && size < crowd.len() && split < SPLITS => large.push(part),
                    _ => groups.push(level.get(place)),
                }
            }
        }
        crowds = large;
    }
    Level::of(sample.dim(), &groups)
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
        let planes: Vec<Planes<'_>> = vectors.iter().map(|(_, vector)| vector.planes()).collect();
        let nearest = centroids.cells_of(Kernel::best(), &planes);
        for ((place, _), cell) in each(vectors.iter().zip(&nearest)) {
            *cells.entry(*cell).or_default().entry(*place).or_default() += 1;
        }
        let pure: usize = cells.values().filter_map(|counts| counts.values().max()).sum();
        assert!(pure > 1900, "{pure} of 2000");
        let mut residual = Vec::new();
        let vector = vectors[0].1.planes();
        centroids.residual(vector, nearest[0], &mut residual);
        let length = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>().sqrt();
        assert!(length(&residual) < 0.5 * length(&vectors[0].1.decode()));
    }

    #[test]
    fn cells_found_together_are_those_found_one_by_one() {
        let vectors = clustered(700);
        let centroids = trained(&vectors, 120);
        assert!(centroids.groups.len() > NEAREST, "{}", centroids.groups.len());
        let planes: Vec<Planes<'_>> = vectors.iter().map(|(_, vector)| vector.planes()).collect();
        let nearness = |level: &Level, vector: &Planes<'_>, place: usize| {
            let probe = Probe::new(vector.values.to_vec(), level.arena.stride());
            let slot = Slot::at(place);
            let dot = Kernel::best().dot(&probe, level.arena.row(slot)) as f32;
            vector.scale * level.arena.scale(slot) * dot - level.halves[place]
        };
        let one = |vector: &Planes<'_>| {
            let mut groups: Vec<usize> = (0..centroids.groups.len()).collect();
            groups.sort_by(|&a, &b| {
                nearness(&centroids.groups, vector, b).total_cmp(&nearness(&centroids.groups, vector, a))
            });
            let cells = groups[..NEAREST].iter().flat_map(|&g| centroids.starts[g]..centroids.starts[g + 1]);
            let nearest = cells.map(|cell| (nearness(&centroids.cells, vector, cell as usize), cell));
            nearest.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).unwrap().1
        };
        let one_by_one: Vec<u32> = planes.iter().map(one).collect();
        for kernel in each(Kernel::available()) {
            assert_eq!(centroids.cells_of(kernel, &planes), one_by_one);
        }
        assert!(centroids.cells_of(Kernel::best(), &[]).is_empty());
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

    /// Half of the vectors stand near their mean, as large parts of images do: they are of no group
    /// that k-means begins at one of the others.
    #[test]
    fn vectors_that_crowd_are_in_groups_of_like_size_and_near_cells() {
        let mut noise = Noise(5);
        let mut direction = |scale: f32| (0..DIM).map(|_| scale * noise.gauss()).collect::<Vec<f32>>();
        let (mean, things) = (direction(1.0), (0..150).map(|_| direction(1.2)).collect::<Vec<_>>());
        let vector = |place: usize| {
            let (own, share) = (direction(0.6), if place.is_multiple_of(2) { 1.0 } else { 0.15 });
            let values: Vec<f32> =
                (0..DIM).map(|i| mean[i] + share * (things[place / 2 % things.len()][i] + own[i])).collect();
            (0, Quantised::encode(&values).unwrap())
        };
        let vectors: Vec<(usize, Quantised)> = (0..12_000).map(vector).collect();
        let centroids = trained(&vectors, 400);
        let largest = centroids.starts.windows(2).map(|starts| starts[1] - starts[0]).max().unwrap() as usize;
        let usual = centroids.len() / 20;
        assert!(
            largest <= 3 * usual,
            "{largest} of {} cells are in one of {} groups",
            centroids.len(),
            centroids.groups.len()
        );
        let planes: Vec<Planes<'_>> = vectors.iter().map(|(_, vector)| vector.planes()).collect();
        let probes: Vec<Probe> =
            planes.iter().map(|vector| Probe::new(vector.values.to_vec(), centroids.cells.arena.stride())).collect();
        let asked: Vec<Asked<'_>> = probes.iter().zip(&planes).map(|(probe, vector)| (probe, vector.scale)).collect();
        let nearest = centroids.cells.nearest(Kernel::best(), &asked, 0..centroids.len());
        let found = centroids.cells_of(Kernel::best(), &planes);
        let right = nearest.iter().zip(&found).filter(|(nearest, cell)| nearest.1 == **cell).count();
        assert!(right * 10 > found.len() * 9, "{right} of {} are in the nearest cell", found.len());
    }

    #[test]
    fn a_sample_smaller_than_its_cells_is_enough() {
        for count in 1..5 {
            assert!((1..=count).contains(&trained(&clustered(count), 50).len()));
        }
    }
}
