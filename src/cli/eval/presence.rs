//! Is what was asked for there at all? Whether the best score of a query tells.

/// Best scores of queries for what some image shows, and for what none does.
#[derive(Debug, Clone, Default)]
pub struct Presence {
    present: Vec<f32>,
    absent: Vec<f32>,
}

impl Presence {
    pub fn note(&mut self, best: f32, is_there: bool) {
        if is_there { &mut self.present } else { &mut self.absent }.push(best);
    }

    /// Probability that a query for what is there scores above one for what is not (the area under
    /// the ROC curve); ties count half. `None` if there was only one kind.
    pub fn auroc(&self) -> Option<f64> {
        if self.present.is_empty() || self.absent.is_empty() {
            return None;
        }
        let mut absent = self.absent.clone();
        absent.sort_by(f32::total_cmp);
        let below = |score: f32| absent.partition_point(|&other| other < score);
        let up_to = |score: f32| absent.partition_point(|&other| other <= score);
        let beaten: f64 = self.present.iter().map(|&score| (below(score) + up_to(score)) as f64 / 2.0).sum();
        Some(beaten / (self.present.len() * absent.len()) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auroc(present: &[f32], absent: &[f32]) -> Option<f64> {
        Presence { present: present.into(), absent: absent.into() }.auroc()
    }

    #[test]
    fn one_is_perfect_half_is_chance_and_ties_count_half() {
        assert_eq!(auroc(&[0.8, 0.9], &[0.1, 0.2]), Some(1.0));
        assert_eq!(auroc(&[0.1], &[0.9]), Some(0.0));
        assert_eq!(auroc(&[0.5, 0.5], &[0.5]), Some(0.5));
        assert_eq!(auroc(&[0.5, 0.9], &[0.5, 0.1]), Some(0.875));
        assert_eq!(auroc(&[0.5], &[]), None);
    }
}
