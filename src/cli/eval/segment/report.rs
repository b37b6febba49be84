//! Everything that was measured, as it is printed.

use std::io::Write;

use serde::Serialize;

use super::super::confusion::Confusion;
use super::super::pixel_truth::{TrueMap, Truth};
use super::astray::Astray;
use super::panoptic_quality::{PanopticQuality, Quality};
use super::predicted::Predicted;
use crate::cli::outcome::CliError;
use crate::cli::output::Table;

/// Sums over images.
pub struct Measures {
    confusion: Confusion,
    astray: Astray,
    quality: Option<PanopticQuality>,
}

/// What comes of them.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Mean intersection over union of the categories.
    pub mean_iou: f64,
    /// Share of right pixels.
    pub pixel_accuracy: f64,
    /// Share of pixels with a label that the image shows elsewhere.
    pub misplaced: f64,
    /// Share of pixels with a label that the image does not show.
    pub absent: f64,
    /// Panoptic quality, where things are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panoptic: Option<PanopticFigures>,
    /// By category.
    pub categories: Vec<CategoryFigures>,
}

#[derive(Debug, Serialize)]
pub struct PanopticFigures {
    pub all: Quality,
    pub things: Quality,
    pub stuff: Quality,
}

#[derive(Debug, Serialize)]
pub struct CategoryFigures {
    pub name: String,
    pub is_thing: bool,
    /// None if neither truth nor prediction has the category.
    pub iou: Option<f64>,
    pub panoptic: Option<Quality>,
}

impl Measures {
    /// Of all segments if `panoptic`; `none` is the category of pixels without a label.
    pub fn of(truth: &Truth, none: Option<usize>, panoptic: bool) -> Self {
        let count = truth.categories.len();
        Self {
            confusion: Confusion::new(count),
            astray: Astray::new(none),
            quality: panoptic.then(|| PanopticQuality::new(count)),
        }
    }

    /// Adds an image.
    pub fn add(&mut self, truth: &TrueMap, predicted: &Predicted) {
        self.confusion.add(&truth.categories, predicted.categories());
        self.astray.add(truth, predicted.categories());
        if let (Some(quality), Some((ids, list))) = (&mut self.quality, &truth.segments) {
            let (predicted, segments) = predicted.segments();
            quality.add((ids, list), (predicted, &segments));
        }
    }

    pub fn figures(&self, truth: &Truth) -> Figures {
        let is_thing = |category: usize| truth.categories[category].is_thing;
        let panoptic = self.quality.as_ref().map(|quality| PanopticFigures {
            all: quality.mean(|_| true),
            things: quality.mean(is_thing),
            stuff: quality.mean(|category| !is_thing(category)),
        });
        let categories = truth.categories.iter().enumerate().map(|(place, category)| CategoryFigures {
            name: category.name.clone(),
            is_thing: category.is_thing,
            iou: self.confusion.iou(place),
            panoptic: self.quality.as_ref().and_then(|quality| quality.of(place)),
        });
        Figures {
            mean_iou: self.confusion.mean_iou(),
            pixel_accuracy: self.confusion.pixel_accuracy(),
            misplaced: self.astray.misplaced(),
            absent: self.astray.absent(),
            panoptic,
            categories: categories.collect(),
        }
    }
}

/// All of it.
#[derive(Debug, Serialize)]
pub struct Report {
    pub images: usize,
    pub categories: usize,
    /// Reading, looking and making maps.
    pub seconds_per_image: f64,
    /// How often the model looked at an image.
    pub passes_per_image: f64,
    pub ours: Figures,
    /// The best that could be said of the same segments.
    pub oracle: Figures,
    /// The same segments with categories at random.
    pub chance: Figures,
}

impl Report {
    pub fn print(&self, out: &mut impl Write) -> Result<(), CliError> {
        writeln!(
            out,
            "{} images, {} categories, {:.2} s and {:.0} passes an image\n",
            self.images, self.categories, self.seconds_per_image, self.passes_per_image
        )?;
        let mut table = Table::default();
        let head = ["", "mIoU", "pixel accuracy", "misplaced", "absent"].map(str::to_owned);
        let parts = ["PQ", "SQ", "RQ", "PQ things", "SQ", "RQ", "PQ stuff", "SQ", "RQ"].map(str::to_owned);
        let has_things = self.ours.panoptic.is_some();
        table.row(head.into_iter().chain(parts.into_iter().filter(|_| has_things)));
        for (name, figures) in [("ours", &self.ours), ("oracle", &self.oracle), ("chance", &self.chance)] {
            let qualities =
                figures.panoptic.iter().flat_map(|panoptic| [panoptic.all, panoptic.things, panoptic.stuff]);
            let values = qualities.flat_map(|quality| [quality.pq, quality.sq, quality.rq]);
            let values =
                [figures.mean_iou, figures.pixel_accuracy, figures.misplaced, figures.absent].into_iter().chain(values);
            table.row(std::iter::once(name.to_owned()).chain(values.map(|value| format!("{value:.3}"))));
        }
        for line in table.lines() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
