//! Changes of an input: bits, numbers, pieces moved, doubled, taken from other inputs or away.

use crate::random::Random;

/// Numbers at which sizes, offsets and counts go wrong.
const BOUNDARIES: [u64; 16] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];

/// The same in texts, and signs that texts are cut at.
const TEXTS: [&str; 20] = [
    "0",
    "-1",
    "-0.0",
    "1e308",
    "1e-400",
    "4294967296",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999",
    "NaN",
    "null",
    "[",
    "{",
    "\"",
    "\\",
    "\0",
    "\u{202e}",
    "\u{feff}",
    "e\u{301}",
    "\u{1f408}\u{200d}",
];

/// Longest piece that is moved, doubled or taken away in one change.
const PIECE: usize = 64;

/// Makes new inputs out of old ones.
pub struct Mutator {
    pub random: Random,
    /// Words of the format.
    pub words: Vec<Vec<u8>>,
}

impl Mutator {
    /// One to sixteen changes of one of the inputs.
    pub fn mutation(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.random.pick(inputs).clone();
        for _ in 0..1 << self.random.below(5) {
            self.change(&mut bytes, inputs);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let at = self.place(bytes.len());
        let end = (at + 1 + self.random.below(PIECE)).min(bytes.len());
        match self.random.below(11) {
            0 => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << self.random.below(8)),
            1 => self.set_number(bytes, at),
            2 => self.add_to_number(bytes, at),
            3 => bytes[at..end].iter_mut().for_each(|byte| *byte = self.random.next() as u8),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let again = bytes[at..end].repeat(1 + self.random.below(20));
                drop(bytes.splice(at..at, again));
            }
            6 => {
                let other = self.random.pick(inputs);
                let from = self.place(other.len());
                let to = (from + self.random.below(4 * PIECE)).min(other.len());
                let end = if self.random.one_in(2) { at } else { end };
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            7 if !self.words.is_empty() => {
                let word = self.random.pick(&self.words).clone();
                let end = if self.random.one_in(2) { at } else { (at + word.len()).min(bytes.len()) };
                drop(bytes.splice(at..end, word));
            }
            8 => {
                let text = *self.random.pick(&TEXTS);
                let end = self.end_of_number(bytes, at);
                drop(bytes.splice(at..end, text.bytes()));
            }
            9 if self.random.one_in(4) => bytes.truncate(at),
            _ => {
                let to = self.place(bytes.len());
                let piece: Vec<u8> = bytes.drain(at..end).collect();
                let to = to.min(bytes.len());
                drop(bytes.splice(to..to, piece));
            }
        }
    }

    /// A place in so many bytes. The first ones are taken more often: heads are small and decide
    /// much.
    fn place(&mut self, length: usize) -> usize {
        let reach = *self.random.pick(&[32, 256, length, length]);
        self.random.below(reach.min(length))
    }

    fn set_number(&mut self, bytes: &mut [u8], at: usize) {
        let value = *self.random.pick(&BOUNDARIES);
        write(self.random.one_in(2), value, field(self.width(), bytes, at));
    }

    fn add_to_number(&mut self, bytes: &mut [u8], at: usize) {
        let field = field(self.width(), bytes, at);
        let (is_little, difference) = (self.random.one_in(2), self.random.below(33) as u64);
        let order: Vec<u8> = if is_little { field.iter().rev().copied().collect() } else { field.to_vec() };
        let value = order.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        write(is_little, value.wrapping_add(difference).wrapping_sub(16), field);
    }

    /// Bytes of a number.
    fn width(&mut self) -> usize {
        *self.random.pick(&[1, 2, 4, 8])
    }

    /// Where the digits that begin at a place end, half of the time.
    fn end_of_number(&mut self, bytes: &[u8], at: usize) -> usize {
        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if self.random.one_in(2) { at } else { at + digits }
    }
}

/// The bytes of a number at a place, fewer at the end.
fn field(width: usize, bytes: &mut [u8], at: usize) -> &mut [u8] {
    let end = (at + width).min(bytes.len());
    &mut bytes[at..end]
}

fn write(is_little: bool, value: u64, field: &mut [u8]) {
    let width = field.len();
    for (i, byte) in field.iter_mut().enumerate() {
        let place = if is_little { i } else { width - 1 - i };
        *byte = (value >> (8 * place)) as u8;
    }
}
