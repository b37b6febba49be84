//! Rows as flat pieces of memory, for snapshots.

use memmap2::MmapMut;

use super::{Arena, Rows, Slot};
use crate::VectorId;

/// A flat piece of the memory of vectors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plane {
    is_residual: bool,
    number: usize,
}

impl Plane {
    /// True for what is kept beside the first planes of vectors.
    pub(crate) fn is_residual(self) -> bool {
        self.is_residual
    }
}

/// The owner of a slot that nobody owns.
const NOBODY: u64 = u64::MAX;

impl Rows {
    /// What vectors are made of: places of flat memory and their lengths, in an order that depends
    /// on their width and number alone. They stay where they are, and grow no shorter, when vectors
    /// come and go.
    pub(crate) fn planes(&self) -> Vec<(Plane, usize)> {
        let of = |arena: &Arena, is_residual| {
            let lengths = arena.planes().map(<[u8]>::len).enumerate();
            lengths.map(|(number, length)| (Plane { is_residual, number }, length)).collect::<Vec<_>>()
        };
        let residual = self.residual.as_ref().map_or_else(Vec::new, |residual| of(&residual.arena, true));
        of(&self.arena, false).into_iter().chain(residual).collect()
    }

    /// What is in a plane.
    pub(crate) fn plane(&self, Plane { is_residual, number }: Plane) -> &[u8] {
        let arena =
            if is_residual { self.residual.as_ref().map(|residual| &residual.arena) } else { Some(&self.arena) };
        arena.and_then(|arena| arena.planes().nth(number)).unwrap_or_default()
    }

    /// What is in a plane, to be written.
    pub(crate) fn plane_mut(&mut self, plane: Plane) -> &mut [u8] {
        let number = plane.number;
        self.arena_mut(plane).and_then(|arena| arena.planes_mut().nth(number)).unwrap_or_default()
    }

    fn arena_mut(&mut self, plane: Plane) -> Option<&mut Arena> {
        match plane.is_residual {
            true => self.residual.as_mut().map(|residual| &mut residual.arena),
            false => Some(&mut self.arena),
        }
    }

    /// The block of a plane that a map can take the place of: one of rows, all in use.
    fn block(&mut self, plane: Plane) -> Option<(&mut Arena, usize)> {
        let number = plane.number.checked_sub(1)?; // behind the scales
        self.arena_mut(plane).filter(|arena| arena.is_whole_block(number)).map(|arena| (arena, number))
    }

    /// True if a map of a file may take the place of a plane.
    pub(crate) fn may_be_mapped(&mut self, plane: Plane) -> bool {
        self.block(plane).is_some()
    }

    /// Puts a map of a file, which has what belongs there, in the place of a plane for which
    /// [`Rows::may_be_mapped`] holds.
    pub(crate) fn map_plane(&mut self, plane: Plane, map: MmapMut) {
        if let Some((arena, number)) = self.block(plane) {
            arena.replace_block(number, map);
        }
    }

    /// Who owns which slot.
    pub(crate) fn owners(&self) -> Vec<u64> {
        self.owners.iter().map(|owner| owner.map_or(NOBODY, |id| id.0)).collect()
    }

    /// Gives slots, whose vectors are there already, to their owners; false if that cannot be. The
    /// slots of `gone` become free.
    pub(crate) fn give_slots(&mut self, owners: &[u64], gone: impl Fn(VectorId) -> bool) -> bool {
        if owners.len() != self.len() || !self.slots.is_empty() {
            return false;
        }
        self.slots.reserve(owners.len());
        for (slot, &owner) in owners.iter().enumerate().filter(|(_, owner)| **owner != NOBODY) {
            let id = VectorId(owner);
            if gone(id) {
                continue;
            }
            let slot = Slot::at(slot);
            let sound = |scale: f32| scale.is_normal() && scale > 0.0;
            if !sound(self.arena.scale(slot)) || self.slots.contains_key(&id) {
                return false;
            }
            self.own(id, slot);
        }
        true
    }

    /// Makes room for `slots` slots; new ones have no owner.
    pub(crate) fn reach(&mut self, slots: usize) -> Result<(), crate::IndexError> {
        self.grow(slots.max(self.len()))
    }

    /// Components of a vector.
    pub(crate) fn dim(&self) -> usize {
        self.arena.dim()
    }
}
