use std::path::Path;

use glimpse::engine::{LabelMap, Rect, Segment};
use glimpse_nonempty::each;
use image::{Rgb, RgbImage};

use super::*;

/// An image of 6 x 4 pixels: one thing of two columns, and a row of stuff below it.
fn segmentation() -> Segmentation {
    let labels: Vec<u16> = (0..24).map(|i| if i / 6 == 3 { 2 } else { u16::from(matches!(i % 6, 1 | 2)) }).collect();
    let segments = labels.iter().map(|&label| u32::from(label)).collect();
    let segment = |label, score| Segment { label, is_thing: label == 0, score, area: 0.25, rect: Rect::WHOLE };
    let label = |name: &str, is_thing| SegmentLabel { name: name.into(), is_thing };
    Segmentation {
        width: 6,
        height: 4,
        labels: vec![label("dog <1>", true), label("草", false)],
        map: LabelMap { width: 6, height: 4, confidence: vec![0.5; 24], labels, segments },
        segments: vec![segment(0, 0.75), segment(1, 0.5)],
        passes: 1,
    }
}

fn written(formats: &[MaskFormat]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (path, out) = (dir.path().join("a & b.png"), dir.path().join("out"));
    RgbImage::from_pixel(6, 4, Rgb([100; 3])).save(&path).unwrap();
    let mut writer = MaskWriter::new(&out, formats).unwrap();
    writer.add(&Original { path, orientation: None }, &segmentation()).unwrap();
    assert!(writer.finish().unwrap()[0].contains("files"));
    (dir, out)
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn colours_cover_what_has_a_label_and_the_legend_names_them() {
    let (_dir, out) = written(&[MaskFormat::Colour, MaskFormat::Palette]);
    let coloured = image::open(out.join("a & b.png-colour.png")).unwrap().to_rgb8();
    assert_eq!(coloured.get_pixel(4, 1).0, [100; 3], "none");
    assert_eq!(coloured.get_pixel(1, 1).0, [115, 45, 45], "the first label");
    assert_eq!(coloured.get_pixel(2, 1).0, [255; 3], "where the thing ends");
    let file = fs::File::open(out.join("a & b.png-labels.png")).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    assert_eq!(reader.info().color_type, png::ColorType::Indexed);
    assert_eq!(reader.info().palette.as_ref().unwrap()[..9], [0, 0, 0, 128, 0, 0, 0, 128, 0]);
    let mut numbers = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut numbers).unwrap();
    assert_eq!(numbers[..6], [0, 1, 1, 0, 0, 0]);
    assert_eq!(numbers[18..], [2; 6]);
    let legend = fs::read_to_string(out.join("legend.html")).unwrap();
    assert!(legend.contains("dog &lt;1&gt;<td>thing") && legend.contains("草<td>stuff"), "{legend}");
}

#[test]
fn panoptic_pixels_are_numbers_of_segments() {
    let (_dir, out) = written(&[MaskFormat::Panoptic, MaskFormat::Coco]);
    let listed = json(&out.join("panoptic.json"));
    let file = listed["annotations"][0]["file_name"].as_str().unwrap();
    let ids = image::open(out.join("panoptic").join(file)).unwrap().to_rgb8();
    assert_eq!([(0, 0), (1, 0), (0, 3)].map(|(x, y)| ids.get_pixel(x, y).0), [[0; 3], [1, 0, 0], [2, 0, 0]]);
    let infos = &listed["annotations"][0]["segments_info"];
    assert_eq!((infos[0]["area"].as_u64(), infos[1]["category_id"].as_u64()), (Some(6), Some(2)));
    assert_eq!(infos[0]["bbox"], serde_json::json!([1, 0, 2, 3]));
    assert_eq!([0, 1].map(|i| listed["categories"][i]["isthing"].as_u64()), [Some(1), Some(0)]);
    let instances = json(&out.join("instances.json"));
    let segmentation = &instances["annotations"][0]["segmentation"];
    let counts = segmentation["counts"].as_str().unwrap();
    assert_eq!(Mask::from_coco_text(6, 4, counts).unwrap().runs(), [4, 3, 1, 3, 13]);
    assert_eq!(segmentation["size"], serde_json::json!([4, 6]));
}

#[test]
fn cvat_has_runs_of_the_box_row_by_row() {
    let ell = Mask::of(5, 4, |x, y| x == 1 && y > 0 || y == 3 && x == 2);
    assert_eq!(cvat::runs(&ell), [0, 1, 1, 1, 1, 2]);
    let (_dir, out) = written(&[MaskFormat::Cvat]);
    let xml = fs::read_to_string(out.join("annotations.xml")).unwrap();
    assert!(
        xml.contains("<mask label=\"dog &lt;1&gt;\"") && xml.contains("rle=\"0, 6\" left=\"1\" top=\"0\""),
        "{xml}"
    );
}

/// The code read back as its decoders do it.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut at = 0;
    let mut read = |count: usize| {
        let bits = (at..at + count).map(|bit| usize::from(bytes[bit / 8] >> (7 - bit % 8) & 1));
        at += count;
        bits.fold(0, |value, bit| value << 1 | bit)
    };
    let (count, value_bits) = (read(32), read(5) + 1);
    let lengths = [(); 4].map(|()| read(4) + 1);
    let mut values = Vec::new();
    while values.len() < count {
        let same = read(1) == 1;
        let bits = lengths[read(2)];
        let length = read(bits) + 1;
        assert!(same, "only runs are written");
        values.resize(values.len() + length, read(value_bits) as u8);
    }
    values
}

#[test]
fn brush_masks_can_be_unpacked() {
    let (_dir, out) = written(&[MaskFormat::LabelStudio]);
    let tasks = json(&out.join("label-studio.json"));
    let value = &tasks[0]["predictions"][0]["result"][1]["value"];
    assert_eq!(value["brushlabels"][0], "草");
    for mask in
        each([Mask::of(6, 4, |_, y| y == 3), Mask::of(300, 200, |x, y| x + y < 250), Mask::of(3, 3, |_, _| true)])
    {
        let values: Vec<u8> = mask.pixels().into_iter().flat_map(|inside| [if inside { 255 } else { 0 }; 4]).collect();
        assert_eq!(unpacked(&label_studio::pack(&mask)), values);
    }
}

#[test]
fn cutouts_are_clear_outside() {
    let (_dir, out) = written(&[MaskFormat::Cutouts]);
    let cutout = image::open(out.join("a & b.png-草.png")).unwrap().to_rgba8();
    assert_eq!((cutout.dimensions(), cutout.get_pixel(0, 0).0), ((6, 1), [100, 100, 100, 255]));
    assert!(out.join("a & b.png-dog--1-.png").exists());
}
