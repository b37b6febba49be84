//! From the label of each pixel to segments.

use super::options::SegmentOptions;
use super::segmentation::{LabelMap, Segment, SegmentLabel, Segmentation};
use glimpse_encoder::dense::Rect;

/// Pixels of one label that hang together.
struct Part {
    label: u16,
    pixels: Vec<usize>,
}

/// Gives specks to what surrounds them, and makes segments of the rest. Of the answer only the map
/// and the segments are filled in.
pub(super) fn segments(mut map: LabelMap, labels: &[SegmentLabel], options: &SegmentOptions) -> Segmentation {
    clear_doubtful(&mut map, options.min_score);
    absorb_specks(&mut map, options.min_area);
    let is_own = |part: &Part| options.panoptic && labels[usize::from(part.label) - 1].is_thing;
    let mut groups: Vec<(u16, bool, Vec<usize>)> = Vec::new();
    for part in parts(&map).into_iter().filter(|part| part.label > 0) {
        let own = is_own(&part);
        match groups.iter_mut().find(|(label, is_thing, _)| !own && !*is_thing && *label == part.label) {
            Some((_, _, pixels)) => pixels.extend(part.pixels),
            None => groups.push((part.label, own, part.pixels)),
        }
    }
    groups.sort_by_key(|(label, _, pixels)| (std::cmp::Reverse(pixels.len()), *label));
    map.segments = vec![0; map.labels.len()];
    let segments = groups.into_iter().zip(1..).map(|((label, is_thing, pixels), id)| {
        pixels.iter().for_each(|&pixel| map.segments[pixel] = id);
        let score = pixels.iter().map(|&pixel| map.confidence[pixel]).sum::<f32>() / pixels.len() as f32;
        let area = pixels.len() as f32 / map.labels.len() as f32;
        let rect = around(&pixels, map.width as usize, map.height as usize);
        Segment { label: usize::from(label) - 1, is_thing, score, area, rect }
    });
    let segments = segments.collect();
    Segmentation { width: map.width, height: map.height, labels: Vec::new(), map, segments, passes: 0 }
}

/// Takes the label from parts of which no pixel reaches `min_score`.
fn clear_doubtful(map: &mut LabelMap, min_score: f32) {
    for part in parts(map).into_iter().filter(|part| part.label > 0) {
        let best = part.pixels.iter().map(|&pixel| map.confidence[pixel]).fold(0.0, f32::max);
        if best < min_score {
            for pixel in part.pixels {
                (map.labels[pixel], map.confidence[pixel]) = (0, 1.0 - map.confidence[pixel]);
            }
        }
    }
}

/// Parts below a share of the image take the label that they share the longest border with.
fn absorb_specks(map: &mut LabelMap, min_area: f32) {
    let least = min_area * map.labels.len() as f32;
    let (width, height) = (map.width as usize, map.height as usize);
    let mut specks: Vec<Part> = parts(map).into_iter().filter(|part| (part.pixels.len() as f32) < least).collect();
    specks.sort_by_key(|part| part.pixels.len());
    for speck in specks {
        let mut borders: Vec<(u16, usize, f32)> = Vec::new();
        let outside = speck.pixels.iter().flat_map(|&pixel| neighbours(pixel, width, height));
        for other in outside.filter(|&other| map.labels[other] != speck.label) {
            let (label, confidence) = (map.labels[other], map.confidence[other]);
            match borders.iter_mut().find(|(known, ..)| *known == label) {
                Some((_, length, sum)) => (*length, *sum) = (*length + 1, *sum + confidence),
                None => borders.push((label, 1, confidence)),
            }
        }
        let Some((label, length, sum)) = borders.into_iter().max_by_key(|(label, length, _)| (*length, *label)) else {
            continue; // the whole image
        };
        for pixel in speck.pixels {
            (map.labels[pixel], map.confidence[pixel]) = (label, sum / length as f32);
        }
    }
}

/// All pixels, by what hangs together, in order of appearance.
fn parts(map: &LabelMap) -> Vec<Part> {
    let (width, height) = (map.width as usize, map.height as usize);
    let mut taken = vec![false; map.labels.len()];
    let mut parts = Vec::new();
    for start in 0..map.labels.len() {
        if std::mem::replace(&mut taken[start], true) {
            continue;
        }
        let (label, mut pixels, mut next) = (map.labels[start], vec![start], 0);
        while let Some(&pixel) = pixels.get(next) {
            next += 1;
            for other in neighbours(pixel, width, height) {
                if map.labels[other] == label && !std::mem::replace(&mut taken[other], true) {
                    pixels.push(other);
                }
            }
        }
        parts.push(Part { label, pixels });
    }
    parts
}

/// The pixels above, left, right and below.
fn neighbours(pixel: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (pixel % width, pixel / width);
    let around = [
        (y > 0).then(|| pixel - width),
        (x > 0).then(|| pixel - 1),
        (x + 1 < width).then(|| pixel + 1),
        (y + 1 < height).then(|| pixel + width),
    ];
    around.into_iter().flatten()
}

fn around(pixels: &[usize], width: usize, height: usize) -> Rect {
    let (mut left, mut top, mut right, mut bottom) = (width, height, 0, 0);
    for pixel in pixels {
        let (x, y) = (pixel % width, pixel / width);
        (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
    }
    let (width, height) = (width as f32, height as f32);
    Rect {
        left: left as f32 / width,
        top: top as f32 / height,
        right: right as f32 / width,
        bottom: bottom as f32 / height,
    }
}
