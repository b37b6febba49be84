//! A saved search as it is asked now: images that it names by number, in its query and in its
//! address, get the numbers that they have today.

use std::collections::HashSet;

use actix_web::web;
use glimpse_engine::{Engine, EngineError, ImageId, SavedSearch};
use serde_json::Value;

/// Stands for an image that is not in the library now: the largest number that all programs which
/// read JSON can hold, and none that an image has.
const GONE: u64 = (1 << 53) - 1;

/// What a saved search asks, for today's library.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedQuery {
    /// A body of `POST /api/v1/search`, `/find` or `/similar`.
    pub query: Value,
    /// The same as an address of the page.
    pub address: Option<String>,
}

impl SavedQuery {
    /// Reads a saved search; `None` for one of another version of this program.
    ///
    /// # Errors
    /// If there is no library.
    pub fn read(engine: &Engine, search: &SavedSearch) -> Result<Option<Self>, EngineError> {
        let Ok(query) = serde_json::from_str(&search.query) else { return Ok(None) };
        let mut saved = Self { query, address: search.address.clone() };
        if let Some(now) = engine.numbers_now(search)? {
            saved.renumber(|number| now.get(&ImageId(number)).map_or(GONE, |id| id.0));
        }
        Ok(Some(saved))
    }

    /// The images that it names by number.
    pub fn images(&self) -> Vec<ImageId> {
        let mut named = HashSet::new();
        self.clone().renumber(|number| {
            named.insert(number);
            number
        });
        named.into_iter().map(ImageId).collect()
    }

    fn renumber(&mut self, mut now: impl FnMut(u64) -> u64) {
        let mut change = |asked: &mut Value| {
            if let Some(image) = asked.get_mut("image")
                && let Some(number) = image.as_u64()
            {
                *image = now(number).into();
            }
        };
        change(&mut self.query);
        self.query.get_mut("terms").and_then(Value::as_array_mut).into_iter().flatten().for_each(change);
        if let Some(address) = &mut self.address {
            let parts: Vec<String> = address.split('&').map(|part| part_with(part, &mut now)).collect();
            *address = parts.join("&");
        }
    }
}

/// A `name=value` of an address, with other numbers if it is a chip of images, or an open image.
fn part_with(part: &str, now: &mut impl FnMut(u64) -> u64) -> String {
    let read = |part: &str| web::Query::<Vec<(String, String)>>::from_query(part).ok()?.into_inner().pop();
    let (start, pair) = part.split_at(usize::from(part.starts_with('?')));
    let changed = read(pair).and_then(|(name, value)| {
        let new = match name.as_str() {
            "c" => chip_with(&value, now)?,
            "view" => now(value.parse().ok()?).to_string(),
            _ => return None,
        };
        (new != value).then(|| format!("{start}{name}={}", encoded(&new)))
    });
    changed.unwrap_or_else(|| part.to_owned())
}

/// A chip as `state.js` writes them: `i:WEIGHT:IMAGE`, `r:IMAGE:BOX`, `s:WEIGHT:COUNT:IMAGE.IMAGE`;
/// `None` for one of another kind.
fn chip_with(chip: &str, now: &mut impl FnMut(u64) -> u64) -> Option<String> {
    let parts: Vec<&str> = chip.split(':').collect();
    let mut with = |number: &str| Some(now(number.parse().ok()?).to_string());
    Some(match parts[..] {
        ["i", weight, image] => format!("i:{weight}:{}", with(image)?),
        ["r", image, rect] => format!("r:{}:{rect}", with(image)?),
        ["s", weight, count, images] => {
            let images: Vec<String> = images.split('.').map(with).collect::<Option<_>>()?;
            format!("s:{weight}:{count}:{}", images.join("."))
        }
        _ => return None,
    })
}

/// As browsers write the values of an address.
fn encoded(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    let written = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(written).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_number_of_an_image_is_another_and_all_else_stays() {
        for (query, address, numbers, new_query, new_address) in each([
            (
                json!({"terms": [{"text": "7 dogs", "weight": 7}, {"image": 7, "weight": 1.0}, {"image": 9}]}),
                "?q=c%3Ai%3A1%3A7&c=i%3A1%3A7&c=t%3A1%3Ai%3A1%3A7&c=i%3A-0.5%3A9&view=7",
                &[7, 9][..],
                json!({"terms": [{"text": "7 dogs", "weight": 7}, {"image": 107, "weight": 1.0}, {"image": 109}]}),
                "?q=c%3Ai%3A1%3A7&c=i%3A1%3A107&c=t%3A1%3Ai%3A1%3A7&c=i%3A-0.5%3A109&view=107",
            ),
            (
                json!({"terms": [{"image": 3}, {"image": 4}], "limit": 3}),
                "?c=s:1:40:3.4&sort=newest",
                &[3, 4],
                json!({"terms": [{"image": 103}, {"image": 104}], "limit": 3}),
                "?c=s%3A1%3A40%3A103.104&sort=newest",
            ),
            (
                json!({"image": 5, "box": {"x": 5, "y": 5, "width": 5, "height": 5}}),
                "?find=1&c=r%3A5%3A5%2C5%2C5%2C5",
                &[5],
                json!({"image": 105, "box": {"x": 5, "y": 5, "width": 5, "height": 5}}),
                "?find=1&c=r%3A105%3A5%2C5%2C5%2C5",
            ),
            (
                json!({"things": [{"text": "i:1:7"}]}),
                "?find=1&c=n:1-:i:1:7",
                &[],
                json!({"things": [{"text": "i:1:7"}]}),
                "?find=1&c=n:1-:i:1:7",
            ),
        ]) {
            let mut saved = SavedQuery { query, address: Some(address.to_owned()) };
            let mut images = saved.images();
            images.sort_unstable();
            assert_eq!(images, numbers.iter().copied().map(ImageId).collect::<Vec<_>>(), "{address}");
            saved.renumber(|number| number + 100);
            assert_eq!((&saved.query, saved.address.as_deref()), (&new_query, Some(new_address)));
        }
    }
}
