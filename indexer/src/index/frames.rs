//! Videos and animations: an image stands for each, and further frames are images that go with it.

use glimpse_encoder::dense::Regions;
use glimpse_encoder::{Embedding, EncodeError};

use super::Index;
use super::step::Step;
use crate::regions::format::Stored;
use crate::store::records;
use crate::{IdSet, ImageId, ImageRecord, IndexError, Manifest, Moment};

impl Index {
    /// Where an image stands in a video or an animation, if it is one, or a frame of one; quick.
    pub fn moment(&self, id: ImageId) -> Option<Moment> {
        self.memory.read().moment(id)
    }

    /// The image that stands for the video of a frame; for any other image, that image.
    pub fn video_of(&self, id: ImageId) -> ImageId {
        self.memory.read().video_of(id)
    }

    /// All frames of a video in order of time, the image that stands for it first; of an image that
    /// is none, that image. Unknown numbers give nothing.
    pub fn frames_of(&self, video: ImageId) -> Vec<ImageId> {
        let memory = self.memory.read();
        let first = memory.contains(video).then_some(video);
        first.into_iter().chain(memory.frames_of(video).iter().copied()).collect()
    }

    /// Images together with the further frames of those that are videos: what is searched where
    /// these images are.
    pub fn with_frames(&self, images: &IdSet) -> IdSet {
        self.facts().with_frames(images)
    }

    /// Number of images and frames that can be found.
    pub fn searchable(&self) -> usize {
        self.memory.read().findable().len()
    }

    /// Videos of which not all frames are in the index.
    pub(crate) fn incomplete_videos(&self) -> Vec<ImageId> {
        self.facts().incomplete_videos()
    }

    /// GIF and WebP that programs of before took for still images, and that were not looked through
    /// since.
    pub(crate) fn may_move(&self) -> Vec<ImageId> {
        self.manifest().may_move.unwrap_or_else(|| self.facts().may_move())
    }

    /// Records which of them are still to be looked through.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn note_may_move(&self, left: Vec<ImageId>) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        let manifest = self.manifest();
        match manifest.may_move.as_ref() == Some(&left) {
            true => Ok(()),
            false => self.put_manifest(Manifest { may_move: Some(left), ..manifest }),
        }
    }

    /// Makes an image that was taken for a still one the first frame of an animation.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], or if the store fails.
    pub(crate) fn begin_animation(&self, id: ImageId, moment: Moment) -> Result<(), IndexError> {
        self.change(id, |record| record.moment = Some(moment))
    }

    /// Stores a further frame of a video, which `record.moment` names, in one atomic step. Facts of
    /// the record that are those of the video, and its number, are ignored. A frame that is known
    /// is left as it is.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`] if the video is not in the index; else as [`Index::add`].
    pub(crate) fn add_frame(
        &self,
        mut record: ImageRecord,
        vector: &[f32],
        regions: Option<&Regions>,
    ) -> Result<(), IndexError> {
        let dim = self.scan.dim();
        if vector.len() != dim {
            return Err(IndexError::WrongDimension { expected: dim, found: vector.len() });
        }
        let unit = Embedding::new(vector.to_vec())?;
        let vector = self.scan.encode(unit.as_slice()).ok_or(EncodeError::NotAVector { dim })?;
        let regions: Option<Stored> = regions.map(|regions| self.stored(regions)).transpose()?;
        let mut writer = self.writer.lock();
        let video = record.moment.and_then(|moment| moment.video).unwrap_or(ImageId(u64::MAX));
        self.require(video)?;
        if self.by_content(&record.content)?.is_some() {
            return Ok(());
        }
        let id = ImageId(writer.next_id);
        record.id = id;
        self.raise_format(records::format_of(&record))?;
        records::fit(&mut record);
        let mut step = Step::new(self);
        step.new_image(record, vector);
        regions.map_or(Ok(()), |regions| step.put_regions(id, regions))?;
        step.commit()?;
        writer.next_id = writer.next_id.max(id.0 + 1);
        Ok(())
    }

    /// Notes that all frames of a video are in the index.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], or if the store fails.
    pub(crate) fn complete_video(&self, id: ImageId) -> Result<(), IndexError> {
        self.change(id, |record| record.moment = record.moment.map(|moment| Moment { complete: true, ..moment }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl Index {
    /// Takes a further frame away, as if it had never come.
    pub(crate) fn forget_frame(&self, id: ImageId) {
        let video = self.video_of(id);
        {
            let _writer = self.writer.lock();
            let mut step = Step::new(self);
            step.remove_frame(id).unwrap();
            step.commit().unwrap();
        }
        self.change(video, |record| record.moment = record.moment.map(|moment| Moment { complete: false, ..moment }))
            .unwrap();
    }

    /// Makes an animation what a program of before would have kept of it.
    pub(crate) fn forget_animation(&self, id: ImageId) {
        self.frames_of(id).into_iter().skip(1).for_each(|frame| self.forget_frame(frame));
        self.change(id, |record| record.moment = None).unwrap();
        let _writer = self.writer.lock();
        self.put_manifest(Manifest { may_move: None, ..self.manifest() }).unwrap();
    }
}
