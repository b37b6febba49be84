use std::collections::HashSet;

use glimpse_nonempty::{Every as _, if_any};
use proptest::prelude::*;

use crate::fixture::{BLUE, Fixture, GREEN, RED, Shot};
use crate::query::{FEW, FIRST_SCREEN};
use crate::{
    Cursor, Depth, Engine, ErrorKind, Filter, ImageId, Mode, Page, Query, ReasonCode, Settings, Sort, Source, Strength,
};

fn ids(page: &Page) -> Vec<ImageId> {
    page.hits.iter().map(|hit| hit.id).collect()
}

fn depths() -> impl Strategy<Value = Depth> {
    prop::sample::select(vec![Depth::Strict, Depth::Usual, Depth::All])
}

/// Every page of a query, by following the cursors; `between` runs between pages.
fn pages(engine: &Engine, query: &Query, mut between: impl FnMut(usize)) -> Vec<Page> {
    let mut query = query.clone();
    let mut pages = Vec::new();
    loop {
        let page = engine.search(&query).unwrap();
        query.cursor = page.next.clone();
        pages.push(page);
        if query.cursor.is_none() {
            return pages;
        }
        between(pages.len());
    }
}

fn all_ids(pages: &[Page]) -> Vec<ImageId> {
    pages.iter().flat_map(ids).collect()
}

#[test]
fn the_asked_for_is_found_ranked_and_explained() {
    let fixture = Fixture::empty();
    fixture.add_crowd(200);
    let reds: HashSet<_> =
        (0..3).map(|i| fixture.add(&Shot::of(["x1.png", "x2.png", "x3.png"][i], RED), i as u8)).collect();
    let (engine, _home) = fixture.engine();

    let page = engine.search(&Query::text("red")).unwrap();
    assert_eq!(page.searched, 203);
    assert!(page.hits.len() >= 3 && page.hits.len() == page.accepted.min(20), "{page:?}");
    assert_eq!(ids(&page)[..3].iter().copied().collect::<HashSet<_>>(), reds);
    let best = &page.hits[0];
    assert!(best.score > 0.5 && best.strength >= Strength::Likely);
    assert!(best.why.cosine.unwrap() > 0.9 && best.why.z.unwrap() > 2.0 && best.why.meaning_rank == Some(1));
    assert!(best.why.model_probability.unwrap() > 0.9 && best.why.words_rank.is_none());
    assert!(page.hits.windows(2).every(|pair| pair[0].score >= pair[1].score));
}

#[test]
fn what_is_not_there_is_not_found_but_shows_what_is_closest() {
    let fixture = Fixture::empty();
    fixture.add_crowd(300);
    let (engine, _home) = fixture.engine();
    let absent = ["zebra", "the quick brown fox", "Leuchtturm", "灯台", "منارة"];
    let found: usize = absent.iter().map(|text| engine.search(&Query::text(*text)).unwrap().accepted).sum();
    assert!(found <= 1, "{found} hits for what is not there");

    let closest = engine.search(&Query::text("zebra")).unwrap();
    assert_eq!((closest.hits.len(), closest.accepted + closest.weaker), (FIRST_SCREEN, 300));
    assert!(closest.hits[closest.accepted..].iter().every(|hit| hit.strength == Strength::Weak));
    let all = engine.search(&Query { depth: Depth::All, limit: FIRST_SCREEN, ..Query::text("zebra") }).unwrap();
    assert_eq!(ids(&all), ids(&closest), "the same ones come first");
    let strict = engine.search(&Query { depth: Depth::Strict, ..Query::text("zebra") }).unwrap();
    assert_eq!((strict.hits.len(), strict.weaker), (strict.accepted, closest.weaker));

    let page = engine.search(&Query { depth: Depth::All, limit: 7, ..Query::text("zebra") }).unwrap();
    assert_eq!((page.hits.len(), page.accepted + page.weaker), (7, 300));
    assert!(page.hits.iter().skip(page.accepted).every(|hit| hit.strength == Strength::Weak && hit.score < 0.5));
}

