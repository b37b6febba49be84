//! What is kept of vectors beside their first planes, in the same slots.

use super::super::arena::Arena;
use super::super::storage::Rest;
use super::{Kernel, Planes, QueryPlanes, Slot};

#[derive(Debug)]
pub(super) struct RestRows {
    form: Rest,
    /// A scale of 0 stands for a vector that has none.
    pub arena: Arena,
}

impl RestRows {
    /// For vectors of `dim` components; `None` if nothing is kept.
    pub fn new(form: Rest, dim: usize) -> Option<Self> {
        (form != Rest::Nothing).then(|| Self { form, arena: Arena::new(form.width() * dim) })
    }

    /// Overwrites what is kept of a vector. What has another form than this is not kept.
    pub fn write(&mut self, slot: Slot, vector: Planes<'_>) {
        match Rest::of(vector.rest, vector.values.len()) {
            Some(Rest::Plane) if self.form == Rest::Plane => {
                self.arena.write(slot, vector.scale, bytemuck::cast_slice(vector.rest));
            }
            Some(Rest::Floats) if self.form == Rest::Floats => self.arena.write_bytes(slot, vector.scale, vector.rest),
            _ => self.arena.write(slot, 0.0, &[]),
        }
    }

    /// What [`RestRows::write`] was given.
    pub fn get(&self, slot: Slot) -> Vec<u8> {
        match self.form {
            _ if !self.has(slot) => Vec::new(),
            Rest::Plane => self.arena.get(slot).values.into_iter().map(i8::cast_unsigned).collect(),
            Rest::Floats | Rest::Nothing => self.arena.row(slot)[..self.arena.dim()].to_vec(),
        }
    }

    #[inline]
    pub fn has(&self, slot: Slot) -> bool {
        self.arena.scale(slot) > 0.0
    }

    /// The cosine with a vector whose first plane is `row`.
    #[inline]
    pub fn cosine(&self, query: &QueryPlanes, kernel: Kernel, row: &[u8], slot: Slot) -> f32 {
        let rest = self.arena.row(slot);
        match self.form {
            Rest::Floats => query.whole_cosine(&rest[..self.arena.dim()]),
            Rest::Plane | Rest::Nothing => query.fine_cosine(kernel, row, rest, self.arena.scale(slot)),
        }
    }
}
