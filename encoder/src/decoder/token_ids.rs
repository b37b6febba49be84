//! The ids that mean the same in every decoder.

/// Stands before every sequence.
pub(super) const START: u32 = 0;
pub(super) const END: u32 = 1;
/// The task: a caption.
pub(super) const CAP: u32 = 2;
/// The task: the box of an expression.
pub(super) const AREF: u32 = 3;
/// The task: the words of a box.
pub(super) const GCAP: u32 = 4;
/// Between a box and its words.
pub(super) const SEPARATOR: u32 = 5;
/// The first language.
pub(super) const LANGUAGE: u32 = 6;
/// How many coordinates there are; their ids follow those of the languages.
pub(super) const COORDINATES: u32 = 501;
