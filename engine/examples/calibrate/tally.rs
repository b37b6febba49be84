//! Sums over scored pairs of query and image.

use glimpse_engine::calibrate::CUT;

/// An image, and what a query says of it.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// It shows what was asked for.
    pub relevant: bool,
    pub cosine: f32,
    pub score: f32,
}

/// Outcomes of many queries.
#[derive(Debug, Default)]
pub struct Tally {
    pairs: Vec<Pair>,
    /// Queries for what is not there, and those of them that return something.
    absent: (usize, usize),
    /// Queries for what is there, those of them that return something, and those whose best hit is
    /// right.
    present: (usize, usize, usize),
}

/// Scores that matter for the reliability: those below are nought by any measure.
const CONSIDERED: f32 = 0.02;

impl Tally {
    pub const HEAD: &str = "queries  AUROC of score / of cosine  absent: returning  present: returning  best is right  \
                            precision  recall    ECE";

    /// Takes in all pairs of one query, best first.
    pub fn add(&mut self, pairs: &[Pair]) {
        let found = pairs.iter().filter(|pair| pair.score >= CUT).count();
        if pairs.iter().any(|pair| pair.relevant) {
            self.present.0 += 1;
            self.present.1 += usize::from(found > 0);
            self.present.2 += usize::from(pairs[0].relevant);
        } else {
            self.absent.0 += 1;
            self.absent.1 += usize::from(found > 0);
        }
        self.pairs.extend_from_slice(pairs);
    }

    pub fn line(&self) -> String {
        let percent = |part: usize, of: usize| {
            if of == 0 { "-".into() } else { format!("{:.1}%", 100.0 * part as f64 / of as f64) }
        };
        let relevant = self.pairs.iter().filter(|pair| pair.relevant).count();
        let found = self.pairs.iter().filter(|pair| pair.score >= CUT).count();
        let right = self.pairs.iter().filter(|pair| pair.relevant && pair.score >= CUT).count();
        let of = |value: fn(&Pair) -> f32| {
            if relevant == 0 { "-".into() } else { format!("{:.4}", auroc(&self.pairs, value)) }
        };
        format!(
            "{:>7}  {:>14} / {:<9}  {:>17}  {:>18}  {:>13}  {:>9}  {:>6}  {:.3}",
            self.absent.0 + self.present.0,
            of(|pair| pair.score),
            of(|pair| pair.cosine),
            percent(self.absent.1, self.absent.0),
            percent(self.present.1, self.present.0),
            percent(self.present.2, self.present.0),
            percent(right, found),
            percent(right, relevant),
            self.error(),
        )
    }

    fn considered(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(|pair| pair.score > CONSIDERED)
    }

    /// Mean score, share of relevant images and pairs in tenths of the score.
    pub fn reliability(&self) -> impl Iterator<Item = (f64, f64, usize)> {
        let mut bins = [(0.0, 0.0, 0usize); 10];
        for pair in self.considered() {
            let bin = &mut bins[((pair.score * 10.0) as usize).min(9)];
            *bin = (bin.0 + f64::from(pair.score), bin.1 + f64::from(u8::from(pair.relevant)), bin.2 + 1);
        }
        bins.into_iter().filter(|bin| bin.2 > 0).map(|(sum, right, n)| (sum / n as f64, right / n as f64, n))
    }

    /// Expected calibration error over those tenths.
    fn error(&self) -> f64 {
        let all = self.considered().count().max(1) as f64;
        self.reliability().map(|(mean, share, count)| (mean - share).abs() * count as f64 / all).sum()
    }
}

/// Chance that a relevant pair has the higher value than an irrelevant one.
fn auroc(pairs: &[Pair], value: fn(&Pair) -> f32) -> f64 {
    let mut sorted: Vec<&Pair> = pairs.iter().collect();
    sorted.sort_by(|a, b| value(a).total_cmp(&value(b)));
    let (mut below, mut wins) = (0u64, 0u64);
    for pair in sorted {
        if pair.relevant {
            wins += below;
        } else {
            below += 1;
        }
    }
    let relevant = pairs.len() as u64 - below;
    wins as f64 / (below * relevant) as f64
}
