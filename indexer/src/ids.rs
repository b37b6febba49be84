//! Names of things in an index.

use std::fmt;

/// A distinct image (by content) in one generation of an index. Never used again after removal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ImageId(pub u64);

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A vector in an index of vectors: that of a whole image, which has the image's number, or that of
/// one of its regions ([`crate::regions::RegionId`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct VectorId(pub u64);

impl From<ImageId> for VectorId {
    fn from(image: ImageId) -> Self {
        Self(image.0)
    }
}

impl VectorId {
    /// The image whose vector this is, in an index of vectors of whole images.
    pub fn image(self) -> ImageId {
        ImageId(self.0)
    }
}

impl fmt::Display for VectorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// BLAKE3 of a file's bytes, cut to 128 bits: two files with equal hashes share one image and its
/// vectors. An image that a sidecar turns has a hash of its own
/// ([`ContentHash::with_orientation`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 16]);

impl ContentHash {
    /// Hash of a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::cut(blake3::hash(bytes))
    }

    /// The content of an image that a sidecar turns, from that of the file's bytes: the bytes alone
    /// are another image, with another vector. `None` is the bytes alone.
    #[must_use]
    pub fn with_orientation(self, orientation: Option<u8>) -> Self {
        orientation.map_or(self, |orientation| Self::of(&[&self.0[..], b"orientation", &[orientation]].concat()))
    }

    /// The content of a frame of a video with this content, by its time in microseconds.
    #[must_use]
    pub fn of_frame(self, start: u64) -> Self {
        Self::of(&[&self.0[..], b"frame", &start.to_le_bytes()].concat())
    }

    fn cut(whole: blake3::Hash) -> Self {
        let mut short = [0; 16];
        short.copy_from_slice(&whole.as_bytes()[..16]);
        Self(short)
    }
}

/// Makes the hash of a file that is read in steps.
#[derive(Debug, Clone, Default)]
pub struct ContentHasher(blake3::Hasher);

impl ContentHasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes taken.
    pub fn finish(&self) -> ContentHash {
        ContentHash::cut(self.0.finalize())
    }
}

/// A text that is no content hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the hash of a content; it has 32 hexadecimal digits")]
pub struct NoContentHash(String);

impl std::str::FromStr for ContentHash {
    type Err = NoContentHash;

    fn from_str(text: &str) -> Result<Self, NoContentHash> {
        let wrong = || NoContentHash(text.to_owned());
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        Ok(Self(u128::from_str_radix(text, 16).map_err(|_| wrong())?.to_be_bytes()))
    }
}

/// As its hexadecimal digits.
impl serde::Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
