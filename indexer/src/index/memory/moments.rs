//! Videos and animations: which images are frames of which, and when.

use std::sync::Arc;

use super::Memory;
use crate::{IdSet, ImageId, ImageRecord, Moment};

impl Memory {
    /// Replaces the place of an image in a video.
    pub(super) fn put_moment(&mut self, record: &ImageRecord) {
        self.remove_moment(record.id);
        // A frame comes after the image that stands for its video.
        let is_sound = |moment: &Moment| moment.video.is_none_or(|video| video < record.id);
        let Some(moment) = record.moment.filter(is_sound) else { return };
        self.moments.put(record.id.0 as usize, moment);
        if let Some(video) = moment.video {
            let mut frames = self.frames_of(video).to_vec();
            let starts = |frame: &ImageId| self.moment(*frame).map_or(0, |other| other.start);
            frames.insert(frames.partition_point(|frame| starts(frame) <= moment.start), record.id);
            self.put_frames(video, frames);
        }
    }

    /// An image is no part of a video any more. The frames of one that stood for it stay.
    pub(super) fn remove_moment(&mut self, id: ImageId) {
        let Some(moment) = self.moment(id) else { return };
        self.moments.remove(id.0 as usize);
        if let Some(video) = moment.video {
            let frames = self.frames_of(video).iter().copied().filter(|frame| *frame != id).collect();
            self.put_frames(video, frames);
        }
    }

    fn put_frames(&mut self, video: ImageId, frames: Vec<ImageId>) {
        match frames.is_empty() {
            true => self.frames.remove(video.0 as usize),
            false => self.frames.put(video.0 as usize, frames.into()),
        }
    }

    /// Where an image stands in a video, if it is one or a frame of one.
    pub(in crate::index) fn moment(&self, id: ImageId) -> Option<Moment> {
        self.moments.get(usize::try_from(id.0).ok()?).copied()
    }

    /// The image that stands for a frame's video; any other image is its own.
    pub(in crate::index) fn video_of(&self, id: ImageId) -> ImageId {
        self.moment(id).and_then(|moment| moment.video).unwrap_or(id)
    }

    /// True for a further frame of a video.
    pub(super) fn is_frame(&self, id: ImageId) -> bool {
        self.video_of(id) != id
    }

    /// The further frames of a video, in order of time.
    pub(in crate::index) fn frames_of(&self, video: ImageId) -> &[ImageId] {
        self.frames.get(video.0 as usize).map_or(&[], |frames| frames)
    }

    /// Number of further frames of all videos.
    pub(in crate::index) fn frames(&self) -> usize {
        self.frames.iter().map(|(_, frames)| frames.len()).sum()
    }

    /// Images together with the further frames of those that are videos.
    pub(in crate::index) fn with_frames(&self, images: &IdSet) -> IdSet {
        let mut all = images.clone();
        for (video, frames) in self.frames.iter() {
            if images.contains(ImageId(video as u64)) {
                frames.iter().filter(|frame| self.findable.contains(**frame)).for_each(|&frame| _ = all.insert(frame));
            }
        }
        all
    }

    /// Videos of which not all frames are there.
    pub(in crate::index) fn incomplete_videos(&self) -> Vec<ImageId> {
        let lacking = self.moments.iter().filter(|(_, moment)| moment.video.is_none() && !moment.complete);
        lacking.map(|(number, _)| ImageId(number as u64)).collect()
    }

    /// Images that are no animations, in formats that can be.
    pub(in crate::index) fn may_move(&self) -> Vec<ImageId> {
        let stills = self.rows.iter().filter(|(_, row)| row.format.may_be_animated());
        let stills = stills.map(|(number, _)| ImageId(number as u64));
        stills.filter(|id| self.moment(*id).is_none()).collect()
    }

    /// Rebuilds what follows from moments and rows that were read.
    pub(super) fn of_moments(&mut self, moments: Vec<(ImageId, Moment)>) {
        let mut frames = std::collections::BTreeMap::<u64, Vec<(u64, ImageId)>>::new();
        for (id, moment) in moments {
            self.moments.put(id.0 as usize, moment);
            if let Some(video) = moment.video {
                frames.entry(video.0).or_default().push((moment.start, id));
            }
        }
        for (video, mut of_video) in frames {
            of_video.sort_unstable();
            let of_video: Arc<[ImageId]> = of_video.into_iter().map(|(_, id)| id).collect();
            self.frames.put(video as usize, of_video);
        }
    }
}
