//! The bytes of each kind of value. A layout never changes: a new one gets a new version number
//! beside the old.

use glimpse_encoder::image_file::Format;

use super::codec::{Damage, Decoder, Encoder};
use super::exposure::{self, decode_further, encode_further, is_further};
use super::keys::{self, GraphId, PathHash, Table};
use super::paths::{path_bytes, path_from};
use crate::hnsw::{Node, NodeRecord};
use crate::vectors::{Planes, Quantised, Residual};
use crate::{ContentHash, FileRecord, FileRole, ImageId, ImageRecord, Place, VectorId};

const IMAGE_V1: u8 = 1;
const FILE_V1: u8 = 1;
const FILE_V2: u8 = 2;
/// Of a companion.
const FILE_V3: u8 = 3;
/// One plane.
const VECTOR_V1: u8 = 1;
/// Two planes.
const VECTOR_V2: u8 = 2;
/// With the vector as it came.
const VECTOR_V3: u8 = 3;
const ID_V1: u8 = 1;
const JSON_V1: u8 = 1;
const NODE_V1: u8 = 1;
const RELINKED_V1: u8 = 1;

/// The parent of the root.
const NO_NODE: u32 = u32::MAX;

// Which optional fields of an image follow.
const TAKEN: u8 = 1;
const CAMERA: u8 = 2;
const PLACE: u8 = 4;
const CAPTION: u8 = 8;
const MODEL_CAPTION: u8 = 16;
/// Says all by itself: no field follows.
const TRUNCATED: u8 = 32;
const ORIENTATION: u8 = 64;
/// Further facts follow behind all others: [`exposure`].
const FURTHER: u8 = 128;

/// `content (16) | width (4) | height (4) | format (1) | bytes (8) | present (1) | taken (8)? |
/// camera? | latitude (8) longitude (8)? | caption? | keywords (4) | keyword... | model_caption? |
/// orientation (1)? | further facts?`
pub(crate) fn encode_image(record: &ImageRecord) -> Vec<u8> {
    let present = [
        (record.taken.is_some(), TAKEN),
        (record.camera.is_some(), CAMERA),
        (record.place.is_some(), PLACE),
        (record.caption.is_some(), CAPTION),
        (record.model_caption.is_some(), MODEL_CAPTION),
        (record.truncated, TRUNCATED),
        (record.orientation.is_some(), ORIENTATION),
        (is_further(&record.exposure, record.rating, record.moment), FURTHER),
    ];
    let flags = present.iter().filter(|(there, _)| *there).map(|(_, flag)| flag).sum();
    let mut value = Encoder::new(IMAGE_V1);
    value.raw(&record.content.0).u32(record.width).u32(record.height);
    value.u8(record.format.code()).u64(record.bytes).u8(flags);
    if let Some(taken) = record.taken {
        value.i64(taken);
    }
    if let Some(camera) = &record.camera {
        value.str(camera);
    }
    if let Some(place) = record.place {
        value.f64(place.latitude).f64(place.longitude);
    }
    if let Some(caption) = &record.caption {
        value.str(caption);
    }
    value.u32(u32::try_from(record.keywords.len()).unwrap_or(u32::MAX));
    for keyword in &record.keywords {
        value.str(keyword);
    }
    if let Some(model_caption) = &record.model_caption {
        value.str(model_caption);
    }
    if let Some(orientation) = record.orientation {
        value.u8(orientation);
    }
    if flags & FURTHER != 0 {
        encode_further(&mut value, &record.exposure, record.rating, record.moment);
    }
    value.seal(Table::Images, &keys::image(record.id))
}

/// The last numbers of image formats that records of index formats 1 and 2 know.
const LAST_OF_FORMAT_1: u8 = 8;
const LAST_OF_FORMAT_2: u8 = 10;

/// The first index format whose programs read the record.
pub(crate) fn format_of(record: &ImageRecord) -> u32 {
    let code = record.format.code();
    match () {
        () if code > LAST_OF_FORMAT_2 || record.moment.is_some() => 3,
        () if code > LAST_OF_FORMAT_1 || record.orientation.is_some() => 2,
        () if is_further(&record.exposure, record.rating, None) => 2,
        () => 1,
    }
}

