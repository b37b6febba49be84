//! How vectors may be kept.

use std::fmt;

/// How the vectors of a library's images are kept. Every search reads int8 first; what is kept
/// beside it puts in order what was found. Regions, of which there are many, are int8 always.
///
/// There is no f16: two planes of int8 hold 15 bits below the largest component where f16 holds 11,
/// in as many bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorStorage {
    /// One plane of int8: a byte a component. Images of one burst may come in another order.
    Int8,
    /// Two planes of int8: two bytes a component.
    #[default]
    Int16,
    /// int8, and the vector as it came: five bytes a component. Scores are those of f32.
    F32,
}

impl VectorStorage {
    /// All, the smallest first.
    pub const ALL: [Self; 3] = [Self::Int8, Self::Int16, Self::F32];

    /// The name that users give and see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::F32 => "f32",
        }
    }

    /// A way of storing by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|storage| storage.name() == name)
    }

    /// What is kept beside the first plane.
    pub(crate) fn residual(self) -> Residual {
        match self {
            Self::Int8 => Residual::Nothing,
            Self::Int16 => Residual::Plane,
            Self::F32 => Residual::Floats,
        }
    }
}

impl fmt::Display for VectorStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is kept of a vector beside its first plane of int8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Residual {
    Nothing,
    /// A second plane: a byte a component.
    Plane,
    /// Little-endian f32.
    Floats,
}

impl Residual {
    /// Bytes a component.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Plane => 1,
            Self::Floats => 4,
        }
    }

    /// What bytes beside a plane of `dim` components are; `None` if their number fits nothing.
    pub(crate) fn of(bytes: &[u8], dim: usize) -> Option<Self> {
        [Self::Nothing, Self::Plane, Self::Floats].into_iter().find(|residual| residual.width() * dim == bytes.len())
    }
}
