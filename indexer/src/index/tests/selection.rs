//! Filters and facets against a plain reading of the records.

use std::path::Path;

use glimpse_encoder::image_file::Format;
use glimpse_nonempty::each;
use proptest::prelude::*;

use super::*;
use crate::{Cluster, Facets, Filter, GeoBox, IdSet, Place, TagCount};

const FOLDERS: [&str; 4] = ["/p", "/p/2023", "/p/2023/alps", "/q"];
const CAMERAS: [&str; 3] = ["Canon EOS R5", "canon ixus", "NIKON Z 6"];
const LENSES: [&str; 2] = ["EF50mm f/1.8", "RF24-70mm"];
const TAGS: [&str; 4] = ["Dog", "dog", "Ball", "snow"];
const FORMATS: [Format; 3] = [Format::Jpeg, Format::Png, Format::WebP];

#[allow(clippy::type_complexity, reason = "the tuples of the strategy")]
fn records() -> impl Strategy<Value = Vec<(ImageRecord, usize)>> {
    let facts = (0usize..4, proptest::option::of(0i64..100), proptest::option::of(0usize..3), 0usize..3);
    let words = (proptest::option::of(0usize..2), proptest::sample::subsequence(TAGS.to_vec(), 0..3));
    let place = proptest::option::of((-90i32..=90, -180i32..=180));
    proptest::collection::vec((facts, place, words), 1..30).prop_map(|rows| {
        let record = |(n, ((folder, taken, camera, format), place, (lens, tags))): (
            usize,
            ((_, _, Option<usize>, usize), Option<(i32, i32)>, (Option<usize>, Vec<&str>)),
        )| {
            let place = place.map(|(lat, lon)| Place { latitude: lat.into(), longitude: lon.into() });
            let camera = camera.map(|camera| CAMERAS[camera].to_owned());
            let exposure = Exposure { lens: lens.map(|lens| LENSES[lens].to_owned()), ..Exposure::default() };
            let keywords = tags.into_iter().map(str::to_owned).collect();
            let format = FORMATS[format];
            (ImageRecord { taken, camera, format, place, exposure, keywords, ..image(n as u8) }, folder)
        };
        rows.into_iter().enumerate().map(record).collect()
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    let folders = proptest::sample::subsequence(FOLDERS.to_vec(), 0..3);
    let cameras = proptest::sample::subsequence(vec!["CANON", "z 6", "leica"], 0..3);
    let words = (
        proptest::sample::subsequence(vec!["ef50", "RF", "z"], 0..2),
        proptest::sample::subsequence(vec!["DOG", "snow", "bal"], 0..3),
    );
    let formats = proptest::sample::subsequence(FORMATS.to_vec(), 0..3);
    let area = proptest::option::of((-90i32..=90, -180i32..=180, -90i32..=90, -180i32..=180));
    let dates = (proptest::option::of(0i64..100), proptest::option::of(0i64..100));
    (dates, folders, cameras, formats, area, words).prop_map(
        |((taken_from, taken_before), folders, cameras, formats, area, (lenses, tags))| Filter {
            taken_from,
            taken_before,
            folders: folders.into_iter().map(Into::into).collect(),
            cameras: cameras.into_iter().map(str::to_owned).collect(),
            lenses: lenses.into_iter().map(str::to_owned).collect(),
            tags: tags.into_iter().map(str::to_owned).collect(),
            formats,
            place: area.map(|(south, west, north, east)| GeoBox {
                south: south.into(),
                west: west.into(),
                north: north.into(),
                east: east.into(),
            }),
            ..Filter::default()
        },
    )
}

/// The filter's documentation, word for word.
fn passes(filter: &Filter, record: &ImageRecord, folder: &Path) -> bool {
    let from = filter.taken_from.is_none_or(|from| record.taken.is_some_and(|taken| from <= taken));
    let before = filter.taken_before.is_none_or(|before| record.taken.is_some_and(|taken| taken < before));
    let folder = filter.folders.is_empty() || filter.folders.iter().any(|asked| folder.starts_with(asked));
    let camera = record.camera.as_ref().map(|camera| camera.to_lowercase()).unwrap_or_default();
    let camera = filter.cameras.is_empty() || filter.cameras.iter().any(|part| camera.contains(&part.to_lowercase()));
    let lens = record.exposure.lens.as_ref().map(|lens| lens.to_lowercase()).unwrap_or_default();
    let lens = filter.lenses.is_empty() || filter.lenses.iter().any(|part| lens.contains(&part.to_lowercase()));
    let has = |tag: &String| record.keywords.iter().any(|keyword| keyword.to_lowercase() == tag.to_lowercase());
    let tag = filter.tags.is_empty() || filter.tags.iter().any(has);
    let format = filter.formats.is_empty() || filter.formats.contains(&record.format);
    let place = filter
        .place
        .is_none_or(|area| record.place.is_some_and(|place| area.contains(place.latitude, place.longitude)));
    from && before && folder && camera && lens && tag && format && place
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn filters_mean_what_they_say(records in records(), filters in proptest::collection::vec(filters(), 8)) {
        let fixture = Fixture::new();
        let index = fixture.open();
        let mut stored = Vec::new();
        for (n, (record, folder)) in records.into_iter().enumerate() {
            let path = Path::new(FOLDERS[folder]).join(format!("{n}.jpg"));
            let id = index.add(record.clone(), &vector(n as u8), file(path)).unwrap();
            stored.push((id, record, Path::new(FOLDERS[folder])));
        }
        for filter in each(filters) {
            let expected: IdSet = stored.iter().filter(|(_, record, folder)| passes(&filter, record, folder))
                .map(|(id, ..)| *id).collect();
            prop_assert_eq!(index.select(&filter), expected);
        }
    }
}

#[test]
fn facets_count_what_can_be_found() {
    let fixture = Fixture::new();
    let index = fixture.open();
    assert_eq!(index.facets(), Facets::default());
    let canon = |n: u8, taken| ImageRecord {
        camera: Some("Canon".to_owned()),
        taken: Some(taken),
        exposure: Exposure { lens: Some("EF 50".to_owned()), ..Exposure::default() },
        keywords: vec!["Dog".to_owned(), format!("tag {n}")],
        ..image(n)
    };
    index.add(canon(1, 50), &vector(1), file("/p/a/1.jpg")).unwrap();
    index.add(canon(2, 20), &vector(2), file("/p/a/2.jpg")).unwrap();
    let place = Some(Place { latitude: 1.0, longitude: 2.0 });
    index.add(ImageRecord { place, format: Format::Png, ..image(3) }, &vector(3), file("/p/3.png")).unwrap();
    index.add(image(3), &vector(3), file("/p/copy of 3.png")).unwrap();
    index.add(canon(4, 5), &vector(4), file("/gone/4.jpg")).unwrap();
    index.mark_missing(Path::new("/gone/4.jpg")).unwrap();
    let expected = Facets {
        cameras: vec![("Canon".to_owned(), 2)],
        lenses: vec![("EF 50".to_owned(), 2)],
        region_tags: Vec::new(),
        tags: vec![("Dog".to_owned(), 2), ("tag 1".to_owned(), 1), ("tag 2".to_owned(), 1)],
        formats: vec![(Format::Jpeg, 2), (Format::Png, 1)],
        folders: vec![("/p".into(), 1), ("/p/a".into(), 2)],
        taken: Some((20, 50)),
        days: vec![(0, 2)],
        with_place: 1,
    };
    assert_eq!(index.facets(), expected);
    let in_a = index.facets_of(&Filter { folders: vec!["/p/a".into()], ..Filter::default() });
    assert_eq!((in_a.formats, in_a.folders), (vec![(Format::Jpeg, 2)], vec![("/p/a".into(), 2)]));
    index.commit().unwrap();
    drop(index);
    assert_eq!(fixture.open().facets(), expected);
}

#[test]
fn keywords_are_counted_whatever_their_case() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let tagged = |n: u8, taken, keywords: &[&str]| {
        let keywords = keywords.iter().map(|&keyword| keyword.to_owned()).collect();
        let id = index.add(ImageRecord { taken, keywords, ..image(n) }, &vector(n), file(format!("/p/{n}.jpg")));
        id.unwrap()
    };
    let first = tagged(1, Some(90), &["Dog", "dog"]);
    let second = tagged(2, Some(30), &["DOG", "snow"]);
    let third = tagged(3, None, &["snow"]);
    let count = |tag: &str, images, newest| TagCount { tag: tag.to_owned(), images, newest };
    let all = [count("Dog", 2, first), count("snow", 2, second)];
    assert_eq!(index.tags_of(&Filter::default()), all);
    let early = Filter { taken_before: Some(50), ..Filter::default() };
    assert_eq!(index.tags_of(&early), [count("Dog", 1, second), count("snow", 1, second)]);
    index.set_words(second, None, vec!["ball".to_owned()]).unwrap();
    index.remove_file(Path::new("/p/3.jpg")).unwrap();
    assert_eq!(index.tags_of(&Filter::default()), [count("Dog", 1, first), count("ball", 1, second)]);
    assert!(index.image(third).unwrap().is_none());
}

#[test]
fn images_are_gathered_by_where_they_were_taken() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let at = |n: u8, latitude, longitude, taken| {
        let record = ImageRecord { place: Some(Place { latitude, longitude }), taken, ..image(n) };
        index.add(record, &vector(n), file(format!("/p/{n}.jpg"))).unwrap()
    };
    let first = at(1, 10.0, 20.0, Some(9));
    at(2, 12.0, 22.0, Some(5));
    let other = at(3, -40.0, -170.0, None);
    add(&index, 4, "/p/nowhere.jpg");
    let clusters = |area: Option<GeoBox>, cell| index.clusters(&Filter::default(), area.as_ref(), cell);
    let bounds = GeoBox { south: 10.0, west: 20.0, north: 12.0, east: 22.0 };
    let near = Cluster { latitude: 11.0, longitude: 21.0, images: 2, newest: first, bounds };
    let point = GeoBox { south: -40.0, west: -170.0, north: -40.0, east: -170.0 };
    let far = Cluster { latitude: -40.0, longitude: -170.0, images: 1, newest: other, bounds: point };
    assert_eq!(clusters(None, 45.0), [far.clone(), near.clone()]);
    assert_eq!(clusters(None, 0.1).len(), 3);
    assert_eq!(clusters(None, 360.0).iter().map(|all| all.images).collect::<Vec<_>>(), [3]);
    assert_eq!(clusters(Some(bounds), 45.0), [near]);
    let pacific = GeoBox { south: -90.0, west: 170.0, north: 0.0, east: -160.0 };
    assert_eq!(clusters(Some(pacific), 45.0), [far]);
}