#[test]
fn no_question_is_answered_with_nothing_unless_a_filter_leaves_nothing() {
    let fixture = Fixture::empty();
    let crowd = fixture.add_crowd(40);
    let (engine, _home) = fixture.engine();
    let image = || Source::Image(crowd[3]);
    let text = |text: &str| Source::Text(text.into());
    for query in [
        Query::text("zebra"),
        Query::text("zebra").plus(text("red"), -1.0),
        Query::default().plus(image(), 1.0),
        Query::text("zebra").plus(image(), 1.0),
        Query { mode: Mode::Semantic, sort: Sort::Newest, ..Query::text("zebra") },
    ] {
        let page = engine.search(&query).unwrap();
        assert!(page.hits.len() >= if page.accepted < FEW { FIRST_SCREEN } else { FEW }, "{query:?}");
        assert!(if_any(page.hits.iter().skip(page.accepted)).all(|hit| hit.strength == Strength::Weak), "{query:?}");
        let nowhere = Filter { cameras: vec!["no such camera".into()], ..Filter::default() };
        assert!(engine.search(&Query { filter: nowhere, ..query }).unwrap().hits.is_empty());
    }
}

#[test]
fn an_example_beside_words_takes_nothing_away() {
    let fixture = Fixture::empty();
    fixture.add_crowd(200);
    let reds: Vec<_> = (0..3).map(|i| fixture.add(&Shot::of(["x.png", "y.png", "z.png"][i], RED), i as u8)).collect();
    let blue = fixture.add(&Shot::of("blue.png", BLUE), 7);
    let (engine, _home) = fixture.engine();
    let words = Query { mode: Mode::Semantic, depth: Depth::Strict, limit: 300, ..Query::text("red") };
    let found: HashSet<_> = ids(&engine.search(&words).unwrap()).into_iter().collect();
    assert!(reds.iter().every(|id| found.contains(id)));
    for example in [reds[0], blue] {
        let page = engine.search(&words.clone().plus(Source::Image(example), 1.0)).unwrap();
        let mixed: HashSet<_> = ids(&page).into_iter().collect();
        assert!(found.is_subset(&mixed), "{example:?} took away {:?}", found.difference(&mixed));
        assert!(page.hits.windows(2).every(|pair| pair[0].score >= pair[1].score));
    }
    let less = engine.search(&words.clone().plus(Source::Image(reds[0]), -0.5)).unwrap();
    assert!(!ids(&less).contains(&reds[0]), "what is asked against is no hit");
}

/// The same of images that only their captions tell.
#[test]
fn an_example_beside_words_takes_away_nothing_that_holds_the_words() {
    let fixture = Fixture::empty();
    let crowd = fixture.add_crowd(200);
    let named = |i: u8| {
        let path: &'static str = Box::leak(format!("named/{i}.png").into_boxed_str());
        fixture.add(&Shot { caption: Some("zebra"), ..Shot::of(path, BLUE) }, i)
    };
    let named: Vec<_> = (0..4).map(named).collect();
    let (engine, _home) = fixture.engine();
    for words in [Query::text("zebra"), Query { mode: Mode::Words, ..Query::text("zebra") }] {
        let words = Query { depth: Depth::Strict, limit: 300, ..words };
        let found: HashSet<_> = ids(&engine.search(&words).unwrap()).into_iter().collect();
        assert!(named.iter().every(|id| found.contains(id)));
        for example in [named[0], crowd[9]] {
            let mixed = engine.search(&words.clone().plus(Source::Image(example), 1.0)).unwrap();
            let mixed: HashSet<_> = ids(&mixed).into_iter().collect();
            assert!(found.is_subset(&mixed), "{example:?} took away {:?}", found.difference(&mixed));
        }
    }
}

