//! Among which vectors a search looks.

use crate::{Filter, IdSet};

/// The images among whose vectors a search looks. The set decides; the filter, where one is known,
/// says the same or less of it in conditions that a server can be sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Among<'a> {
    /// `None` for all that there are.
    pub images: Option<&'a IdSet>,
    /// Every image of the set passes it.
    pub filter: Option<&'a Filter>,
    /// Regions that cover less of their image are left out; 0 to 1.
    pub min_area: f32,
}

impl<'a> Among<'a> {
    /// Among all.
    pub const ALL: Self = Self { images: None, filter: None, min_area: 0.0 };

    /// Among these images.
    pub fn images(images: Option<&'a IdSet>) -> Self {
        Self { images, ..Self::ALL }
    }
}
