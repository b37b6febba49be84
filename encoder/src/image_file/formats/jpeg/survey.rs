//! What the markers of a JPEG say of it, before it is decoded (ITU T.81, annex B).

use super::super::super::{ImageError, Limits};

/// Largest number of scans of one file; encoders write about ten.
pub(super) const MAX_SCANS: usize = 100;
/// Largest number of pixels that all scans together pass over, in images of the largest size that
/// is allowed. A scan of a few bytes may pass over all of an image, so that a small file could
/// keep a decoder busy for hours.
pub(super) const MAX_PASSES: u64 = 20;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Survey {
    /// The marker of the frame header, which names the way of coding; 0 without one.
    pub frame: u8,
    /// Bits of a sample.
    pub precision: u8,
    pub components: u8,
    pub scans: usize,
    /// Samples of each of the first four components, across and down, in a unit of the image.
    pub sampling: [(u8, u8); 4],
    /// Components of the first scan.
    pub in_first_scan: u8,
    /// Where the marker of the last scan lies.
    pub last_scan: usize,
    /// An end-of-image marker follows the scans.
    pub ended: bool,
}

impl Survey {
    pub fn of(bytes: &[u8]) -> Self {
        let mut survey = Self::default();
        let mut rest = &bytes[2..];
        // Scans are skipped by looking for the next marker: inside them 0xFF is followed by 0 or by
        // a restart number.
        while let Some(at) = rest.iter().position(|&byte| byte == 0xFF) {
            rest = &rest[at + 1..];
            match rest {
                [0xD9, ..] => return Self { ended: true, ..survey },
                [0x00 | 0x01 | 0xD0..=0xD8 | 0xFF, ..] => {}
                [marker, high, low, behind @ ..] => {
                    let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(2);
                    let segment = &behind[..length.min(behind.len())];
                    match marker {
                        // Not frames: Huffman tables, an extension, arithmetic conditioning.
                        0xC4 | 0xC8 | 0xCC => {}
                        // Frames; 0xDE announces several of them, 0xF7 is that of JPEG-LS.
                        0xC0..=0xCF | 0xDE | 0xF7 if survey.frame != 0xDE => {
                            let field = |at: usize| segment.get(at).copied().unwrap_or_default();
                            (survey.frame, survey.precision, survey.components) = (*marker, field(0), field(5));
                            survey.sampling = [7, 10, 13, 16].map(|at| (field(at) >> 4, field(at) & 15));
                        }
                        0xDA => {
                            if survey.scans == 0 {
                                survey.in_first_scan = segment.first().copied().unwrap_or_default();
                            }
                            survey.scans += 1;
                            survey.last_scan = bytes.len() - rest.len() - 1;
                        }
                        _ => {}
                    }
                    rest = behind.get(length..).unwrap_or_default();
                }
                _ => break,
            }
        }
        survey
    }

    pub fn is_progressive(&self) -> bool {
        self.frame == 0xC2
    }

    /// All components begin in the first scan, so that each of its rows is a row of the image.
    pub fn begins_whole(&self) -> bool {
        self.components > 0 && self.in_first_scan == self.components
    }

    /// zune-jpeg (0.5) gives wrong pixels, and no error, for what encoders seldom write: components
    /// in several scans that are not progressive, and components with more samples than the first,
    /// or with a number of them that is no power of two.
    pub fn needs_other_decoder(&self) -> bool {
        let components = usize::from(self.components).min(self.sampling.len());
        let (across, down) = self.sampling[0];
        let is_odd = |&(h, v): &(u8, u8)| h > across || v > down || !h.is_power_of_two() || !v.is_power_of_two();
        !self.is_progressive() && !self.begins_whole() || self.sampling[..components].iter().any(is_odd)
    }

    /// Refuses what no decoder here knows, which is no damage.
    pub fn check_coding(&self) -> Result<(), ImageError> {
        let kind = match self.frame {
            0xC3 => "a lossless JPEG",
            0xC5..=0xC7 | 0xDE => "a hierarchical JPEG",
            0xC9..=0xCB | 0xCD..=0xCF => "a JPEG with arithmetic coding",
            0xF7 => "a JPEG-LS",
            0xC0..=0xC2 if !matches!(self.precision, 0 | 8) => {
                let kind = format!("a JPEG of {} bits a sample", self.precision);
                return Err(ImageError::unsupported(&kind));
            }
            _ => return Ok(()),
        };
        Err(ImageError::unsupported(kind))
    }

    pub fn check_scans(&self) -> Result<(), ImageError> {
        if self.scans <= MAX_SCANS {
            return Ok(());
        }
        Err(ImageError::TooLarge { found: format!("{} scans", self.scans), limit: format!("{MAX_SCANS} scans") })
    }

    pub fn check_work(&self, pixels: u64, limits: &Limits) -> Result<(), ImageError> {
        let allowed = limits.max_pixels.saturating_mul(MAX_PASSES);
        if pixels.saturating_mul(self.scans as u64) <= allowed {
            return Ok(());
        }
        Err(ImageError::TooLarge {
            found: format!("{} scans of {pixels} pixels", self.scans),
            limit: format!("{allowed} pixels in all scans together"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_zune_jpeg_misreads_goes_elsewhere() {
        let usual = Survey { frame: 0xC0, components: 3, in_first_scan: 3, ..Survey::default() };
        let of = |sampling: [(u8, u8); 4], survey: Survey| Survey { sampling, ..survey }.needs_other_decoder();
        let none = (0, 0);
        assert!(!of([(1, 1), (1, 1), (1, 1), none], usual));
        assert!(!of([(2, 2), (1, 1), (1, 1), none], usual));
        assert!(!of([(2, 2), (2, 1), (1, 1), none], usual));
        assert!(!of([(1, 1), none, none, none], Survey { components: 1, in_first_scan: 1, ..usual }));
        assert!(!of([(2, 2), (1, 1), (1, 1), none], Survey { frame: 0xC2, in_first_scan: 1, ..usual }));
        assert!(of([(2, 2), (1, 1), (1, 1), none], Survey { in_first_scan: 1, ..usual }));
        assert!(of([(1, 1), (2, 2), (2, 2), none], usual));
        assert!(of([(3, 1), (1, 1), (1, 1), none], usual));
    }

    #[test]
    fn a_survey_skips_segments_and_scans() {
        // A thumbnail inside APP1 carries an end marker of its own, which ends nothing.
        let head = b"\xFF\xD8\xFF\xE1\x00\x06\xFF\xD9\xFF\xD9\xFF\xC2\x00\x08\x08\x00\x10\x00\x10\x03\xFF\xDA\x00\x03\x03\x12\xFF\x00\x34\xFF\xD0";
        let cut = Survey::of(head);
        let expected = Survey {
            frame: 0xC2,
            precision: 8,
            components: 3,
            scans: 1,
            sampling: [(0, 0); 4],
            in_first_scan: 3,
            last_scan: 20,
            ended: false,
        };
        assert_eq!(cut, expected);
        let whole = Survey::of(&[head.as_slice(), b"\x56\xFF\xD9\0\0"].concat());
        assert_eq!(whole, Survey { ended: true, ..cut });
    }
}
