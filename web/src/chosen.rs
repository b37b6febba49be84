//! Images that a client has chosen, as lists of their numbers.

use std::collections::HashSet;
use std::fmt;

use glimpse_engine::ImageId;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Most images of a list.
pub const MAX_CHOSEN: usize = 50_000;

/// Numbers of images, each once, in the order given: a list, or a text with commas between them, as
/// a form sends it. Reading ends where there are too many. It is written as a list of numbers, as
/// in the description of the API.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct ChosenImages(pub Vec<ImageId>);

impl<'de> Deserialize<'de> for ChosenImages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Numbers)
    }
}

struct Numbers;

impl<'de> Visitor<'de> for Numbers {
    type Value = ChosenImages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the numbers of at most {MAX_CHOSEN} images")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ChosenImages, E> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let number =
            |part: &str| part.parse().map_err(|_| E::custom(format!("`{part}` is not the number of an image")));
        let mut chosen = Chosen::default();
        parts.map(number).try_for_each(|number| chosen.add(number?))?;
        Ok(chosen.done())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ChosenImages, A::Error> {
        let mut chosen = Chosen::default();
        while let Some(number) = list.next_element()? {
            chosen.add(number)?;
        }
        Ok(chosen.done())
    }
}

#[derive(Default)]
struct Chosen {
    images: Vec<ImageId>,
    known: HashSet<u64>,
}

impl Chosen {
    fn add<E: Error>(&mut self, number: u64) -> Result<(), E> {
        if self.known.insert(number) {
            self.images.push(ImageId(number));
        }
        match self.images.len() <= MAX_CHOSEN {
            true => Ok(()),
            false => Err(E::custom(format!("more than {MAX_CHOSEN} images; ask for them in parts"))),
        }
    }

    fn done(self) -> ChosenImages {
        ChosenImages(self.images)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(json: &str) -> Result<Vec<u64>, String> {
        let chosen: Result<ChosenImages, _> = serde_json::from_str(json);
        chosen.map(|chosen| chosen.0.iter().map(|id| id.0).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_and_texts_are_read_once_each() {
        assert_eq!(read("[3, 1, 3]").unwrap(), [3, 1]);
        assert_eq!(read(r#""3, 1,3,""#).unwrap(), [3, 1]);
        assert_eq!(read(r#""""#).unwrap(), [0; 0]);
        for wrong in ["[-1]", "[1.5]", r#"["1"]"#, r#""1;2""#, r#""18446744073709551616""#, "{}", "7", "null"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let most: Vec<usize> = (0..MAX_CHOSEN).collect();
        assert_eq!(read(&format!("{most:?}")).unwrap().len(), MAX_CHOSEN);
        let more: Vec<usize> = (0..=MAX_CHOSEN).collect();
        assert!(read(&format!("{more:?}")).unwrap_err().contains("in parts"));
    }
}
