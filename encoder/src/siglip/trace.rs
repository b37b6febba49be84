//! What a forward pass can be asked about itself: its intermediates, so that a comparison with the
//! reference names the first stage that differs, or where its time goes.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Records intermediates or times, or nothing at no cost.
#[derive(Debug, Default)]
pub struct Trace {
    stages: Option<Vec<Stage>>,
    times: Option<Vec<(&'static str, Duration)>>,
}

/// One intermediate tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What it is, e.g. `vision.block00`.
    pub name: String,
    /// Its extents; padding of a batch is included.
    pub shape: Vec<usize>,
    /// Its values, row by row.
    pub values: Vec<f32>,
}

impl Trace {
    /// Records nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// Records every stage; the copies need as much memory as the pass itself.
    pub fn on() -> Self {
        Self { stages: Some(Vec::new()), times: None }
    }

    /// Sums up how long each kind of operation takes, on the backend for CPUs.
    pub fn clock() -> Self {
        Self { stages: None, times: Some(Vec::new()) }
    }

    /// Operations and how long each took in all, in the order in which they were first met.
    pub fn times(&self) -> &[(&'static str, Duration)] {
        self.times.as_deref().unwrap_or_default()
    }

    /// What was recorded, in the order of computation.
    pub fn stages(&self) -> &[Stage] {
        self.stages.as_deref().unwrap_or_default()
    }

    /// Whether anything is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.stages.is_some()
    }

    /// Does `work`, which counts as `operation`.
    pub(crate) fn time<T>(&mut self, operation: &'static str, work: impl FnOnce() -> T) -> T {
        let Some(times) = &mut self.times else { return work() };
        let start = Instant::now();
        let result = work();
        match times.iter_mut().find(|(name, _)| *name == operation) {
            Some((_, sum)) => *sum += start.elapsed(),
            None => times.push((operation, start.elapsed())),
        }
        result
    }

    pub(crate) fn push(&mut self, name: impl Display, shape: Vec<usize>, values: Vec<f32>) {
        if let Some(stages) = &mut self.stages {
            stages.push(Stage { name: name.to_string(), shape, values });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_sums_up_by_operation() {
        let mut trace = Trace::clock();
        for operation in ["norm", "product", "norm"] {
            assert_eq!(trace.time(operation, || operation.len()), operation.len());
        }
        let names: Vec<_> = trace.times().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["norm", "product"]);
        trace.time("product", || std::thread::sleep(Duration::from_millis(2)));
        assert!(trace.times()[1].1 >= Duration::from_millis(2));
        assert!(trace.stages().is_empty() && Trace::on().times().is_empty());
    }
}
