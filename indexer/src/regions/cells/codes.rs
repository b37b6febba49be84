//! Codes by row: a segment that takes in others of the same cells copies what they have, and makes
//! nothing again.

use rayon::prelude::*;

use super::Cells;
use super::segment::{FiledCodes, Segment, vector_bytes};
use crate::ImageId;

/// Where the code of each row lies among those of its segment, for the segments from one on: four
/// bytes a region.
pub(crate) struct CodePlaces {
    first: usize,
    of_segments: Vec<Vec<u32>>,
}

impl Cells {
    /// Reads the codes of the segments from one on.
    pub(crate) fn code_places(&self, first: usize) -> CodePlaces {
        CodePlaces { first, of_segments: self.segments[first..].par_iter().map(Segment::code_places).collect() }
    }

    /// Rows and codes of an image in these segments, whose `regions` were stored under this
    /// fingerprint; `None` if they are not there, or damaged.
    pub(crate) fn rows_and_codes(
        &self,
        places: &CodePlaces,
        image: ImageId,
        fingerprint: u32,
        regions: usize,
    ) -> Option<(Vec<u8>, FiledCodes)> {
        let rows = self.rows_of(image, fingerprint)?;
        let mut segments = self.segments[places.first..].iter().zip(&places.of_segments).rev();
        let codes =
            segments.find_map(|(segment, places)| Some(segment.codes_at(&places[segment.rows_of(image)?])))??;
        let fits = rows.len() == regions * vector_bytes(self.dim);
        (fits && codes.cells.len() == regions).then_some((rows, codes))
    }
}
