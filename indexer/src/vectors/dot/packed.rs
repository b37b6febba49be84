//! Rows whose components have a few bits each, in planes of 4, 2 or 1 of these bits, the highest
//! first. A plane is laid out as a code is ([`super::codes`]), so that it is shifted and masked
//! where it lies.

use super::codes::{CodeProbe, pack};

/// Bits of the planes of a row, the highest first.
pub type RowPlanes = [u32];

/// Bits of a component.
pub fn bits_of(planes: &RowPlanes) -> u32 {
    planes.iter().sum()
}

/// Bytes of a row of vectors of `dim`.
pub fn packed_bytes(dim: usize, planes: &RowPlanes) -> usize {
    CodeProbe::width(dim) * bits_of(planes) as usize / 8
}

/// Puts components into the planes of a row, which is long enough.
pub fn pack_planes(components: &[u8], planes: &RowPlanes, row: &mut [u8]) {
    let width = CodeProbe::width(components.len());
    let (mut below, mut rest) = (bits_of(planes), row);
    for &bits in planes {
        below -= bits;
        let (plane, others) = rest.split_at_mut(width * bits as usize / 8);
        let part: Vec<u8> = components.iter().map(|value| value >> below & ((1 << bits) - 1)).collect();
        pack(&part, bits, plane);
        rest = others;
    }
}

/// The components of a row again, with those of its padding.
pub fn unpack_planes(row: &[u8], width: usize, planes: &RowPlanes) -> Vec<u8> {
    let (mut components, mut rest) = (vec![0; width], row);
    for &bits in planes {
        let (plane, others) = rest.split_at(width * bits as usize / 8);
        for (place, part) in components.chunks_mut(plane.len()).enumerate() {
            for (value, byte) in part.iter_mut().zip(plane) {
                *value = *value << bits | byte >> (place as u32 * bits) & ((1 << bits) - 1);
            }
        }
        rest = others;
    }
    components
}
