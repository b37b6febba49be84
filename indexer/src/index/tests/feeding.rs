//! What a server that searches the vectors is sent, and what becomes of changes that it does not
//! take.

use std::sync::atomic::Ordering::Relaxed;

use super::kept_server::outside;
use super::*;
use crate::backend::{Kind, VectorBackend as _};
use crate::regions::format::tests::halves;
use crate::{IndexError, Moment};

#[test]
fn frames_of_a_video_are_sent_once() {
    let fixture = Fixture::new();
    drop(fixture.open());
    let (index, kept) = outside(&fixture);
    let moment = |video, start| Some(Moment { video, start, end: start + 1, duration: 2, complete: true });
    let regions = halves(2, 4, &vector(11), &vector(12));
    let first = ImageRecord { moment: moment(None, 0), ..image(1) };
    let video = index.add_with_regions(first, &vector(1), &regions, file("/p/1.mp4")).unwrap();
    let record = ImageRecord { moment: moment(Some(video), 1), ..image(2) };
    index.add_frame(record, &vector(2), Some(&regions)).unwrap();
    index.finish().unwrap(); // the server would say if it were sent one twice
    assert_eq!(kept.ids(Kind::Images, None, 9).unwrap(), [video.into(), ImageId(video.0 + 1).into()]);
}

#[test]
fn a_server_that_takes_nothing_undoes_no_change_and_goes_on_answering() {
    let fixture = Fixture::new();
    drop(fixture.open());
    let (index, kept) = outside(&fixture);
    let first = index.add(image(1), &vector(1), file("/p/1.jpg")).unwrap();
    index.finish().unwrap();
    kept.is_full.store(true, Relaxed);
    let second = index.add(image(2), &vector(2), file("/p/2.jpg")).unwrap();
    index.set_rating(first, Some(4)).unwrap();
    index.commit_with_words().unwrap();
    assert_eq!(index.image(first).unwrap().unwrap().rating, Some(4));
    assert_eq!(index.nearest(&vector(1), 1, None).unwrap()[0].id, first);
    assert!(matches!(index.require_fed(), Err(IndexError::Vectors { .. })), "a run ends by it");
    let error = index.finish().unwrap_err();
    assert!(error.to_string().contains("no space left there"), "{error}");
    kept.is_full.store(false, Relaxed);
    index.commit_with_words().unwrap();
    index.require_fed().unwrap();
    assert_eq!(kept.ids(Kind::Images, None, 9).unwrap(), [first.into(), second.into()]);
}
