//! Masks for other programs: annotation tools, data sets, image editors, and people.
//!
//! What belongs to one image is written when it is done, so that a long run keeps no maps in
//! memory; lists of all images are written at the end, from their masks.

mod coco;
mod colour;
mod colours;
mod cutouts;
mod cvat;
mod label_studio;
mod legend;
mod palette;
mod panoptic;

use std::fs;
use std::path::{Path, PathBuf};

use glimpse::engine::{Mask, SegmentLabel, Segmentation};

pub use coco::rle;

use super::{Names, decoded, name_of, names_of};
use crate::cli::args::MaskFormat;
use crate::cli::outcome::CliError;

/// An image, where its file is, and how it is turned.
pub struct Original {
    /// The file.
    pub path: PathBuf,
    /// EXIF orientation, 1 to 8, that a sidecar gives it in place of the file's own.
    pub orientation: Option<u8>,
}

/// An image and its segments, as lists of all images need them.
pub struct Segmented {
    pub path: PathBuf,
    /// Upright width and height in pixels.
    pub width: u32,
    pub height: u32,
    pub segments: Vec<MaskedSegment>,
    /// Of its panoptic PNG, if that was written.
    pub panoptic: Option<String>,
}

/// A segment with its mask in pixels of the image.
pub struct MaskedSegment {
    /// The place of its label.
    pub label: usize,
    pub score: f32,
    pub mask: Mask,
}

/// Writes masks into a folder, image by image.
pub struct MaskWriter {
    dir: PathBuf,
    formats: Vec<MaskFormat>,
    names: Names,
    panoptic_names: Option<Names>,
    labels: Vec<SegmentLabel>,
    images: Vec<Segmented>,
    written: usize,
}

impl MaskWriter {
    /// Makes the folder.
    pub fn new(dir: &Path, formats: &[MaskFormat]) -> Result<Self, CliError> {
        let panoptic_names =
            formats.contains(&MaskFormat::Panoptic).then(|| Names::of(&dir.join("panoptic"))).transpose()?;
        Ok(Self {
            dir: dir.to_path_buf(),
            formats: formats.to_vec(),
            names: Names::of(dir)?,
            panoptic_names,
            labels: Vec::new(),
            images: Vec::new(),
            written: 0,
        })
    }

    /// Writes what belongs to one image, and keeps what lists need.
    pub fn add(&mut self, original: &Original, segmentation: &Segmentation) -> Result<(), CliError> {
        self.labels.clone_from(&segmentation.labels);
        let (width, height) = (segmentation.width, segmentation.height);
        let masks = segmentation.masks(width, height);
        let segments = segmentation.segments.iter().zip(masks);
        let segments =
            segments.map(|(segment, mask)| MaskedSegment { label: segment.label, score: segment.score, mask });
        let mut image =
            Segmented { path: original.path.clone(), width, height, segments: segments.collect(), panoptic: None };
        let (colour, cutouts) = (self.wants(MaskFormat::Colour), self.wants(MaskFormat::Cutouts));
        if colour || cutouts {
            let pixels = decoded(&original.path, original.orientation)?;
            if colour {
                colour::write(&pixels, segmentation, &self.names.path(&name_of(&original.path), "-colour.png"))?;
                self.written += 1;
            }
            if cutouts {
                self.written += cutouts::write(&pixels, &image, &self.labels, &mut self.names)?;
            }
        }
        if self.wants(MaskFormat::Palette) {
            palette::write(segmentation, &self.names.path(&name_of(&original.path), "-labels.png"))?;
            self.written += 1;
        }
        if let Some(names) = &mut self.panoptic_names {
            let path = names.path(&name_of(&original.path), ".png");
            panoptic::write_image(segmentation, &path)?;
            image.panoptic = path.file_name().map(|name| name.to_string_lossy().into_owned());
            self.written += 1;
        }
        self.images.push(image);
        Ok(())
    }

    /// Writes lists of all images; what was written, for people.
    pub fn finish(self) -> Result<Vec<String>, CliError> {
        let paths: Vec<&Path> = self.images.iter().map(|image| image.path.as_path()).collect();
        let names = names_of(&paths);
        let mut done = Vec::new();
        let mut files = 0;
        for format in &self.formats {
            let (file, text) = match format {
                MaskFormat::Colour | MaskFormat::Palette => ("legend.html", legend::write(&self.labels)),
                MaskFormat::Panoptic => ("panoptic.json", panoptic::write(&self.images, &names, &self.labels)?),
                MaskFormat::Coco => ("instances.json", coco::write(&self.images, &names, &self.labels)?),
                MaskFormat::LabelStudio => {
                    ("label-studio.json", label_studio::write(&self.images, &names, &self.labels)?)
                }
                MaskFormat::Cvat => ("annotations.xml", cvat::write(&self.images, &names, &self.labels)),
                MaskFormat::Cutouts => continue,
            };
            let path = self.dir.join(file);
            fs::write(&path, text).map_err(|error| CliError::new(format!("{}: {error}", path.display())))?;
            files += 1;
        }
        done.push(format!("wrote {} files to {}", self.written + files, self.dir.display()));
        if self.wants(MaskFormat::LabelStudio) {
            let root = super::common_folder(&paths).display();
            done.push(format!("Label Studio finds the images if it is started with LOCAL_FILES_DOCUMENT_ROOT={root}"));
        }
        Ok(done)
    }

    fn wants(&self, format: MaskFormat) -> bool {
        self.formats.contains(&format)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
