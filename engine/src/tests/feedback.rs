//! What is said of answers counts at once, and teaches `tune`.

use glimpse_nonempty::each;

use crate::fixture::{Fixture, RED, Shot};
use crate::tune::TextSource;
use crate::{Depth, Engine, ImageId, Mode, NewFeedback, Query, Source, Strength, TuneOptions};

/// A crowd, and a query that it answers.
fn asked() -> (Engine, tempfile::TempDir, Query) {
    let fixture = Fixture::empty();
    fixture.add_crowd(40);
    let (engine, home) = fixture.engine();
    (engine, home, Query { mode: Mode::Semantic, limit: 100, ..Query::text("red") })
}

fn ids(engine: &Engine, query: &Query) -> Vec<ImageId> {
    engine.search(query).unwrap().hits.iter().map(|hit| hit.id).collect()
}

fn wrong(images: &[ImageId]) -> NewFeedback {
    NewFeedback { wrong: images.to_vec(), ..NewFeedback::default() }
}

#[test]
fn wrong_answers_are_left_out_and_right_ones_always_found_until_nothing_is_said_of_them() {
    let (engine, _home, query) = asked();
    let all = Query { depth: Depth::All, ..query.clone() };
    let (accepted, everything) = (engine.search(&query).unwrap().accepted, ids(&engine, &all));
    assert!(accepted > 1 && accepted < everything.len(), "{accepted} of {}", everything.len());
    let (first, last) = (everything[0], everything[everything.len() - 1]);

    let said = NewFeedback { right: vec![last], ..wrong(&[first]) };
    let now = engine.give_feedback(" RED ", &said).unwrap();
    assert_eq!((now.text.as_str(), &now.right[..], &now.wrong[..]), ("red", &[last][..], &[first][..]));
    let page = engine.search(&query).unwrap();
    assert_eq!((page.hits[0].id, page.hits[0].strength), (last, Strength::Strong));
    assert!(page.hits[0].why.said_right && !page.hits[1].why.said_right);
    assert_eq!((page.said_wrong, page.accepted), (1, accepted), "one came, one went");
    let left = ids(&engine, &all);
    assert!(left.len() == everything.len() - 1 && !left.contains(&first));
    let by_words = Query { mode: Mode::Words, ..all.clone() };
    assert!(!ids(&engine, &by_words).contains(&first));

    // Other questions are answered as ever.
    for other in each([
        Query { depth: Depth::All, ..Query::text("red thing") },
        Query { depth: Depth::All, ..Query::text("red").plus(Source::Text("blue".into()), 1.0) },
        Query { depth: Depth::All, ..Query::default() },
    ]) {
        let page = engine.search(&Query { limit: 100, ..other.clone() }).unwrap();
        assert!(page.said_wrong == 0 && page.hits.iter().any(|hit| hit.id == first), "{other:?}");
    }

    let unsaid = NewFeedback { unsaid: vec![first, last], ..NewFeedback::default() };
    engine.give_feedback("red", &unsaid).unwrap();
    assert_eq!(ids(&engine, &all), everything);
    assert!(engine.all_feedback().unwrap().is_empty());
    assert!(engine.give_feedback("red", &wrong(&[ImageId(9999)])).is_err());
}

#[test]
fn tune_learns_texts_that_were_only_said_of_answers() {
    let fixture = Fixture::empty();
    let mut groups = Vec::new();
    for group in 0..12usize {
        let colour = [group * 97 % 256, group * 57 % 256, group * 151 % 256].map(|value| value as u8);
        let add = |i: usize| fixture.add(&Shot::of(format!("/library/{group}-{i}.jpg").leak(), colour), i as u8);
        groups.push((0..12).map(add).collect::<Vec<_>>());
    }
    fixture.add(&Shot::of("/library/red.jpg", RED), 0);
    let (engine, _home) = fixture.engine();
    let options = TuneOptions { sources: vec![TextSource::Feedback], ..TuneOptions::default() };
    assert!(
        engine.tune(&options, &mut |_, _| {}).unwrap_err().to_string().contains("feedback"),
        "nothing was said yet"
    );

    const NAMES: [&str; 12] =
        ["anna", "rex", "oslo", "gran", "boat", "den", "ida", "per", "kari", "nils", "lodge", "field"];
    let name = |group: usize| NAMES[group];
    for (group, images) in groups.iter().enumerate() {
        let others = &groups[(group + 1) % groups.len()];
        let said = NewFeedback { right: images[..9].to_vec(), ..wrong(&others[..2]) };
        engine.give_feedback(name(group), &said).unwrap();
    }
    let unseen = |engine: &Engine| -> usize {
        let found = |(group, images): (usize, &Vec<ImageId>)| {
            let text = format!("{} there", name(group)); // no text that was said of anything
            let query = Query { mode: Mode::Semantic, depth: Depth::All, limit: 12, ..Query::text(&text) };
            ids(engine, &query)[..12].iter().filter(|id| images[9..].contains(id)).count()
        };
        groups.iter().enumerate().map(found).sum()
    };
    let before = unseen(&engine);
    let report = engine.tune(&options, &mut |_, _| {}).unwrap();
    assert!(report.applied && report.texts[&TextSource::Feedback] == 12, "{report:?}");
    let after = unseen(&engine);
    assert!(after >= before + 6, "{before} of 36 before, {after} after");
}
