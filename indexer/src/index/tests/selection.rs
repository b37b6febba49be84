//! Filters and facets against a plain reading of the records.

use std::path::Path;

use glimpse_encoder::image_file::Format;
use glimpse_nonempty::each;
use proptest::prelude::*;

use super::*;
use crate::{Facets, Filter, GeoBox, IdSet, Place};

const FOLDERS: [&str; 4] = ["/p", "/p/2023", "/p/2023/alps", "/q"];
const CAMERAS: [&str; 3] = ["Canon EOS R5", "canon ixus", "NIKON Z 6"];
const FORMATS: [Format; 3] = [Format::Jpeg, Format::Png, Format::WebP];

#[allow(clippy::type_complexity, reason = "the tuples of the strategy")]
fn records() -> impl Strategy<Value = Vec<(ImageRecord, usize)>> {
    let facts = (0usize..4, proptest::option::of(0i64..100), proptest::option::of(0usize..3), 0usize..3);
    let place = proptest::option::of((-90i32..=90, -180i32..=180));
    proptest::collection::vec((facts, place), 1..30).prop_map(|rows| {
        let record = |(n, ((folder, taken, camera, format), place)): (
            usize,
            ((_, _, Option<usize>, usize), Option<(i32, i32)>),
        )| {
            let place = place.map(|(lat, lon)| Place { latitude: lat.into(), longitude: lon.into() });
            let camera = camera.map(|camera| CAMERAS[camera].to_owned());
            (ImageRecord { taken, camera, format: FORMATS[format], place, ..image(n as u8) }, folder)
        };
        rows.into_iter().enumerate().map(record).collect()
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    let folders = proptest::sample::subsequence(FOLDERS.to_vec(), 0..3);
    let cameras = proptest::sample::subsequence(vec!["CANON", "z 6", "leica"], 0..3);
    let formats = proptest::sample::subsequence(FORMATS.to_vec(), 0..3);
    let area = proptest::option::of((-90i32..=90, -180i32..=180, -90i32..=90, -180i32..=180));
    let dates = (proptest::option::of(0i64..100), proptest::option::of(0i64..100));
    (dates, folders, cameras, formats, area).prop_map(
        |((taken_from, taken_before), folders, cameras, formats, area)| Filter {
            taken_from,
            taken_before,
            folders: folders.into_iter().map(Into::into).collect(),
            cameras: cameras.into_iter().map(str::to_owned).collect(),
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
    let format = filter.formats.is_empty() || filter.formats.contains(&record.format);
    let place = filter
        .place
        .is_none_or(|area| record.place.is_some_and(|place| area.contains(place.latitude, place.longitude)));
    from && before && folder && camera && format && place
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
    let canon = |n: u8, taken| ImageRecord { camera: Some("Canon".to_owned()), taken: Some(taken), ..image(n) };
    index.add(canon(1, 50), &vector(1), file("/p/a/1.jpg")).unwrap();
    index.add(canon(2, 20), &vector(2), file("/p/a/2.jpg")).unwrap();
    let place = Some(Place { latitude: 1.0, longitude: 2.0 });
    index.add(ImageRecord { place, format: Format::Png, ..image(3) }, &vector(3), file("/p/3.png")).unwrap();
    index.add(image(3), &vector(3), file("/p/copy of 3.png")).unwrap();
    index.add(canon(4, 5), &vector(4), file("/gone/4.jpg")).unwrap();
    index.mark_missing(Path::new("/gone/4.jpg")).unwrap();
    let expected = Facets {
        cameras: vec![("Canon".to_owned(), 2)],
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
