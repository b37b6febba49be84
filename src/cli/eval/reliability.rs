//! How far a score can be trusted: of all images with a score near p, a share of p should be right.

use std::fmt::Write;

use serde::Serialize;

use super::share;

const BINS: usize = 10;

/// Scores and whether they were right, in tenths.
#[derive(Debug, Clone, Default)]
pub struct Reliability([Bin; BINS]);

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    count: usize,
    right: usize,
    scores: f64,
}

/// A tenth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BinRow {
    /// Mean score.
    pub score: f64,
    /// Share that was right.
    pub right: f64,
    /// Images.
    pub count: usize,
}

impl Reliability {
    pub fn note(&mut self, score: f32, right: bool) {
        let bin = &mut self.0[((f64::from(score) * BINS as f64) as usize).min(BINS - 1)];
        bin.count += 1;
        bin.right += usize::from(right);
        bin.scores += f64::from(score);
    }

    /// The tenths that have images.
    pub fn rows(&self) -> Vec<BinRow> {
        let row = |bin: &Bin| BinRow {
            score: share(bin.scores, bin.count as f64),
            right: share(bin.right as f64, bin.count as f64),
            count: bin.count,
        };
        self.0.iter().filter(|bin| bin.count > 0).map(row).collect()
    }

    /// Expected calibration error: the mean distance between score and share, weighted by images.
    pub fn error(&self) -> f64 {
        let rows = self.rows();
        let total: usize = rows.iter().map(|row| row.count).sum();
        share(rows.iter().map(|row| row.count as f64 * (row.score - row.right).abs()).sum(), total as f64)
    }

    /// A drawing: points on the diagonal are right, their size is the number of images.
    pub fn svg(&self) -> String {
        const SIDE: f64 = 400.0;
        const EDGE: f64 = 50.0;
        let at = |value: f64| (EDGE + value * SIDE, EDGE + (1.0 - value) * SIDE);
        let all = SIDE + 2.0 * EDGE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {all} {all}\" font-family=\"sans-serif\" \
             font-size=\"14\">\n<rect width=\"{all}\" height=\"{all}\" fill=\"white\"/>\n\
             <rect x=\"{EDGE}\" y=\"{EDGE}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#888\"/>\n\
             <line x1=\"{EDGE}\" y1=\"{0}\" x2=\"{0}\" y2=\"{EDGE}\" stroke=\"#bbb\" stroke-dasharray=\"4\"/>\n",
            EDGE + SIDE
        );
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">score</text>", all / 2.0, all - 14.0);
        let middle = all / 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"18\" y=\"{middle}\" text-anchor=\"middle\" transform=\"rotate(-90 18 {middle})\">share that was right</text>"
        );
        let rows = self.rows();
        let points: Vec<String> =
            rows.iter().map(|row| (at(row.score).0, at(row.right).1)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#0072b2\"/>", points.join(" "));
        for row in rows {
            let (x, y) = (at(row.score).0, at(row.right).1);
            let radius = 2.0 + (row.count as f64).log10() * 2.0;
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"#0072b2\"><title>{} images</title></circle>",
                row.count
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_keeps_its_word_has_no_error() {
        let mut honest = Reliability::default();
        (0..100).for_each(|i| honest.note(0.75, i % 4 != 0));
        assert!(honest.error() < 1e-6);
        assert_eq!(honest.rows(), [BinRow { score: 0.75, right: 0.75, count: 100 }]);
        let mut boaster = Reliability::default();
        (0..10).for_each(|_| boaster.note(1.0, false));
        assert!((boaster.error() - 1.0).abs() < 1e-6);
        assert!(boaster.svg().contains("<circle") && boaster.svg().ends_with("</svg>\n"));
    }
}
