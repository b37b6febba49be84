//! Questions that take long: given up, not waited for, and remembered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use glimpse_nonempty::{Every as _, each};

use crate::fixture::Fixture;
use crate::{
    Cancel, DenseConfig, DuplicateOptions, EmbedInput, Engine, EngineError, ErrorKind, Mode, Query, Settings, Source,
    TagOptions,
};

#[test]
fn answers_about_the_whole_library_are_made_once_and_go_with_it() {
    let fixture = Fixture::empty();
    fixture.add_crowd(40);
    let (engine, _home) = fixture.engine();
    let grouped = |engine: &Engine| engine.grouped(&DuplicateOptions::default()).unwrap();
    let tagged = |engine: &Engine| engine.tagged(&["red".into()], &TagOptions::default()).unwrap();
    let (groups, tags) = (grouped(&engine), tagged(&engine));
    assert!(Arc::ptr_eq(&groups, &grouped(&engine)) && Arc::ptr_eq(&tags, &tagged(&engine)));
    let other = DuplicateOptions { min_cosine: 0.5 };
    assert!(!Arc::ptr_eq(&groups, &engine.grouped(&other).unwrap()));
    let (remembered, tags_remembered) = (Arc::downgrade(&groups), Arc::downgrade(&tags));
    drop((groups, tags, engine));
    assert!(remembered.upgrade().is_none() && tags_remembered.upgrade().is_none());
}

#[test]
fn long_questions_are_given_up() {
    let fixture = Fixture::empty();
    fixture.add_crowd(40);
    let (engine, home) = fixture.engine();
    let first = engine.search(&Query::default()).unwrap().hits[0].id;
    let labels: Vec<String> = (0..100).map(|i| format!("label {i}")).collect();
    let (stopped, late) = (Cancel::new(), Cancel::new().within(Duration::ZERO));
    stopped.cancel();
    std::thread::sleep(Duration::from_millis(2));
    let ask = || {
        let tags = engine.tag(&labels, &TagOptions::default()).map(drop);
        let groups = engine.duplicates(&DuplicateOptions::default()).map(drop);
        let texts = engine.embed(&[EmbedInput::Text("red".into())], false).map(drop);
        let search = engine.search(&Query::text("red")).map(drop);
        let listed = engine.search(&Query { mode: Mode::Words, ..Query::text("red") }).map(drop);
        let alike = engine.search(&Query::default().plus(Source::Image(first), 1.0)).map(drop);
        let red = Source::File(home.path().join("no.png"));
        let ground = engine.ground(&red, &["red".into()], &DenseConfig::default(), false).map(drop);
        [tags, groups, texts, search, listed, alike, ground]
    };
    for answer in each(stopped.scope(ask)) {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Cancelled);
    }
    for answer in each(late.scope(ask)) {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Timeout);
    }
    let answers = ask();
    assert!(answers[..6].iter().every(Result::is_ok), "the next question is answered: {answers:?}");
}

#[test]
fn questions_do_not_wait_for_a_library_that_takes_long_to_open() {
    let engine = Engine::open(Settings::at(tempfile::tempdir().unwrap().path())).unwrap();
    let opening = engine.opening.lock();
    let start = Instant::now();
    assert_eq!(engine.count_if_open(), None);
    assert!(matches!(engine.count(), Err(EngineError::Opening)));
    assert!(!engine.model_is_loaded() && start.elapsed() < Duration::from_secs(5));
    drop(opening);
    assert!(engine.count().unwrap_err().is_empty_library());
}

#[test]
fn only_one_question_waits_for_regions_to_be_read() {
    let fixture = Fixture::empty();
    fixture.add_crowd(40);
    let (engine, _home) = fixture.engine();
    let served = engine.serving().unwrap();
    let reading = served.reading.lock();
    let start = Instant::now();
    assert!(!engine.has_regions().unwrap(), "which reads none");
    assert!(served.regions_if_read().is_none());
    let find = || engine.find(&crate::FindQuery::text("a dog").unwrap());
    assert!(matches!(find(), Err(EngineError::ReadingRegions)));
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(reading);
    assert!(matches!(find(), Err(EngineError::BadRequest(_))), "read, and there are none");
    assert!(served.regions_if_read().is_some());
}