pub(crate) fn decode_image(id: ImageId, value: &[u8]) -> Result<ImageRecord, Damage> {
    let mut fields = Decoder::open(Table::Images, &keys::image(id), value, IMAGE_V1)?;
    let content = ContentHash(fields.array()?);
    let (width, height) = (fields.u32()?, fields.u32()?);
    let format = Format::of_code(fields.u8()?).ok_or(Damage::Field("format"))?;
    let bytes = fields.u64()?;
    let flags = fields.u8()?;
    let taken = if flags & TAKEN != 0 { Some(fields.i64()?) } else { None };
    let camera = if flags & CAMERA != 0 { Some(fields.string()?) } else { None };
    let place =
        if flags & PLACE != 0 { Some(Place { latitude: fields.f64()?, longitude: fields.f64()? }) } else { None };
    let caption = if flags & CAPTION != 0 { Some(fields.string()?) } else { None };
    let keywords = (0..fields.u32()?).map(|_| fields.string()).collect::<Result<_, _>>()?;
    let model_caption = if flags & MODEL_CAPTION != 0 { Some(fields.string()?) } else { None };
    let orientation = if flags & ORIENTATION != 0 { Some(fields.u8()?) } else { None };
    let (exposure, rating, moment) =
        if flags & FURTHER != 0 { decode_further(&mut fields)? } else { Default::default() };
    fields.end()?;
    let truncated = flags & TRUNCATED != 0;
    Ok(ImageRecord {
        id,
        content,
        orientation,
        width,
        height,
        format,
        bytes,
        taken,
        camera,
        place,
        caption,
        keywords,
        model_caption,
        truncated,
        exposure,
        rating,
        moment,
    })
}

/// Version 1:
/// `image (8) | bytes (8) | modified (8) | sidecar modified (8) | missing (1) | path (rest)`.
/// Version 2 has `changed (8)` before the path, version 3, of companions, `changed (8) | role (1)`.
pub(crate) fn encode_file(record: &FileRecord) -> (PathHash, Vec<u8>) {
    let hash = PathHash::of(&record.path);
    let mut value = Encoder::new(if record.role.is_companion() { FILE_V3 } else { FILE_V2 });
    value.u64(record.image.0).u64(record.bytes).i64(record.modified).i64(record.sidecar_modified);
    value.u8(u8::from(record.missing)).i64(record.changed);
    if let Some(code) = code_of(record.role) {
        value.u8(code);
    }
    value.raw(&path_bytes(&record.path));
    (hash, value.seal(Table::Files, &hash.0))
}

pub(crate) fn decode_file(hash: PathHash, value: &[u8]) -> Result<FileRecord, Damage> {
    let (version, mut fields) = Decoder::open_any(Table::Files, &hash.0, value, &[FILE_V1, FILE_V2, FILE_V3])?;
    Ok(FileRecord {
        image: ImageId(fields.u64()?),
        bytes: fields.u64()?,
        modified: fields.i64()?,
        sidecar_modified: fields.i64()?,
        missing: fields.u8()? != 0,
        changed: if version == FILE_V1 { 0 } else { fields.i64()? },
        role: if version == FILE_V3 { role_of(fields.u8()?)? } else { FileRole::Primary },
        path: path_from(fields.rest()),
    })
}

/// The number of a companion's role.
fn code_of(role: FileRole) -> Option<u8> {
    match role {
        FileRole::Primary => None,
        FileRole::Raw => Some(1),
        FileRole::Motion => Some(2),
        FileRole::Original => Some(3),
    }
}

fn role_of(code: u8) -> Result<FileRole, Damage> {
    let roles = [FileRole::Raw, FileRole::Motion, FileRole::Original];
    roles.into_iter().find(|&role| code_of(role) == Some(code)).ok_or(Damage::Field("role"))
}