#[test]
fn weaker_hits_follow_when_few_are_sure_and_wait_when_many_are() {
    let fixture = Fixture::empty();
    fixture.add_crowd(200);
    for i in 0..FEW as u8 {
        let path: &'static str = Box::leak(format!("named/{i}.png").into_boxed_str());
        let caption = if i == 0 { "harbour lantern" } else { "harbour" };
        fixture.add(&Shot { caption: Some(caption), ..Shot::of(path, BLUE) }, i);
    }
    let (engine, _home) = fixture.engine();
    let ask = |text: &str| engine.search(&Query { limit: 100, ..Query::text(text) }).unwrap();
    let (one, many) = (ask("lantern"), ask("harbour"));
    assert!((1..FEW).contains(&one.accepted), "{one:?}");
    assert_eq!(one.hits.len(), FIRST_SCREEN, "filled up beside what was found by words");
    assert_eq!(ids(&one).into_iter().collect::<HashSet<_>>().len(), FIRST_SCREEN, "each once");
    assert!(many.accepted >= FEW && many.hits.len() == many.accepted, "{many:?}");
    assert_eq!(many.strong, many.hits.iter().filter(|hit| hit.strength == Strength::Strong).count());
}

#[test]
fn a_negative_term_moves_away_from_it() {
    let fixture = Fixture::empty();
    fixture.add_crowd(100);
    let plain = fixture.add(&Shot::of("plain.png", RED), 0);
    let half = fixture.add(&Shot::of("half.png", [140, 20, 160]), 1); // purple: red and blue
    let (engine, _home) = fixture.engine();
    let both = Query { mode: Mode::Semantic, depth: Depth::All, limit: 200, ..Query::text("red") };
    let score = |query: &Query, id| engine.search(query).unwrap().hits.iter().find(|hit| hit.id == id).unwrap().score;
    let less = both.clone().plus(Source::Text("blue".into()), -0.7);
    assert!(score(&less, plain) - score(&less, half) > 0.0);
    assert!(score(&less, half) < score(&both, half));
    let error = engine.search(&Query::text("red").plus(Source::Text("red".into()), -1.0)).unwrap_err();
    assert_eq!(error.reason_code(), Some(ReasonCode::PartsCancel), "{error}");
}

