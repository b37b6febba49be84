//! CVAT for images 1.1 with masks: runs of a mask's box, row by row, the first one outside
//! (<https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/>).

use std::fmt::Write;

use glimpse::engine::{Mask, SegmentLabel};

use super::super::escape;
use super::Segmented;
use super::colours::hex;

pub fn write(images: &[Segmented], names: &[String], labels: &[SegmentLabel]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n  <version>1.1</version>\n");
    let size = images.len();
    let _ = writeln!(
        xml,
        "  <meta><task>\n    <name>glimpse</name><size>{size}</size><mode>annotation</mode><overlap>0</overlap>\n    \
         <start_frame>0</start_frame><stop_frame>{}</stop_frame><flipped>False</flipped>\n    <labels>",
        size.saturating_sub(1),
    );
    for (label, number) in labels.iter().zip(1..) {
        let _ = writeln!(
            xml,
            "    <label><name>{}</name><color>{}</color><type>mask</type><attributes></attributes></label>",
            escape(&label.name),
            hex(number)
        );
    }
    xml.push_str("    </labels>\n  </task></meta>\n");
    for (id, (image, name)) in images.iter().zip(names).enumerate() {
        let (name, width, height) = (escape(name), image.width, image.height);
        let _ = writeln!(xml, "  <image id=\"{id}\" name=\"{name}\" width=\"{width}\" height=\"{height}\">");
        for segment in &image.segments {
            let [left, top, wide, high] = segment.mask.bounds();
            let runs: Vec<String> = runs(&segment.mask).iter().map(u32::to_string).collect();
            let _ = writeln!(
                xml,
                "    <mask label=\"{}\" source=\"auto\" occluded=\"0\" rle=\"{}\" left=\"{left}\" top=\"{top}\" \
                 width=\"{wide}\" height=\"{high}\" z_order=\"0\"></mask>",
                escape(&labels[segment.label].name),
                runs.join(", "),
            );
        }
        xml.push_str("  </image>\n");
    }
    xml.push_str("</annotations>\n");
    xml
}

/// The runs of a mask's box, row by row: outside, inside, and so on.
pub(super) fn runs(mask: &Mask) -> Vec<u32> {
    let [left, top, wide, high] = mask.bounds();
    let pixels = mask.pixels();
    let (mut runs, mut inside, mut run) = (Vec::new(), false, 0);
    for (x, y) in (top..top + high).flat_map(|y| (left..left + wide).map(move |x| (x, y))) {
        if pixels[y as usize * mask.width() as usize + x as usize] != inside {
            runs.push(run);
            (inside, run) = (!inside, 0);
        }
        run += 1;
    }
    runs.push(run);
    runs
}