/// Version 1: `scale (4) | int8 values (dim)`, component `i` being `scale * value[i]`. Version 2:
/// `scale (4) | int8 values (dim) | int8 rest (dim)`, component `i` being
/// `scale * (value[i] + rest[i] / 254)`. Version 3:
/// `scale (4) | int8 values (dim) | f32 components (4 dim)`, the vector as it came behind its
/// rounded form.
pub(crate) fn encode_vector(id: ImageId, vector: &Quantised) -> Vec<u8> {
    let mut value = Encoder::new(version_of(&vector.residual, vector.values.len()).unwrap_or(VECTOR_V1));
    value.raw(&vector.to_bytes());
    value.seal(Table::Vectors, &keys::image(id))
}

/// Reads a vector where it lies.
pub(crate) fn decode_vector(id: ImageId, dim: usize, value: &[u8]) -> Result<Planes<'_>, Damage> {
    let versions = [VECTOR_V1, VECTOR_V2, VECTOR_V3];
    let (version, mut fields) = Decoder::open_any(Table::Vectors, &keys::image(id), value, &versions)?;
    let planes =
        Planes::of_bytes(fields.rest(), dim).filter(|planes| version_of(planes.residual, dim) == Some(version));
    planes.ok_or(Damage::Field("width or scale"))
}

fn version_of(residual: &[u8], dim: usize) -> Option<u8> {
    Some(match Residual::of(residual, dim)? {
        Residual::Nothing => VECTOR_V1,
        Residual::Plane => VECTOR_V2,
        Residual::Floats => VECTOR_V3,
    })
}

/// `image (8)`: a value of `content` and `changes`, and the next free number in `meta`.
pub(crate) fn encode_id(table: Table, key: &[u8], id: ImageId) -> Vec<u8> {
    let mut value = Encoder::new(ID_V1);
    value.u64(id.0);
    value.seal(table, key)
}

pub(crate) fn decode_id(table: Table, key: &[u8], value: &[u8]) -> Result<ImageId, Damage> {
    let mut fields = Decoder::open(table, key, value, ID_V1)?;
    let id = ImageId(fields.u64()?);
    fields.end()?;
    Ok(id)
}

/// `owner (8) | parent (4) | neighbour (4)...`
pub(crate) fn encode_node(graph: GraphId, node: Node, record: &NodeRecord) -> Vec<u8> {
    let mut value = Encoder::new(NODE_V1);
    value.u64(record.owner.0).u32(record.parent.map_or(NO_NODE, |parent| parent.0));
    for link in &record.links {
        value.u32(link.0);
    }
    value.seal(Table::Links, &graph.node(node))
}

pub(crate) fn decode_node(graph: GraphId, node: Node, value: &[u8]) -> Result<NodeRecord, Damage> {
    let mut fields = Decoder::open(Table::Links, &graph.node(node), value, NODE_V1)?;
    let (owner, parent) = (VectorId(fields.u64()?), fields.u32()?);
    let links = nodes(&mut fields)?;
    Ok(NodeRecord { owner, parent: (parent != NO_NODE).then_some(Node(parent)), links })
}

/// All that is left, as nodes.
fn nodes(fields: &mut Decoder<'_>) -> Result<Vec<Node>, Damage> {
    let (nodes, rest) = fields.rest().as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Damage::Long);
    }
    Ok(nodes.iter().map(|&node| Node(u32::from_le_bytes(node))).collect())
}

/// `revision before (8) | node (4)...`: what the step that led to `revision` changed of a graph.
pub(crate) fn encode_relinked(graph: GraphId, revision: u64, before: u64, nodes: &[Node]) -> Vec<u8> {
    let mut value = Encoder::new(RELINKED_V1);
    value.u64(before);
    for node in nodes {
        value.u32(node.0);
    }
    value.seal(Table::Relinked, &graph.step(revision))
}

/// The revision before the step, and the nodes.
pub(crate) fn decode_relinked(graph: GraphId, revision: u64, value: &[u8]) -> Result<(u64, Vec<Node>), Damage> {
    let mut fields = Decoder::open(Table::Relinked, &graph.step(revision), value, RELINKED_V1)?;
    let before = fields.u64()?;
    Ok((before, nodes(&mut fields)?))
}

