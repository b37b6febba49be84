//! Named intermediates of a forward pass, so that a comparison with the reference names the first stage that differs.

use std::fmt::Display;

/// Records intermediates, or nothing at no cost.
#[derive(Debug, Default)]
pub struct Trace {
    stages: Option<Vec<Stage>>,
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
        Self { stages: Some(Vec::new()) }
    }

    /// What was recorded, in the order of computation.
    pub fn stages(&self) -> &[Stage] {
        self.stages.as_deref().unwrap_or_default()
    }

    /// Whether anything is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.stages.is_some()
    }

    pub(crate) fn push(&mut self, name: impl Display, shape: Vec<usize>, values: Vec<f32>) {
        if let Some(stages) = &mut self.stages {
            stages.push(Stage { name: name.to_string(), shape, values });
        }
    }
}
