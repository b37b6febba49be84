//! Fuzz target: values of the store whose checksum is right and whose fields are not, as a program
//! with a fault would write them.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use glimpse_encoder::image_file::Format;
use glimpse_fuzz::{Outcome, Target};
use glimpse_nonempty::each;

use super::codec::{Damage, Decoder, Encoder};
use super::keys::{self, GraphId, PathHash, Table, meta};
use super::records::{
    decode_file, decode_id, decode_image, decode_json, decode_node, decode_relinked, decode_vector, encode_file,
    encode_id, encode_image, encode_json, encode_node, encode_relinked, encode_vector,
};
use crate::hnsw::{Node, NodeRecord};
use crate::regions::format::{Stored, decode_map, decode_vectors, tests::halves};
use crate::regions::tags::{RegionLabel, StoredRegionTag, StoredTags, decode_label, encode_label};
use crate::vectors::Quantised;
use crate::{ContentHash, Exposure, FileRecord, FileRole, ImageId, ImageRecord, Moment, Place};

const ID: ImageId = ImageId(7);
const DIM: usize = 16;
const GRAPH: GraphId = GraphId::IMAGES;
const PATH: &str = "images/a.jpg";

/// Tables and keys of the values, by the first byte of an input.
fn places() -> [(Table, Vec<u8>); 11] {
    [
        (Table::Images, keys::image(ID).to_vec()),
        (Table::Files, PathHash::of(Path::new(PATH)).0.to_vec()),
        (Table::Vectors, keys::image(ID).to_vec()),
        (Table::Content, b"0123456789abcdef".to_vec()),
        (Table::Links, GRAPH.node(Node(3)).to_vec()),
        (Table::Relinked, GRAPH.step(9).to_vec()),
        (Table::Regions, keys::region(ID, 0).to_vec()),
        (Table::Regions, keys::region(ID, 1).to_vec()),
        (Table::Meta, meta::MANIFEST.to_vec()),
        (Table::RegionTags, keys::image(ID).to_vec()),
        (Table::RegionLabels, keys::label(2).to_vec()),
    ]
}

/// Values of every kind as the store has them, in the order of [`places`].
fn written() -> [Vec<u8>; 11] {
    let image = ImageRecord {
        id: ID,
        content: ContentHash([9; 16]),
        width: 640,
        height: 480,
        format: Format::Jpeg,
        bytes: 12_345,
        taken: Some(-5),
        camera: Some("Camera".into()),
        place: Some(Place { latitude: 48.5, longitude: 9.0 }),
        caption: Some("A caption".into()),
        keywords: vec!["one".into(), "two".into()],
        model_caption: Some("described".into()),
        truncated: true,
        orientation: Some(6),
        exposure: Exposure { lens: Some("Lens".into()), iso: Some(100), ..Exposure::default() },
        rating: Some(4),
        moment: Some(Moment { video: Some(ImageId(3)), start: 1, end: 2, duration: 3, complete: true }),
    };
    let file = FileRecord {
        image: ID,
        role: FileRole::Raw,
        path: PATH.into(),
        bytes: 12_345,
        modified: 1,
        sidecar_modified: 2,
        missing: false,
        changed: 3,
    };
    let vector: Vec<f32> = (0..DIM).map(|n| n as f32 - 5.0).collect();
    let node = NodeRecord { owner: ID.into(), parent: Some(Node(1)), links: vec![Node(4), Node(5)] };
    let regions = Stored::of(&halves(4, 6, &vector, &[1.0; DIM])).unwrap().encode(ID);
    let [(_, map), (_, vectors)] = regions.try_into().unwrap();
    let tag = StoredRegionTag { label: 1, region: Some(3), score: 0.5 };
    let content = &places()[3].1;
    [
        encode_image(&image),
        encode_file(&file).1,
        encode_vector(ID, &Quantised::encode(&vector).unwrap()),
        encode_id(Table::Content, content, ID),
        encode_node(GRAPH, Node(3), &node),
        encode_relinked(GRAPH, 9, 8, &[Node(3), Node(4)]),
        map,
        vectors,
        encode_json(meta::MANIFEST, r#"{"model": {"name": "demo", "dim": 16}}"#),
        StoredTags { set: 7, fingerprint: 8, tags: vec![tag; 3] }.encode(ID),
        encode_label(2, &RegionLabel { name: "dog".into(), scale: vec![1; 40] }),
    ]
}

/// Reads fields that lie in a place of the store with the checksum that they have there. What is
/// read needs no more memory than the value, whatever numbers it holds.
fn read(place: usize, version: u8, fields: &[u8]) -> Result<usize, Damage> {
    let (table, key) = &places()[place];
    let mut value = Encoder::new(version);
    value.raw(fields);
    let value = value.seal(*table, key);
    Ok(match place {
        0 => {
            let image = decode_image(ID, &value)?;
            assert!(image.keywords.len() <= fields.len());
            image.keywords.len()
        }
        1 => decode_file(PathHash::of(Path::new(PATH)), &value)?.path.as_os_str().len(),
        2 => {
            let planes = decode_vector(ID, DIM, &value)?;
            assert_eq!(planes.values.len(), DIM);
            planes.residual.len()
        }
        3 => decode_id(*table, key, &value).map(|_| 1)?,
        4 => decode_node(GRAPH, Node(3), &value)?.links.len(),
        5 => decode_relinked(GRAPH, 9, &value)?.1.len(),
        6 => {
            let map = decode_map(ID, &value)?;
            assert_eq!(map.labels().len(), map.rows() * map.cols());
            map.len()
        }
        7 => decode_vectors(ID, 1, DIM, &value)?.len(),
        8 => decode_json(key, &value)?.len(),
        9 => StoredTags::decode(ID, &value)?.tags.len(),
        _ => decode_label(2, &value)?.name.len(),
    })
}

#[test]
fn store_records() {
    let count = places().len();
    let inputs = written().into_iter().zip(0u8..).map(|(value, place)| {
        let (table, key) = &places()[usize::from(place)];
        let (version, mut fields) = Decoder::open_any(*table, key, &value, &[1, 2, 3]).unwrap();
        [&[place, version], fields.rest()].concat()
    });
    let inputs: Vec<Vec<u8>> = inputs.collect();
    for input in each(&inputs) {
        assert!(read(input[0].into(), input[1], &input[2..]).is_ok(), "{input:?}");
    }
    Target::new("store-records").seeds(inputs).run(|input| -> Outcome {
        let [place, version, fields @ ..] = input else { return Err("no place or version".to_owned()) };
        let place = usize::from(*place) % count;
        let read = read(place, *version, fields).map_err(|damage| format!("{place:?}: {damage}"))?;
        Ok(format!("{:?}, {} of its parts", places()[place].0, read.min(4)))
    });
}
