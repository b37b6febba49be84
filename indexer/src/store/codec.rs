//! How values are written: a version byte, fields in little-endian order, a checksum.
//!
//! ```text
//! | version (1) | fields ... | checksum (4) |
//! ```
//!
//! The checksum is the first 4 bytes of BLAKE3 over table name, key, version and fields: a value
//! that was changed, cut off or moved to another key does not pass. sled's own CRC guards its log;
//! this one guards us against sled.

use super::keys::Table;

const CHECKSUM: usize = 4;

/// Why a value cannot be read, worded to follow the name of the value in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("its checksum does not match")]
    Checksum,
    #[error("it ends too early")]
    Short,
    #[error("it has bytes left over")]
    Long,
    #[error("it has version {0}, which this program does not know")]
    Version(u8),
    #[error("its {0} is not valid")]
    Field(&'static str),
}

/// Builds a value field by field.
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new(version: u8) -> Self {
        Self { bytes: vec![version] }
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn f64(&mut self, value: f64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// Bytes without a length: the reader knows it.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A length (4) and that many bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).raw(bytes)
    }

    pub(crate) fn str(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// The fields alone, without version and checksum: for what is sealed otherwise.
    pub(crate) fn into_fields(mut self) -> Vec<u8> {
        self.bytes.remove(0);
        self.bytes
    }

    /// Ends the value with the checksum for its place.
    pub(crate) fn seal(mut self, table: Table, key: &[u8]) -> Vec<u8> {
        let sum = checksum(table, key, &self.bytes);
        self.bytes.extend_from_slice(&sum);
        self.bytes
    }
}

/// Reads a value field by field.
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads fields that were sealed otherwise ([`Encoder::into_fields`]).
    pub(crate) fn of_fields(fields: &'a [u8]) -> Self {
        Self { rest: fields }
    }

    /// Checks checksum and version of a value that was found under `key`.
    pub(crate) fn open(table: Table, key: &[u8], value: &'a [u8], version: u8) -> Result<Self, Damage> {
        Self::open_any(table, key, value, &[version]).map(|(_, fields)| fields)
    }

    /// As [`Decoder::open`] for a value that may have one of several versions, which is given too.
    pub(crate) fn open_any(table: Table, key: &[u8], value: &'a [u8], versions: &[u8]) -> Result<(u8, Self), Damage> {
        let length = value.len().checked_sub(CHECKSUM).ok_or(Damage::Short)?;
        let (body, sum) = value.split_at(length);
        if sum != checksum(table, key, body) {
            return Err(Damage::Checksum);
        }
        match body.split_first() {
            Some((&found, rest)) if versions.contains(&found) => Ok((found, Self { rest })),
            Some((&found, _)) => Err(Damage::Version(found)),
            None => Err(Damage::Short),
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Damage> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Damage> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, Damage> {
        self.array().map(f64::from_le_bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        self.raw(N)?.try_into().map_err(|_| Damage::Short)
    }

    pub(crate) fn raw(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Damage::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Damage> {
        let length = self.u32()? as usize;
        self.raw(length)
    }

    pub(crate) fn string(&mut self) -> Result<String, Damage> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Damage::Field("text"))
    }

    /// Ends reading: nothing may be left.
    pub(crate) fn end(self) -> Result<(), Damage> {
        if self.rest.is_empty() { Ok(()) } else { Err(Damage::Long) }
    }
}

/// True if a value was written for this place, whatever its version.
pub(crate) fn is_sealed(table: Table, key: &[u8], value: &[u8]) -> bool {
    value.split_last_chunk::<CHECKSUM>().is_some_and(|(body, sum)| *sum == checksum(table, key, body))
}

fn checksum(table: Table, key: &[u8], body: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(table.name().as_bytes()).update(&[0]).update(key).update(body);
    let hash = hasher.finalize();
    std::array::from_fn(|i| hash.as_bytes()[i])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use glimpse_nonempty::each;

    use super::super::paths::{path_bytes, path_from};
    use super::*;

    fn sealed() -> Vec<u8> {
        let mut value = Encoder::new(3);
        value.u8(7).u32(8).i64(-9).f64(0.5).str("naïve").raw(b"ab");
        value.seal(Table::Images, b"key")
    }

    #[test]
    fn reads_what_was_written() {
        let value = sealed();
        let mut fields = Decoder::open(Table::Images, b"key", &value, 3).unwrap();
        assert_eq!((fields.u8().unwrap(), fields.u32().unwrap(), fields.i64().unwrap()), (7, 8, -9));
        assert_eq!((fields.f64().unwrap(), fields.string().unwrap()), (0.5, "naïve".to_owned()));
        assert_eq!(fields.raw(2).unwrap(), b"ab");
        assert_eq!(fields.u8(), Err(Damage::Short));
        fields.end().unwrap();
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let value = sealed();
        for bit in each(0..value.len() * 8) {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Decoder::open(Table::Images, b"key", &flipped, 3).is_err(), "bit {bit}");
        }
        for length in each(0..value.len()) {
            assert!(Decoder::open(Table::Images, b"key", &value[..length], 3).is_err(), "length {length}");
        }
    }

    #[test]
    fn a_value_belongs_to_its_place_and_version() {
        let value = sealed();
        assert_eq!(Decoder::open(Table::Images, b"kez", &value, 3).err(), Some(Damage::Checksum));
        assert_eq!(Decoder::open(Table::Files, b"key", &value, 3).err(), Some(Damage::Checksum));
        assert_eq!(Decoder::open(Table::Images, b"key", &value, 2).err(), Some(Damage::Version(3)));
        assert_eq!(Decoder::open(Table::Images, b"key", &value, 3).unwrap().end(), Err(Damage::Long));
    }

    #[cfg(unix)]
    #[test]
    fn paths_may_hold_any_bytes() {
        let bytes = b"/photos/\xff\xfe/\xe4.jpg";
        assert_eq!(&*path_bytes(&path_from(bytes)), bytes);
    }
}
