//! What is counted of answers.

use glimpse::engine::calibrate::CUT;

/// Scores below are nought by any measure, and would make every calibration error small.
const CONSIDERED: f32 = 0.02;

/// Outcomes of the queries of one kind.
#[derive(Default)]
pub struct Tally {
    /// Share of the matches of each query that is shown, for what is there.
    recalls: Vec<f64>,
    /// Best scores of queries for what is there, and for what is not.
    present: Vec<f32>,
    absent: Vec<f32>,
    shown: f64,
    right: f64,
    /// Queries whose first hit is right.
    first: f64,
    /// Images, their scores and the right ones among them, by tenths of the score.
    bins: [(f64, f64, f64); 10],
}

impl Tally {
    pub const HEAD: &str = "| images | asked for | queries | shown of what is there | right of what is shown | first is right \
                        | nothing shown, though there | shown, though absent | AUROC | ECE |\n|---|---|---|---|---|---|---|---|---|---|";

    pub fn note(&mut self, hits: &[(usize, f32)], shows: impl Fn(usize) -> bool, matches: usize) {
        let best = hits.first().map_or(0.0, |hit| hit.1);
        let shown: Vec<_> = hits.iter().filter(|hit| hit.1 >= CUT).collect();
        let right = shown.iter().filter(|hit| shows(hit.0)).count() as f64;
        if matches > 0 {
            self.present.push(best);
            self.recalls.push(right / matches as f64);
            self.first += f64::from(u8::from(hits.first().is_some_and(|hit| shows(hit.0))));
            self.shown += shown.len() as f64;
            self.right += right;
        } else {
            self.absent.push(best);
        }
        for (image, score) in hits.iter().filter(|(_, score)| *score >= CONSIDERED) {
            let bin = &mut self.bins[((score * 10.0) as usize).min(9)];
            *bin = (bin.0 + 1.0, bin.1 + f64::from(*score), bin.2 + f64::from(u8::from(shows(*image))));
        }
    }

    pub fn add(&mut self, other: Self) {
        self.recalls.extend(other.recalls);
        self.present.extend(other.present);
        self.absent.extend(other.absent);
        (self.shown, self.right, self.first) =
            (self.shown + other.shown, self.right + other.right, self.first + other.first);
        for (bin, more) in self.bins.iter_mut().zip(other.bins) {
            *bin = (bin.0 + more.0, bin.1 + more.1, bin.2 + more.2);
        }
    }

    pub fn row(&self, size: usize, kind: &str) -> String {
        let share = |part: f64, of: f64| if of > 0.0 { format!("{:.2}", part / of) } else { "-".into() };
        let silent = self.present.iter().filter(|&&best| best < CUT).count() as f64;
        let alarms = self.absent.iter().filter(|&&best| best >= CUT).count() as f64;
        format!(
            "| {size} | {kind} | {} | {} | {} | {} | {} | {} | {} | {:.3} |",
            self.present.len() + self.absent.len(),
            share(self.recalls.iter().sum(), self.recalls.len() as f64),
            share(self.right, self.shown),
            share(self.first, self.present.len() as f64),
            share(silent, self.present.len() as f64),
            share(alarms, self.absent.len() as f64),
            self.auroc().map_or_else(|| "-".into(), |auroc| format!("{auroc:.3}")),
            self.error(),
        )
    }

    /// Share of queries for what is there whose best score lies above that of all but 1, 5, 10 and
    /// 20 % of those for what is not: the presence ROC.
    pub fn roc(&self) -> String {
        let mut absent = self.absent.clone();
        absent.sort_by(|a, b| b.total_cmp(a));
        let above = |share: f64| {
            let bar = absent.get((share * absent.len() as f64) as usize).copied().unwrap_or(0.0);
            let present = self.present.iter().filter(|&&best| best > bar).count();
            format!("{:.2} at {share:.2}", present as f64 / self.present.len().max(1) as f64)
        };
        [0.01, 0.05, 0.1, 0.2].map(above).join(", ")
    }

    /// How well the best score tells what is there from what is not.
    fn auroc(&self) -> Option<f64> {
        let beaten = |best: &f32| {
            let half = |other: &f32| {
                if other < best {
                    1.0
                } else if other == best {
                    0.5
                } else {
                    0.0
                }
            };
            self.absent.iter().map(half).sum::<f64>()
        };
        let pairs = (self.present.len() * self.absent.len()) as f64;
        (pairs > 0.0).then(|| self.present.iter().map(beaten).sum::<f64>() / pairs)
    }

    /// Expected calibration error over tenths of the score.
    fn error(&self) -> f64 {
        let all: f64 = self.bins.iter().map(|bin| bin.0).sum();
        self.bins.iter().map(|bin| (bin.1 - bin.2).abs()).sum::<f64>() / all.max(1.0)
    }
}