#[test]
fn a_library_image_finds_its_like_without_a_model() {
    let fixture = Fixture::empty();
    fixture.add_crowd(100);
    let [a, b] = ["a.png", "b.png"].map(|path| fixture.add(&Shot::of(path, RED), path.len() as u8));
    let (with_model, home) = fixture.engine();
    drop(with_model);
    let engine = Engine::open(Settings::at(home.path())).unwrap(); // the fake model cannot be loaded by name
    let page = engine.search(&Query::default().plus(Source::Image(a), 1.0)).unwrap();
    assert_eq!(page.hits[0].id, b);
    assert!(!ids(&page).contains(&a));
    assert!(engine.search(&Query::text("red")).is_err());
    let error = engine.search(&Query::default().plus(Source::Image(ImageId(9999)), 1.0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn an_uploaded_image_finds_its_like_and_a_broken_one_is_refused() {
    let fixture = Fixture::empty();
    fixture.add_crowd(60);
    let green = fixture.add(&Shot::of("g.png", GREEN), 3);
    let (engine, _home) = fixture.engine();
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(40, 30, image::Rgb(GREEN)).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let bytes = bytes.into_inner();
    let page = engine
        .search(&Query { depth: Depth::All, ..Query::default() }.plus(Source::Bytes(bytes.clone().into()), 1.0))
        .unwrap();
    assert_eq!(page.hits[0].id, green);
    let error = engine.search(&Query::default().plus(Source::Bytes(bytes[..20].into()), 1.0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
}

#[test]
fn words_are_found_without_a_model_and_count_as_accepted() {
    let fixture = Fixture::empty();
    fixture.add_crowd(50);
    let named = fixture.add(&Shot { caption: Some("Grandmother's garden"), ..Shot::of("y.png", BLUE) }, 0);
    let other = fixture.add(&Shot { caption: Some("garden with a dog"), ..Shot::of("z.png", BLUE) }, 1);
    let (fake, home) = fixture.engine();
    let hybrid = fake.search(&Query::text("grandmother")).unwrap();
    assert_eq!(hybrid.hits[0].id, named);
    let why = &hybrid.hits[0].why;
    assert!(why.words_rank == Some(1) && why.bm25.unwrap() > 0.0 && why.cosine.is_some());
    assert!(hybrid.hits[0].strength >= Strength::Likely);
    drop(fake);

    let engine = Engine::open(Settings::at(home.path())).unwrap();
    let page = engine.search(&Query { mode: Mode::Words, ..Query::text("garden") }).unwrap();
    assert_eq!((page.accepted, page.weaker, page.hits.len()), (2, 0, 2));
    let without = Query { mode: Mode::Words, ..Query::text("garden") }.plus(Source::Text("dog".into()), -1.0);
    assert_eq!(ids(&engine.search(&without).unwrap()), [named]);
    assert_ne!(named, other);
}

#[test]
fn filters_hold_in_every_mode_and_dates_sort_the_accepted() {
    let fixture = Fixture::empty();
    fixture.add_crowd(80);
    let shot = |path, taken, camera| Shot { taken, camera, ..Shot::of(path, RED) };
    let may = fixture.add(&shot("2020/may.png", Some(1_588_300_000), Some("Canon EOS")), 0);
    let june = fixture.add(&shot("2020/june.png", Some(1_591_000_000), Some("Nikon")), 1);
    let undated = fixture.add(&shot("2020/undated.png", None, None), 2);
    let (engine, _home) = fixture.engine();
    let reds = HashSet::from([may, june, undated]);
    let order = |sort| {
        let query = Query { sort, limit: 100, mode: Mode::Semantic, ..Query::text("red") };
        let hits = ids(&engine.search(&query).unwrap());
        hits.into_iter().filter(|id| reds.contains(id)).collect::<Vec<_>>()
    };
    assert_eq!(order(Sort::Newest), [june, may, undated]);
    assert_eq!(order(Sort::Oldest), [may, june, undated]);

    let folder = Filter { folders: vec!["/photos/2020".into()], ..Filter::default() };
    for mode in [Mode::Hybrid, Mode::Semantic, Mode::Words] {
        let query = Query { filter: folder.clone(), mode, depth: Depth::All, ..Query::text("june") };
        let page = engine.search(&query).unwrap();
        assert_eq!(page.searched, 3);
        assert!(ids(&page).iter().every(|id| reds.contains(id)));
    }
    let canon = Filter { cameras: vec!["canon".into()], ..Filter::default() };
    assert_eq!(ids(&engine.search(&Query { filter: canon, ..Query::default() }).unwrap()), [may]);
    let dated = Filter { taken_from: Some(1_590_000_000), ..Filter::default() };
    assert_eq!(ids(&engine.search(&Query { filter: dated, ..Query::default() }).unwrap()), [june]);
    let everything = engine.search(&Query { limit: 100, ..Query::default() }).unwrap();
    assert_eq!((everything.accepted, ids(&everything)[0], ids(&everything)[1]), (83, june, may));
}

#[test]
fn scores_of_different_queries_can_be_compared() {
    let fixture = Fixture::empty();
    fixture.add_crowd(300);
    for i in 0..4 {
        fixture.add(&Shot::of(["r0.png", "r1.png", "r2.png", "r3.png"][i], RED), i as u8);
    }
    let (engine, _home) = fixture.engine();
    let top = |text: &str| engine.search(&Query { depth: Depth::All, ..Query::text(text) }).unwrap().hits[0].score;
    let present = ["red", "RED!", "red zebra"].map(top);
    let absent = ["zebra", "submarine", "waterfall"].map(top);
    let least = present.into_iter().fold(f32::MAX, f32::min);
    let most = absent.into_iter().fold(f32::MIN, f32::max);
    assert!(least > most, "{present:?} {absent:?}");
}

#[test]
fn paging_goes_to_the_end_while_the_library_changes() {
    let fixture = Fixture::empty();
    let crowd = fixture.add_crowd(100);
    fixture.index.finish().unwrap();
    let engine = Engine::with_encoder(Settings::at(fixture.home.path()), fixture.encoder.clone()).unwrap();
    engine.serve(fixture.index.clone());
    let query = Query { depth: Depth::All, limit: 9, mode: Mode::Semantic, ..Query::text("green") };
    let mut added = Vec::new();
    let pages = pages(&engine, &query, |page| {
        let path: &'static str = Box::leak(format!("new/{page}.png").into_boxed_str());
        added.push(fixture.add(&Shot::of(path, GREEN), page as u8));
    });
    let seen = all_ids(&pages);
    let distinct: HashSet<_> = seen.iter().copied().collect();
    assert_eq!((seen.len(), distinct), (100, crowd.into_iter().collect()));
    let again = all_ids(&self::pages(&engine, &query, |_| ()));
    assert_eq!(again.len(), 100 + added.len());
}

#[test]
fn an_image_that_left_is_stepped_over() {
    let fixture = Fixture::empty();
    fixture.add_crowd(10);
    fixture.index.finish().unwrap();
    let engine = Engine::with_encoder(Settings::at(fixture.home.path()), fixture.encoder.clone()).unwrap();
    engine.serve(fixture.index.clone());
    let query = Query { limit: 4, ..Query::default() };
    let first = engine.search(&query).unwrap();
    fixture.index.remove_file(std::path::Path::new("/photos/crowd/0005.png")).unwrap();
    let second = engine.search(&Query { cursor: first.next.clone(), ..query.clone() }).unwrap();
    let third = engine.search(&Query { cursor: second.next.clone(), ..query }).unwrap();
    let seen = all_ids(&[first, second, third.clone()]);
    assert_eq!((seen.len(), third.next), (9, None));
    assert!(seen.iter().every(|&id| engine.image(id).is_ok()));
}

#[test]
fn a_cursor_outlives_the_engine_and_fits_its_query_only() {
    let fixture = Fixture::empty();
    fixture.add_crowd(30);
    let encoder = fixture.encoder.clone();
    let (engine, home) = fixture.engine();
    let query = Query { depth: Depth::All, limit: 10, ..Query::text("blue") };
    let whole = ids(&engine.search(&Query { limit: 30, ..query.clone() }).unwrap());
    let cursor = engine.search(&query).unwrap().next.unwrap();
    let alone = Query { cursor: Some(cursor.clone()), limit: 10, ..Query::default() };
    assert_eq!(ids(&engine.search(&alone).unwrap()), whole[10..20]); // the set is remembered
    drop(engine);

    let engine = Engine::with_encoder(Settings::at(home.path()), encoder).unwrap();
    let next = Query { cursor: Some(cursor.clone()), ..query.clone() };
    assert_eq!(ids(&engine.search(&next).unwrap()), whole[10..20]);
    for wrong in [
        Query { terms: Query::text("green").terms, ..next.clone() },
        Query { sort: Sort::Newest, ..next.clone() },
        Query { cursor: Some(Cursor(cursor.0.replace(&cursor.0[4..6], "zz"))), ..query.clone() },
        Query { cursor: Some(Cursor(String::new())), ..query },
    ] {
        assert_eq!(engine.search(&wrong).unwrap_err().kind(), ErrorKind::BadRequest);
    }
}

#[test]
fn an_empty_library_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let engine = Engine::open(Settings::at(home.path())).unwrap();
    let error = engine.search(&Query::text("red")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotReady);
    assert!(error.to_string().contains("glimpse index"), "{error}");
    assert_eq!(engine.model_info().unwrap(), None);
}

#[test]
fn many_threads_get_the_same_answer() {
    let fixture = Fixture::empty();
    fixture.add_crowd(64);
    let (engine, _home) = fixture.engine();
    let query = Query { depth: Depth::All, ..Query::text("blue") };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| engine.search(&query).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().every(|page| page == &answers[0]));
}

#[test]
fn pages_of_any_size_are_one_list() {
    let fixture = Fixture::empty();
    fixture.add_crowd(57);
    let (engine, _home) = fixture.engine();
    proptest!(ProptestConfig::with_cases(24), |(limit in 1usize..70, depth in depths(), text in "(red|blue|zebra|crowd| )")| {
        let query = match text.trim() {
            "" => Query { depth, limit: 1000, ..Query::default() },
            text => Query { depth, limit: 1000, ..Query::text(text) },
        };
        let whole = engine.search(&query).unwrap();
        prop_assert!(whole.next.is_none());
        let parts = pages(&engine, &Query { limit, ..query }, |_| ());
        prop_assert_eq!(all_ids(&parts), ids(&whole));
        prop_assert!(parts.iter().every(|page| page.accepted == whole.accepted && page.hits.len() <= limit));
    });
}
