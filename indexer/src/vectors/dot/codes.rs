//! What codes of a few bits a component are compared with.
//!
//! A code has its components in 1, 2 or 4 bits, `8 / bits` of them in a byte: byte `j` of a code of
//! `n` bytes holds components `j`, `n + j`, `2 n + j`, ..., the first in its lowest bits. So a
//! register of bytes is shifted and masked, and multiplied by steps as they lie in memory.

/// Components of a code are a multiple of this, so that its bytes are whole words.
const WHOLE: usize = 64;

/// Signed steps, padded with zeros to the components of a code.
#[derive(Debug, Clone)]
pub struct CodeProbe {
    steps: Vec<i8>,
    /// For codes of one bit: the steps in the order of the bits of a code, from the lowest of the
    /// first byte on.
    in_bits: Vec<i8>,
    bits: u32,
}

impl CodeProbe {
    /// Components of a code of vectors of `dim`.
    pub fn width(dim: usize) -> usize {
        dim.next_multiple_of(WHOLE)
    }

    /// Bytes of a code of vectors of `dim`, with `bits` a component.
    pub fn bytes_of(dim: usize, bits: u32) -> usize {
        Self::width(dim) * bits as usize / 8
    }

    /// Of the steps of a query, for codes of `bits` (1, 2 or 4) a component.
    pub fn new(mut steps: Vec<i8>, bits: u32) -> Self {
        assert!(matches!(bits, 1 | 2 | 4), "codes of {bits} bits");
        steps.resize(Self::width(steps.len()), 0);
        let bytes = steps.len() / 8;
        let in_bits =
            if bits == 1 { (0..steps.len()).map(|i| steps[i % 8 * bytes + i / 8]).collect() } else { Vec::new() };
        Self { steps, in_bits, bits }
    }

    /// Bits of a component.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// Bytes of a code.
    pub fn code_bytes(&self) -> usize {
        self.steps.len() * self.bits as usize / 8
    }

    /// The steps in the order of the bits of a code; empty if a component has more than one.
    pub(super) fn in_bits(&self) -> &[i8] {
        &self.in_bits
    }

    /// The steps that the components in one place of all bytes are multiplied by, place by place.
    pub(super) fn parts(&self) -> impl Iterator<Item = &[i8]> {
        self.steps.chunks_exact(self.code_bytes())
    }
}

/// Puts components, each below `2^bits`, into the bytes of a code.
pub fn pack(components: &[u8], bits: u32, code: &mut [u8]) {
    code.fill(0);
    for (place, part) in components.chunks(code.len()).enumerate() {
        code.iter_mut().zip(part).for_each(|(byte, value)| *byte |= value << (place as u32 * bits));
    }
}