/// JSON text: the manifest and what is known of the graph snapshot.
pub(crate) fn encode_json(key: &[u8], json: &str) -> Vec<u8> {
    let mut value = Encoder::new(JSON_V1);
    value.raw(json.as_bytes());
    value.seal(Table::Meta, key)
}

pub(crate) fn decode_json<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a str, Damage> {
    let mut fields = Decoder::open(Table::Meta, key, value, JSON_V1)?;
    std::str::from_utf8(fields.rest()).map_err(|_| Damage::Field("text"))
}

/// Cuts what people wrote to the sizes that keep a record under sled's comfortable 4 KiB, and drops
/// a place that is not on earth.
pub(crate) fn fit(record: &mut ImageRecord) {
    const CAMERA: usize = 256;
    const MODEL_CAPTION: usize = 512;
    if let Some(camera) = &mut record.camera {
        truncate(camera, CAMERA);
    }
    if let Some(model_caption) = &mut record.model_caption {
        truncate(model_caption, MODEL_CAPTION);
    }
    record.place = record.place.filter(|place| place.latitude.abs() <= 90.0 && place.longitude.abs() <= 180.0);
    exposure::fit(&mut record.exposure, &mut record.rating);
    fit_words(&mut record.caption, &mut record.keywords);
}

/// Cuts a caption and the sum of keywords to 1 KiB each.
pub(crate) fn fit_words(caption: &mut Option<String>, keywords: &mut Vec<String>) {
    const CAPTION: usize = 1024;
    const KEYWORDS: usize = 1024;
    const LENGTH_FIELD: usize = 4;
    if let Some(caption) = caption {
        truncate(caption, CAPTION);
    }
    let mut room = KEYWORDS;
    keywords.retain_mut(|keyword| {
        truncate(keyword, room.saturating_sub(LENGTH_FIELD));
        room -= (keyword.len() + LENGTH_FIELD).min(room);
        !keyword.is_empty()
    });
}

