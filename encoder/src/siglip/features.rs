//! What a backend gives, and the names of the parts of a model in its errors.

/// Values of [`stage`](crate::EncodeError::Backend) in errors.
pub(crate) const VISION: &str = "vision tower";
pub(crate) const TEXT: &str = "text tower";
pub(crate) const HEAD: &str = "pooling head";

/// What a forward pass says of an image.
pub(crate) struct Features {
    /// The embedding before normalisation.
    pub pooled: Vec<f32>,
    /// Tokens after the last norm, text-aligned vectors, and lengths of tokens before the last
    /// norm.
    pub dense: Option<(Vec<f32>, Vec<f32>, Vec<f32>)>,
}
