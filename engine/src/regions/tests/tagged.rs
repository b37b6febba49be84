//! Tags of parts of images.

use super::*;
use crate::TagOptions;

#[test]
fn parts_of_images_are_tagged_with_the_label_that_they_show() {
    let world = world();
    let labels = ["red", "blue", "umbrella"].map(str::to_owned);
    let tagged = world.engine.tag_regions(&labels, &TagOptions::default()).unwrap();
    assert_eq!(tagged.len(), 34, "all images, tagged or not");
    let of = |name: &str| {
        let id = world.id(name);
        let regions = &tagged.iter().find(|image| image.id == id).unwrap().regions;
        let mut tags: Vec<_> = regions.iter().map(|tag| (tag.label.as_str(), tag.rect)).collect();
        tags.sort_by_key(|(label, _)| *label);
        tags
    };
    let (upper_left, lower_right) =
        (Rect { left: 0.0, top: 0.0, right: 0.5, bottom: 0.5 }, Rect { left: 0.5, top: 0.5, right: 1.0, bottom: 1.0 });
    assert_eq!(of("red"), [("red", upper_left)]);
    assert_eq!(of("both"), [("blue", lower_right), ("red", upper_left)]);
    assert!(of("crowd-3").is_empty());
    let one = TagOptions { max_tags: 1, ..TagOptions::default() };
    let tagged = world.engine.tag_regions(&labels, &one).unwrap();
    assert!(tagged.iter().every(|image| image.regions.len() <= 1));
    let usual = world.engine.tag_regions(&[], &one).unwrap();
    assert_eq!(usual.len(), 34, "without keywords, with common words");
}