fn truncate(text: &mut String, limit: usize) {
    text.truncate(text.floor_char_boundary(limit));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;
    use crate::vectors::VectorStorage;

    fn images() -> impl Strategy<Value = ImageRecord> {
        let place =
            (-90.0..=90.0f64, -180.0..=180.0f64).prop_map(|(latitude, longitude)| Place { latitude, longitude });
        let seen = (any::<(u32, u32, u64)>(), any::<bool>(), any::<Option<u8>>());
        let facts = (any::<u64>(), any::<[u8; 16]>(), seen, 0usize..Format::ALL.len());
        let text = any::<Option<String>>;
        let words = (text(), text(), proptest::collection::vec(any::<String>(), 0..9), text());
        (facts, any::<Option<i64>>(), proptest::option::of(place), words, exposure::tests::further()).prop_map(
            |(
                (id, content, ((width, height, bytes), truncated, orientation), format),
                taken,
                place,
                (camera, caption, keywords, model_caption),
                (exposure, rating, moment),
            )| {
                ImageRecord {
                    id: ImageId(id),
                    content: ContentHash(content),
                    orientation,
                    width,
                    height,
                    format: Format::ALL[format],
                    bytes,
                    taken,
                    camera,
                    place,
                    caption,
                    keywords,
                    model_caption,
                    truncated,
                    exposure,
                    rating,
                    moment,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn images_read_back(record in images()) {
            prop_assert_eq!(decode_image(record.id, &encode_image(&record)), Ok(record));
        }

        #[test]
        fn nodes_read_back(owner: u64, parent in proptest::option::of(0..NO_NODE), links: Vec<u32>, node: u32) {
            let (parent, links) = (parent.map(Node), links.into_iter().map(Node).collect());
            let record = NodeRecord { owner: VectorId(owner), parent, links };
            let value = encode_node(GraphId(1), Node(node), &record);
            prop_assert_eq!(decode_node(GraphId(1), Node(node), &value), Ok(record));
            prop_assert!(decode_node(GraphId(2), Node(node), &value).is_err());
        }

        #[test]
        fn steps_of_a_graph_read_back(nodes: Vec<u32>, before: u64, revision: u64) {
            let nodes: Vec<Node> = nodes.into_iter().map(Node).collect();
            let value = encode_relinked(GraphId(1), revision, before, &nodes);
            prop_assert_eq!(decode_relinked(GraphId(1), revision, &value), Ok((before, nodes)));
            prop_assert!(decode_relinked(GraphId(1), revision ^ 1, &value).is_err());
        }

        #[test]
        fn noise_is_never_a_record(noise in proptest::collection::vec(any::<u8>(), 0..200), id: u64) {
            prop_assert!(decode_image(ImageId(id), &noise).is_err());
            prop_assert!(decode_vector(ImageId(id), 8, &noise).is_err());
            prop_assert!(decode_file(PathHash([7; 16]), &noise).is_err());
            prop_assert!(decode_node(GraphId(0), Node(7), &noise).is_err());
            prop_assert!(decode_relinked(GraphId(0), 7, &noise).is_err());
        }

        #[test]
        fn a_fitted_record_is_small(mut record in images(), long in "\\PC{0,3000}", many in 0usize..600) {
            record.caption = Some(long.clone());
            record.camera = Some(long.clone());
            record.exposure.lens = Some(long.clone());
            record.model_caption = Some(long.clone());
            record.keywords = vec!["ключ".to_owned(); many];
            record.keywords.push(long);
            fit(&mut record);
            prop_assert!(encode_image(&record).len() < 3100);
        }
    }

    #[test]
    fn files_read_back_whatever_their_path() {
        let long = format!("/photos/{}", "lang/".repeat(700));
        let roles = [FileRole::Primary, FileRole::Raw, FileRole::Motion, FileRole::Original];
        for (path, role) in ["/a.jpg", "/Ünïcode/日本.png", &long, "/a.dng"].into_iter().zip(roles) {
            let record = FileRecord {
                path: path.into(),
                image: ImageId(9),
                role,
                bytes: 10,
                modified: -1,
                changed: 0,
                sidecar_modified: 0,
                missing: true,
            };
            let (hash, value) = encode_file(&record);
            assert_eq!(decode_file(hash, &value), Ok(record));
        }
    }

    #[test]
    fn a_vector_of_another_width_is_damage() {
        let vector = Quantised { scale: 0.01, values: vec![1, -2, 3], residual: vec![] };
        let value = encode_vector(ImageId(1), &vector);
        assert_eq!(decode_vector(ImageId(1), 3, &value).unwrap().quantised(), vector);
        assert!(decode_vector(ImageId(1), 2, &value).is_err());
        assert!(decode_vector(ImageId(1), 4, &value).is_err());
        assert_eq!(decode_vector(ImageId(2), 3, &value).err(), Some(Damage::Checksum));
    }

    #[test]
    fn the_version_of_a_vector_says_what_is_kept_beside_its_plane() {
        let versions = [VECTOR_V1, VECTOR_V2, VECTOR_V3];
        for (storage, version) in VectorStorage::ALL.into_iter().zip(versions) {
            let vector = Quantised::encode_as(storage, &[0.6, -0.8, 0.1]).unwrap();
            let value = encode_vector(ImageId(1), &vector);
            assert_eq!(value[0], version);
            assert_eq!(decode_vector(ImageId(1), 3, &value).unwrap().quantised(), vector);
            for other in each(versions.into_iter().filter(|&other| other != version)) {
                let mut other = Encoder::new(other);
                other.raw(&vector.to_bytes());
                let value = other.seal(Table::Vectors, &keys::image(ImageId(1)));
                assert_eq!(decode_vector(ImageId(1), 3, &value).err(), Some(Damage::Field("width or scale")));
            }
        }
    }

    #[test]
    fn a_place_off_the_earth_is_dropped() {
        for (latitude, longitude) in [(91.0, 0.0), (0.0, 181.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            let mut record = ImageRecord {
                place: Some(Place { latitude, longitude }),
                ..ImageRecord::bare(ContentHash([0; 16]), (1, 1), Format::Jpeg, 1)
            };
            fit(&mut record);
            assert_eq!(record.place, None);
        }
    }
}
