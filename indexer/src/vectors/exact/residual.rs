//! What is kept of vectors beside their first planes, in the same slots.

use super::super::arena::Arena;
use super::super::storage::Residual;
use super::{Kernel, Planes, QueryPlanes, Slot};

#[derive(Debug)]
pub(super) struct ResidualRows {
    form: Residual,
    /// A scale of 0 stands for a vector that has none.
    pub arena: Arena,
}

impl ResidualRows {
    /// For vectors of `dim` components; `None` if nothing is kept.
    pub fn new(form: Residual, dim: usize) -> Option<Self> {
        (form != Residual::Nothing).then(|| Self { form, arena: Arena::new(form.width() * dim) })
    }

    /// Overwrites what is kept of a vector. What has another form than this is not kept.
    pub fn write(&mut self, slot: Slot, vector: Planes<'_>) {
        match Residual::of(vector.residual, vector.values.len()) {
            Some(Residual::Plane) if self.form == Residual::Plane => {
                self.arena.write(slot, vector.scale, bytemuck::cast_slice(vector.residual));
            }
            Some(Residual::Floats) if self.form == Residual::Floats => {
                self.arena.write_bytes(slot, vector.scale, vector.residual)
            }
            _ => self.arena.write(slot, 0.0, &[]),
        }
    }

    /// What [`ResidualRows::write`] was given.
    pub fn get(&self, slot: Slot) -> Vec<u8> {
        match self.form {
            _ if !self.has(slot) => Vec::new(),
            Residual::Plane => self.arena.get(slot).values.into_iter().map(i8::cast_unsigned).collect(),
            Residual::Floats | Residual::Nothing => self.arena.row(slot)[..self.arena.dim()].to_vec(),
        }
    }

    #[inline]
    pub fn has(&self, slot: Slot) -> bool {
        self.arena.scale(slot) > 0.0
    }

    /// The cosine with a vector whose first plane is `row`.
    #[inline]
    pub fn cosine(&self, query: &QueryPlanes, kernel: Kernel, row: &[u8], slot: Slot) -> f32 {
        let residual = self.arena.row(slot);
        match self.form {
            Residual::Floats => query.whole_cosine(&residual[..self.arena.dim()]),
            Residual::Plane | Residual::Nothing => query.fine_cosine(kernel, row, residual, self.arena.scale(slot)),
        }
    }
}
