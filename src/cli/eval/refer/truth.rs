//! Expressions and the boxes that they refer to: COCO annotations whose images or annotations have
//! captions, or references to annotations, as RefCOCO lists them.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::super::coco_file::{Annotation, CocoFile, Image, parse};
use super::super::read;
use crate::cli::args::EvalReferArgs;
use crate::cli::outcome::CliError;

/// Words for one box of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Relative to the folder of images.
    pub file: PathBuf,
    pub text: String,
    /// Left, top, width and height in pixels.
    pub bbox: [f64; 4],
}

/// An object of an image, and what people said to point it out.
#[derive(Deserialize)]
struct Reference {
    ann_id: u64,
    #[serde(default)]
    split: String,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    sent: String,
}

/// Reads what the arguments name: expressions in the order of their images.
///
/// # Errors
/// If it is in none of the forms, does not fit together, or has no expression.
pub fn expressions(args: &EvalReferArgs) -> Result<Vec<Expression>, CliError> {
    let failed = |reason: String| CliError::new(format!("{}: {reason}", args.data.display()));
    let text = read(&args.data)?;
    let mut all = match &args.annotations {
        Some(path) => {
            let annotations = read(path)?;
            referred(&text, &annotations, args.split.as_deref()).map_err(failed)?
        }
        None => captioned(&text).map_err(failed)?,
    };
    all.truncate(args.limit.unwrap_or(usize::MAX));
    all.sort_by(|a, b| a.file.cmp(&b.file));
    match all.is_empty() {
        true => Err(failed("no expression is in it; a list of references needs --annotations".into())),
        false => Ok(all),
    }
}

/// Annotations with captions of their own, or of their image.
fn captioned(text: &str) -> Result<Vec<Expression>, String> {
    let file: CocoFile = parse(text, "COCO annotations with captions")?;
    let images: HashMap<u64, &Image> = file.images.iter().map(|image| (image.id, image)).collect();
    let expression = |annotation: &Annotation| {
        let image = match images.get(&annotation.image_id) {
            Some(image) => *image,
            None => return Some(Err(format!("an annotation has image {}, which is not listed", annotation.image_id))),
        };
        let text = annotation.caption.as_ref().or(image.caption.as_ref())?.clone();
        Some(expression_of(image, text, annotation))
    };
    file.annotations.iter().filter_map(expression).collect()
}

fn expression_of(image: &Image, text: String, annotation: &Annotation) -> Result<Expression, String> {
    Ok(Expression { file: image.file()?, text, bbox: annotation.bbox()? })
}

/// References to annotations.
fn referred(text: &str, annotations: &str, split: Option<&str>) -> Result<Vec<Expression>, String> {
    let references: Vec<Reference> = parse(text, "a list of references")?;
    let file: CocoFile = parse(annotations, "COCO annotations").map_err(|reason| format!("--annotations: {reason}"))?;
    let images: HashMap<u64, &Image> = file.images.iter().map(|image| (image.id, image)).collect();
    let known: HashMap<u64, &Annotation> =
        file.annotations.iter().map(|annotation| (annotation.id, annotation)).collect();
    let mut expressions = Vec::new();
    for reference in references.iter().filter(|reference| split.is_none_or(|split| reference.split == split)) {
        let annotation = known.get(&reference.ann_id);
        let found = annotation.and_then(|annotation| Some((annotation, images.get(&annotation.image_id)?)));
        let (annotation, image) = found.ok_or_else(|| format!("annotation {} is not listed", reference.ann_id))?;
        for sentence in &reference.sentences {
            expressions.push(expression_of(image, sentence.sent.clone(), annotation)?);
        }
    }
    Ok(expressions)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn captions_of_images_and_of_annotations_are_expressions() {
        let text = r#"{"images": [{"id": 1, "file_name": "a.jpg", "caption": "the left dog"}, {"id": 2, "file_name": "b.jpg"}],
            "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}, {"image_id": 2, "bbox": [5, 6, 7, 8], "caption": "a ball"},
                            {"image_id": 2, "bbox": [0, 0, 1, 1]}]}"#;
        let all = captioned(text).unwrap();
        let [first, second] = &all[..] else { panic!("{all:?}") };
        assert_eq!((&first.text[..], first.bbox), ("the left dog", [1.0, 2.0, 3.0, 4.0]));
        assert_eq!((&second.text[..], second.file.to_str()), ("a ball", Some("b.jpg")));
        assert!(
            captioned(&text.replace("\"image_id\": 1", "\"image_id\": 9"))
                .is_err_and(|error| error.contains("image 9"))
        );
    }

    #[test]
    fn references_are_those_of_a_split() {
        let refs = r#"[{"ann_id": 7, "split": "val", "sentences": [{"sent": "man"}, {"sent": "tall man"}]},
                       {"ann_id": 8, "split": "testA", "sentences": [{"sent": "cup"}]}]"#;
        let annotations = r#"{"images": [{"id": 1, "file_name": "a.jpg"}],
            "annotations": [{"id": 7, "image_id": 1, "bbox": [1, 2, 3, 4]}, {"id": 8, "image_id": 1, "bbox": [5, 6, 7, 8]}]}"#;
        let texts = |split| {
            let all = referred(refs, annotations, split).unwrap();
            all.into_iter().map(|expression| expression.text).collect::<Vec<_>>()
        };
        assert_eq!(texts(None), ["man", "tall man", "cup"]);
        assert_eq!(texts(Some("testA")), ["cup"]);
        let odd = refs.replace("\"ann_id\": 7", "\"ann_id\": 70");
        assert!(referred(&odd, annotations, None).is_err_and(|error| error.contains("annotation 70")));
    }
}
