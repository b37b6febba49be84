//! Everything that was measured, as it is printed.

use std::io::Write;

use serde::Serialize;

use super::precision::Figures;
use super::truth::Kind;
use crate::cli::outcome::CliError;
use crate::cli::output::Table;

/// All of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whose rules count.
    pub kind: Kind,
    pub images: usize,
    /// Images that could not be indexed: their objects are missed.
    pub missing: usize,
    pub categories: usize,
    pub objects: usize,
    /// Boxes that were found.
    pub boxes: usize,
    pub seconds_per_category: f64,
    #[serde(flatten)]
    pub figures: Figures,
}

impl Report {
    pub fn print(&self, out: &mut impl Write) -> Result<(), CliError> {
        writeln!(
            out,
            "{} images, {} categories, {} objects, {} boxes, {:.2} s a category\n",
            self.images, self.categories, self.objects, self.boxes, self.seconds_per_category
        )?;
        let Figures { ap, ap50, ap75, ap_small, ap_medium, ap_large, .. } = self.figures;
        let Figures { ap_rare, ap_common, ap_frequent, ar_1, ar_10, ar, .. } = self.figures;
        let all = [("AP", ap), ("AP50", ap50), ("AP75", ap75), ("small", ap_small), ("medium", ap_medium)];
        let kinds = [("large", ap_large), ("rare", ap_rare), ("common", ap_common), ("frequent", ap_frequent)];
        let recall = [("AR@1", ar_1), ("AR@10", ar_10), ("AR", ar)];
        let known = all.into_iter().chain(kinds).chain(recall);
        let known: Vec<(&str, f64)> = known.filter_map(|(name, value)| Some((name, value?))).collect();
        let mut table = Table::default();
        table.row(known.iter().map(|(name, _)| (*name).to_owned()));
        table.row(known.iter().map(|(_, value)| format!("{value:.3}")));
        for line in table.lines() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
