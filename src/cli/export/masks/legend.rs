//! What the colours and numbers mean: a page, since labels may be in any script.

use std::fmt::Write;

use glimpse::engine::SegmentLabel;

use super::super::escape;
use super::colours::hex;

pub fn write(labels: &[SegmentLabel]) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Legend</title>\n<style>body{font:16px sans-serif}\
         i{display:inline-block;width:1.5em;height:1em;border:1px solid #888}td,th{padding:.2em .6em;text-align:start}</style>\n\
         <table>\n<tr><th>Colour<th>Number<th>Label<th>Kind</tr>\n",
    );
    let _ = writeln!(page, "<tr><td><i style=\"background:{}\"></i><td>0<td>(none of these)<td></tr>", hex(0));
    for (label, number) in labels.iter().zip(1..) {
        let kind = if label.is_thing { "thing" } else { "stuff" };
        let _ = writeln!(
            page,
            "<tr><td><i style=\"background:{}\"></i><td>{number}<td dir=\"auto\">{}<td>{kind}</tr>",
            hex(number),
            escape(&label.name)
        );
    }
    page.push_str("</table>\n</html>\n");
    page
}
