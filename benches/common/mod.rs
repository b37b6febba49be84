//! What all benches share: seeded vectors, arguments, and timing whose parts take turns.
#![allow(dead_code, reason = "each bench uses some of it")]

pub mod library;

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

/// Arguments of the form `--name value`; `cargo bench` adds some of its own, which are ignored.
pub struct Args(Vec<String>);

impl Args {
    pub fn read() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|arg| arg.strip_prefix("--") == Some(name))?;
        self.0.get(at + 1).map(String::as_str)
    }

    pub fn number(&self, name: &str, default: usize) -> usize {
        match self.value(name) {
            Some(text) => text.replace('_', "").parse().unwrap_or_else(|_| panic!("--{name} {text}: not a number")),
            None => default,
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|arg| arg.strip_prefix("--") == Some(name))
    }
}

/// Runs each part once to warm it up, then all of them in turn `rounds` times, so that a busy
/// moment of the machine falls on all alike; gives the median time of each.
pub fn take_turns(rounds: usize, parts: &mut [Box<dyn FnMut() + '_>]) -> Vec<Duration> {
    parts.iter_mut().for_each(|part| part());
    let mut times = vec![Vec::with_capacity(rounds); parts.len()];
    for _ in 0..rounds {
        for (part, times) in parts.iter_mut().zip(&mut times) {
            times.push(time(part));
        }
    }
    times.into_iter().map(median).collect()
}

/// How long `work` takes.
pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Milliseconds below which half, and 19 of 20, of the times lie.
pub fn quantiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    (at(0.5), at(0.95))
}

/// Answers each line of standard input with a line of standard output, so that a driver can let
/// several programs take turns; ends with the input.
pub fn answer_lines(mut answer: impl FnMut(&[&str]) -> serde_json::Value) {
    for line in io::stdin().lock().lines() {
        let line = line.expect("standard input");
        let words: Vec<&str> = line.split_whitespace().collect();
        println!("{}", answer(&words));
        io::stdout().flush().expect("standard output");
    }
}

/// A pool of `threads` (0: one for each core).
pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

/// Memory of this process in bytes.
pub fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// Rows of f32.
pub struct Matrix {
    pub dim: usize,
    pub values: Vec<f32>,
}

impl Matrix {
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dim)
    }

    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dim..][..self.dim]
    }

    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Reads NumPy's format, version 1.0, of two dimensions and f32.
    pub fn read_npy(path: &std::path::Path) -> io::Result<Self> {
        let bad = || io::Error::other(format!("{}: not a matrix of f32", path.display()));
        let bytes = std::fs::read(path)?;
        let header =
            bytes.get(8..10).map(|size| usize::from(u16::from_le_bytes([size[0], size[1]]))).ok_or_else(bad)?;
        let (header, values) = bytes.get(10..).and_then(|rest| rest.split_at_checked(header)).ok_or_else(bad)?;
        let header = String::from_utf8_lossy(header);
        let dim = header.split("'shape': (").nth(1).and_then(|shape| shape.split([',', ')']).nth(1));
        let dim = dim.and_then(|dim| dim.trim().parse().ok()).ok_or_else(bad)?;
        if !header.contains("'<f4'") || !header.contains("False") {
            return Err(bad());
        }
        let values = values.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        Ok(Self { dim, values })
    }

    /// Writes NumPy's format, version 1.0.
    pub fn write_npy(&self, path: &std::path::Path) -> io::Result<()> {
        let shape = format!("({}, {})", self.len(), self.dim);
        let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        header.push_str(&" ".repeat(118usize.saturating_sub(header.len() + 1)));
        header.push('\n');
        let mut file = io::BufWriter::new(std::fs::File::create(path)?);
        file.write_all(b"\x93NUMPY\x01\x00")?;
        file.write_all(&(header.len() as u16).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        self.values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?;
        file.flush()
    }
}

/// Unit vectors as image embeddings lie: a mean that all share (cosine of two random ones 0.4),
/// clusters of about a hundred, and within a cluster a cosine of 0.8. The same seed gives the same
/// vectors on every machine.
pub fn clustered(count: usize, dim: usize, seed: u64) -> Matrix {
    let mut noise = Noise(seed);
    let mut row = || (0..dim).map(|_| noise.gauss()).collect::<Vec<f32>>();
    let mean = row();
    let centres: Vec<Vec<f32>> = (0..count.div_ceil(100)).map(|_| row()).collect();
    let mut values = Vec::with_capacity(count * dim);
    for _ in 0..count {
        let centre = &centres[noise.below(centres.len())];
        let row: Vec<f32> = mean.iter().zip(centre).map(|(m, c)| m + c + 0.7 * noise.gauss()).collect();
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        values.extend(row.iter().map(|x| x / length));
    }
    Matrix { dim, values }
}

/// Unit vectors in all directions alike.
pub fn uniform(count: usize, dim: usize, seed: u64) -> Matrix {
    let mut noise = Noise(seed);
    let mut values = Vec::with_capacity(count * dim);
    for _ in 0..count {
        let row: Vec<f32> = (0..dim).map(|_| noise.gauss()).collect();
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        values.extend(row.iter().map(|x| x / length));
    }
    Matrix { dim, values }
}

/// SplitMix64.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Between nought and one.
    pub fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Normal, tails included (Box and Muller).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.uniform()).cos()
    }

    /// Near enough to a normal distribution: the sum of four uniform numbers, with variance 1.
    pub fn gauss(&mut self) -> f32 {
        (0..4).map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5).sum::<f32>() * 3f32.sqrt()
    }
}
