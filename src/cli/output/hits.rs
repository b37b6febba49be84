//! Hits of a search.

use std::io::Write;

use console::Style;
use glimpse::web::wire::{HitView, ImageView, Kind};
use glimpse::{Engine, Page, Strength};
use serde::Serialize;

use super::{Table, Thumbnails, write_json, write_path};
use crate::cli::args::PrintArgs;
use crate::cli::context::Context;
use crate::cli::outcome::CliError;

/// How many matches of each strength a result set has.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Matches {
    pub strong: usize,
    pub likely: usize,
    /// `None` where that is not known without looking at all images.
    pub weaker: Option<usize>,
}

impl Matches {
    /// The line above weaker matches.
    pub fn heading_of_weaker(&self) -> &'static str {
        if self.strong + self.likely == 0 { "Nothing sure. Closest:" } else { "──────── Weaker:" }
    }
}

/// A line of JSON: a hit, and how many there are.
#[derive(Serialize)]
struct HitLine<'a> {
    #[serde(flatten)]
    hit: &'a HitView,
    matches: Matches,
}

/// Prints the hits of a page as the arguments ask.
pub fn print_hits(page: &Page, engine: &Engine, args: &PrintArgs, context: &Context) -> Result<(), CliError> {
    let Page { hits, accepted, strong, weaker, .. } = page;
    let matches = Matches { strong: *strong, likely: accepted - strong, weaker: Some(*weaker) };
    let mut out = context.stdout();
    if args.json || args.paths || args.null {
        for hit in hits {
            let view = HitView::read(engine, hit)?;
            match args.json {
                true => write_json(&mut out, &HitLine { hit: &view, matches })?,
                false => write_path(&mut out, context.shown(&view.image.file), if args.null { 0 } else { b'\n' })?,
            }
        }
        return Ok(out.flush()?);
    }

    let views = hits.iter().map(|hit| HitView::read(engine, hit)).collect::<Result<Vec<_>, _>>()?;
    let mut table = Table::default();
    views.iter().for_each(|view| table.row(row(view, context)));
    let thumbnails = Thumbnails::new(args.thumbnails, context);
    let dim = context.style(Style::new().dim());
    let mut certain = true;
    for (view, line) in views.iter().zip(table.lines()) {
        if certain && view.strength == Strength::Weak {
            writeln!(out, "{}", dim.apply_to(matches.heading_of_weaker()))?;
        }
        certain = view.strength != Strength::Weak;
        thumbnails.draw(&mut out, engine, &view.image, view.frame.frame)?;
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

fn row(view: &HitView, context: &Context) -> [String; 5] {
    let (word, style) = strength_style(view.strength);
    let dim = context.style(Style::new().dim());
    let day = view.image.taken.as_deref().and_then(|taken| taken.get(..10)).unwrap_or("-");
    [
        context.style(style).apply_to(word).to_string(),
        format!("{:.2}", view.score),
        dim.apply_to(day).to_string(),
        dim.apply_to(format!("#{}", view.image.id)).to_string(),
        name_at(&view.image, context),
    ]
}

/// The name of a file, of a video with the time of the frame: `a.mp4 at 1:05`.
pub fn name_at(image: &ImageView, context: &Context) -> String {
    let name = context.name(&image.file);
    match image.start.filter(|_| image.kind != Kind::Image) {
        Some(start) => format!("{name} at {}", clock(start)),
        None => name,
    }
}

/// Width and height in pixels, of a video with its length: `1920x1080 1:05`.
pub fn size_of(image: &ImageView) -> String {
    let size = format!("{}x{}", image.width, image.height);
    image.duration.map_or(size.clone(), |duration| format!("{size} {}", clock(duration)))
}

/// Seconds as minutes and hours: `1:05`, `1:00:05`.
fn clock(seconds: f64) -> String {
    let whole = seconds as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A strength in a word and a colour.
pub fn strength_style(strength: Strength) -> (&'static str, Style) {
    match strength {
        Strength::Strong => ("strong", Style::new().green().bold()),
        Strength::Likely => ("likely", Style::new().yellow()),
        Strength::Weak => ("weak", Style::new().dim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_clocks_show_them() {
        assert_eq!([5.9, 65.0, 3605.2].map(clock), ["0:05", "1:05", "1:00:05"]);
    }
}