#[test]
fn words_that_nobody_wrote_have_neighbours() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let described = |n: u8, text: &str| {
        let record = ImageRecord { caption: Some(text.to_owned()), ..image(n) };
        index.add(record, &vector(n), file(format!("/p/{n}.jpg"))).unwrap();
    };
    described(1, "lighthouse and beach");
    described(2, "peach");
    described(3, "beach, Straße, 港口");
    index.finish().unwrap();
    let nearest = |text: &str| index.nearest_words(text).unwrap();
    let pair = |typed: &str, word: &str| (typed.to_owned(), word.to_owned());
    assert_eq!(nearest("ligthhuose Beech"), [pair("ligthhuose", "lighthouse"), pair("Beech", "beach")]);
    assert_eq!(nearest("xeach"), [pair("xeach", "beach")], "more images have it than `peach`");
    assert_eq!(nearest("Strase"), [pair("Strase", "strasse")]);
    assert_eq!(nearest("beach peach bea 2024 港山 bookcase"), []);
}

#[test]
fn search_stays_inside_the_allowed_set() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let ids: Vec<_> = (0..20).map(|n| add(&index, n, &format!("/{n}.jpg"))).collect();
    let allowed: IdSet = [ids[3], ids[5], ImageId(999)].into_iter().collect();
    let hits = index.nearest(&vector(5), 10, Some(&allowed)).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [ids[5], ids[3]]);
    assert!(hits[0].score > 0.999);
    assert!(index.nearest(&vector(5), 10, Some(&IdSet::default())).unwrap().is_empty());
}
