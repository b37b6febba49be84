//! CVAT for images 1.1 (<https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/>).

use std::fmt::Write;

use super::{Annotated, escape, labels, names_of, paths};

pub fn write(images: &[&Annotated<'_>]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n  <version>1.1</version>\n");
    let size = images.len();
    let _ = writeln!(
        xml,
        "  <meta><task>\n    <name>glimpse</name><size>{size}</size><mode>annotation</mode><overlap>0</overlap>\n    \
         <start_frame>0</start_frame><stop_frame>{}</stop_frame><flipped>False</flipped>\n    <labels>",
        size.saturating_sub(1),
    );
    for label in labels(images) {
        let _ = writeln!(
            xml,
            "    <label><name>{}</name><type>rectangle</type><attributes></attributes></label>",
            escape(label)
        );
    }
    xml.push_str("    </labels>\n  </task></meta>\n");
    for (id, (image, name)) in images.iter().zip(names_of(&paths(images))).enumerate() {
        let (name, width, height) = (escape(&name), image.width, image.height);
        let _ = writeln!(xml, "  <image id=\"{id}\" name=\"{name}\" width=\"{width}\" height=\"{height}\">");
        for found in &image.boxes {
            let [left, top, wide, high] = found.rect.pixels(width, height);
            let _ = writeln!(
                xml,
                "    <box label=\"{}\" source=\"auto\" occluded=\"0\" xtl=\"{left:.2}\" ytl=\"{top:.2}\" \
                 xbr=\"{:.2}\" ybr=\"{:.2}\" z_order=\"0\"></box>",
                escape(&found.label),
                left + wide,
                top + high,
            );
        }
        xml.push_str("  </image>\n");
    }
    xml.push_str("</annotations>\n");
    xml
}
