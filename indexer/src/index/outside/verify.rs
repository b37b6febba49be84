//! Comparing what a server holds with the store, and mending it.

use super::Outside;
use crate::backend::Kind;
use crate::regions::RegionId;
use crate::{ImageId, Index, IndexError, VectorId, VerifyReport};

/// Images of which the vectors themselves are compared.
const SAMPLE: usize = 256;
/// Numbers that are asked for at once.
const PAGE: usize = 16_384;

impl Index {
    /// The server holds the vectors of all images and regions, and no others: by their number, and
    /// a sample one by one. Mending sends everything again, and removes what is left over.
    pub(in crate::index) fn check_outside(&self, repair: bool, report: &mut VerifyReport) -> Result<(), IndexError> {
        let Some(outside) = &self.outside else { return Ok(()) };
        let mut problems = match self.feed_all(false).and_then(|()| self.compare(outside)) {
            Ok(faults) => faults,
            Err(error) => vec![error.to_string()],
        };
        if repair && !problems.is_empty() {
            match self.send_anew(outside) {
                Ok(left) if left.is_empty() => {
                    report.repaired.push(format!("sent all vectors to {} again", outside.at.url));
                }
                Ok(left) => problems.extend(left),
                Err(error) => problems.push(error.to_string()),
            }
        }
        if !problems.is_empty() {
            report.problems.push(problems.join("; "));
        }
        Ok(())
    }

    /// Gives what is wrong afterwards.
    fn send_anew(&self, outside: &Outside) -> Result<Vec<String>, IndexError> {
        let _feeding = outside.feeding.lock();
        self.feed(outside, true, &mut |_, _| std::ops::ControlFlow::Continue(()))?;
        self.remove_surplus(outside)?;
        self.compare(outside)
    }

    /// How the server differs from the store, each in words.
    fn compare(&self, outside: &Outside) -> Result<Vec<String>, IndexError> {
        let mut faults = Vec::new();
        for of in Kind::ALL {
            let (held, should) = self.counted(outside, of)?;
            if held != should {
                let what = match of {
                    Kind::Images => "images",
                    Kind::Regions => "regions",
                };
                faults.push(format!("the server at {} has vectors of {held} {what}, not of {should}", outside.at.url));
            }
        }
        let all: Vec<ImageId> = self.facts().ids().collect();
        let sample: Vec<ImageId> = all.iter().step_by((all.len() / SAMPLE).max(1)).copied().take(SAMPLE).collect();
        let ids: Vec<VectorId> = sample.iter().map(|&id| id.into()).collect();
        let mut others = self.differences(outside, Kind::Images, &ids)?;
        let regions: Vec<VectorId> = {
            let counts = outside.counts.read();
            let last = |&image: &ImageId| Some(RegionId { image, region: counts.get(image)?.regions - 1 }.key());
            sample.iter().filter_map(last).collect()
        };
        others += self.differences(outside, Kind::Regions, &regions)?;
        if others > 0 {
            let compared = ids.len() + regions.len();
            let url = &outside.at.url;
            faults.push(format!("of {compared} vectors, {others} are others at {url} than in the store"));
        }
        Ok(faults)
    }

    /// How many of these vectors the server has otherwise than the store, or not at all.
    fn differences(&self, outside: &Outside, of: Kind, ids: &[VectorId]) -> Result<usize, IndexError> {
        let there = outside.backend.vectors(of, ids)?;
        let here = self.backend().vectors(of, ids)?;
        let is_same = |(a, b): &(Option<Vec<f32>>, Option<Vec<f32>>)| match (a, b) {
            (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4),
            (None, None) => true,
            _ => false,
        };
        Ok(there.into_iter().zip(here).filter(|pair| !is_same(pair)).count())
    }

    /// Removes what the server has of images, or of regions, that the store does not have.
    fn remove_surplus(&self, outside: &Outside) -> Result<(), IndexError> {
        for of in Kind::ALL {
            let mut after = None;
            loop {
                let ids = outside.backend.ids(of, after, PAGE)?;
                let Some(&last) = ids.last() else { break };
                let memory = self.facts();
                let mut gone: Vec<ImageId> =
                    ids.into_iter().map(|id| of.image_of(id)).filter(|&id| !memory.contains(id)).collect();
                gone.dedup();
                if !gone.is_empty() {
                    outside.backend.delete(&gone)?;
                }
                after = Some(last);
            }
        }
        Ok(())
    }
}
