//! A query with its files read: what is asked, whatever the disk does afterwards.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse_encoder::files;
use glimpse_encoder::image_file::Limits;
use glimpse_indexer::{Filter, ImageId};

use crate::{Depth, EngineError, Mode, Query, Sort, Source};

/// A query that stands by itself.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub terms: Vec<(Asked, f32)>,
    pub filter: Filter,
    pub mode: Mode,
    pub sort: Sort,
    pub depth: Depth,
    /// Hash of all of the above, as it was asked.
    pub digest: u64,
}

/// What a term asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    Text(String),
    /// The bytes of an image, and the file that they come from.
    Bytes(Arc<[u8]>, Option<PathBuf>),
    Image(ImageId),
}

impl Question {
    /// Reads the files that a query names.
    pub fn read(query: &Query) -> Result<Self, EngineError> {
        let terms = query
            .terms
            .iter()
            .map(|term| {
                let asked = match &term.source {
                    Source::Text(text) => Asked::Text(text.trim().to_owned()),
                    Source::File(path) => Asked::Bytes(read_file(path)?.into(), Some(path.clone())),
                    Source::Bytes(bytes) => Asked::Bytes(Arc::clone(bytes), None),
                    Source::Image(id) => Asked::Image(*id),
                };
                Ok((asked, term.weight))
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        let (filter, mode, sort, depth) = (query.filter.clone(), query.mode, query.sort, query.depth);
        let digest = digest(&terms, &format!("{filter:?} {mode:?} {sort:?} {depth:?}"));
        Ok(Self { terms, filter, mode, sort, depth, digest })
    }

    /// The same without images that are not in the library any more, and how many these are: one of
    /// many that is gone is no reason to find nothing.
    ///
    /// # Errors
    /// [`EngineError::ExamplesGone`] if there is nothing else to look for.
    pub fn of_known(self, is_known: impl Fn(ImageId) -> bool) -> Result<(Self, usize), EngineError> {
        let all = self.terms.len();
        let is_gone = |asked: &Asked| matches!(asked, Asked::Image(id) if !is_known(*id));
        let is_left = |terms: &[(Asked, f32)]| terms.iter().any(|(_, weight)| *weight > 0.0);
        let had_wishes = is_left(&self.terms);
        let terms: Vec<_> = self.terms.iter().filter(|(asked, _)| !is_gone(asked)).cloned().collect();
        let count = all - terms.len();
        match count > 0 && (terms.is_empty() || had_wishes && !is_left(&terms)) {
            true => Err(EngineError::ExamplesGone { count }),
            false => Ok((Self { terms, ..self }, count)),
        }
    }

    /// The words that are asked for, if there are any.
    pub fn words(&self) -> Option<String> {
        let wanted: Vec<&str> = self.texts(|weight| weight > 0.0).collect();
        (!wanted.is_empty()).then(|| wanted.join(" "))
    }

    /// The text, if it is all that is asked for.
    pub fn only_text(&self) -> Option<&str> {
        match self.terms.as_slice() {
            [(Asked::Text(text), weight)] if *weight > 0.0 => Some(text),
            _ => None,
        }
    }

    /// The texts that are asked against.
    pub fn unwanted(&self) -> impl Iterator<Item = &str> {
        self.texts(|weight| weight < 0.0)
    }

    /// Texts of some weights.
    pub fn texts(&self, of: impl Fn(f32) -> bool) -> impl Iterator<Item = &str> {
        let terms = self.terms.iter().filter(move |(_, weight)| of(*weight));
        terms.filter_map(|(asked, _)| if let Asked::Text(text) = asked { Some(text.as_str()) } else { None })
    }

    /// Library images among the terms that are no hits: those that are asked against, and an
    /// example without words. With words beside it, an example is often their best hit.
    pub fn left_out(&self) -> impl Iterator<Item = ImageId> {
        let has_words = self.texts(|weight| weight > 0.0).next().is_some();
        let images = self.terms.iter().filter(move |(_, weight)| *weight < 0.0 || !has_words);
        images.filter_map(|(asked, _)| if let Asked::Image(id) = asked { Some(*id) } else { None })
    }

    /// The same without the images that are asked for, if there are words and such images.
    pub fn without_examples(&self) -> Option<Self> {
        let is_example = |(asked, weight): &&(Asked, f32)| *weight > 0.0 && !matches!(asked, Asked::Text(_));
        let has_words = self.texts(|weight| weight > 0.0).next().is_some();
        let has_examples = self.terms.iter().any(|term| is_example(&term));
        let terms = self.terms.iter().filter(|term| !is_example(term)).cloned().collect();
        (has_words && has_examples).then(|| Self { terms, depth: Depth::Strict, ..self.clone() })
    }
}

/// Every part is preceded by its kind and length, so that different queries never give the same
/// bytes.
fn digest(terms: &[(Asked, f32)], rest: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    let mut part = |kind: u8, bytes: &[u8]| {
        hasher.update(&[kind]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    for (asked, weight) in terms {
        match asked {
            Asked::Text(text) => part(0, text.as_bytes()),
            Asked::Bytes(bytes, _) => part(1, bytes),
            Asked::Image(id) => part(2, &id.0.to_le_bytes()),
        }
        part(3, &weight.to_le_bytes());
    }
    part(4, rest.as_bytes());
    u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default())
}

/// An image file, not read further than an image may be long.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, EngineError> {
    let failed = |source| EngineError::Io { path: path.to_path_buf(), source };
    let limit = Limits::default().max_bytes;
    let file = files::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(EngineError::BadRequest(format!("{}: larger than {} MB", path.display(), limit >> 20)));
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn digests_tell_queries_apart_and_pages_not() {
        let of = |query: &Query| Question::read(query).unwrap().digest;
        let base = Query::text("red");
        let mut others = vec![
            Query::text("red ").plus(Source::Text("x".into()), 1.0),
            Query::text("redx"),
            Query { depth: Depth::All, ..base.clone() },
            Query { depth: Depth::Strict, ..base.clone() },
            Query { sort: Sort::Newest, ..base.clone() },
            Query { mode: Mode::Words, ..base.clone() },
            Query { filter: Filter { cameras: vec!["x".into()], ..Filter::default() }, ..base.clone() },
            Query::default().plus(Source::Text("red".into()), 0.5),
            Query::default().plus(Source::Bytes((*b"red").into()), 1.0),
        ];
        others.push(base.clone());
        let digests: std::collections::HashSet<u64> = others.iter().map(of).collect();
        assert_eq!(digests.len(), others.len());
        assert_eq!(of(&base), of(&Query { limit: 3, cursor: Some(crate::Cursor("x".into())), ..Query::text(" red") }));
    }

    #[test]
    fn images_that_are_gone_are_left_out_while_something_is_left() {
        let known = |id: ImageId| id.0 < 10;
        let ask = |terms: &[(Source, f32)]| {
            let query =
                terms.iter().fold(Query::default(), |query, (source, weight)| query.plus(source.clone(), *weight));
            let question = Question::read(&query).unwrap();
            let digest = question.digest;
            let left = question.of_known(known).map(|(left, gone)| {
                assert_eq!(left.digest, digest, "a cursor goes on");
                (left.terms.len(), gone)
            });
            left.map_err(|error| error.to_string())
        };
        let (image, text) = (|id| Source::Image(ImageId(id)), || Source::Text("red".into()));
        assert_eq!(ask(&[(image(1), 0.5), (image(2), 0.5)]), Ok((2, 0)));
        assert_eq!(ask(&[(image(1), 0.5), (image(20), 0.5)]), Ok((1, 1)));
        assert_eq!(ask(&[(text(), 1.0), (image(20), 1.0)]), Ok((1, 1)));
        assert_eq!(ask(&[(text(), 1.0), (image(20), -1.0)]), Ok((1, 1)));
        assert_eq!(ask(&[]), Ok((0, 0)));
        assert!(ask(&[(image(20), 1.0)]).unwrap_err().starts_with("the image to search with"));
        assert!(ask(&[(image(20), 0.5), (image(30), 0.5)]).unwrap_err().starts_with("none of the 2 images"));
        assert!(ask(&[(image(20), 1.0), (text(), -1.0)]).is_err(), "what is left says only what not to find");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Question::read(&Query::default().plus(Source::File("no/such.jpg".into()), 1.0)).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::NotFound);
        assert!(error.to_string().contains("no/such.jpg"));
    }
}
