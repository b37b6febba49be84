//! Rows as flat pieces of memory, for snapshots.

use super::{Rows, Slot};
use crate::ImageId;

/// The owner of a slot that nobody owns.
const NOBODY: u64 = u64::MAX;

impl Rows {
    /// What vectors are made of, in an order that depends on their width and number alone.
    pub(crate) fn planes(&self) -> Vec<&[u8]> {
        self.arena.planes().chain(self.rest.iter().flat_map(|rest| rest.arena.planes())).collect()
    }

    /// As [`Rows::planes`], to be written.
    pub(crate) fn planes_mut(&mut self) -> Vec<&mut [u8]> {
        self.arena.planes_mut().chain(self.rest.iter_mut().flat_map(|rest| rest.arena.planes_mut())).collect()
    }

    /// Who owns which slot.
    pub(crate) fn owners(&self) -> Vec<u64> {
        self.owners.iter().map(|owner| owner.map_or(NOBODY, |id| id.0)).collect()
    }

    /// Gives slots, whose vectors are there already, to their owners; false if that cannot be. The slots of `gone` become
    /// free.
    pub(crate) fn give_slots(&mut self, owners: &[u64], gone: impl Fn(ImageId) -> bool) -> bool {
        if owners.len() != self.len() || !self.slots.is_empty() {
            return false;
        }
        self.slots.reserve(owners.len());
        for (slot, &owner) in owners.iter().enumerate().filter(|(_, owner)| **owner != NOBODY) {
            let id = ImageId(owner);
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
