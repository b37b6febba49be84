//! Tags that people give to images.

use std::collections::BTreeMap;

use super::change::Change;
use super::{Collections, CollectionsError};
use crate::{ContentHash, ReasonCode, Refusal};

/// Most tags that one change names.
const MAX_NAMED: usize = 50;
/// Most tags of an image.
const MAX_TAGS: usize = 100;
/// Longest tag, in bytes.
const MAX_TAG: usize = 200;

/// True if two tags are one, whatever their case.
pub fn same_tag(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

impl Collections {
    /// The tags that somebody gave to an image, in the order in which they came.
    pub fn tags_of(&self, content: &ContentHash) -> Vec<String> {
        self.data.read().tags.get(content).cloned().unwrap_or_default()
    }

    /// Gives images tags, and takes tags away that were given so; `images` come with the keywords
    /// that they have, which are not given again. Gives the images that have others now, each with
    /// the tags that were taken from it.
    ///
    /// # Errors
    /// [`CollectionsError::Refused`] for tags that are empty, too long, too many, or of several
    /// lines; if it cannot be written; then nothing has changed.
    pub fn set_tags(
        &self,
        images: &[(ContentHash, Vec<String>)],
        add: &[String],
        remove: &[String],
    ) -> Result<Vec<(ContentHash, Vec<String>)>, CollectionsError> {
        let (add, remove) = (checked(add)?, checked(remove)?);
        let mut changed = Vec::new();
        self.make(|data| {
            let mut tags = BTreeMap::new();
            for (content, keywords) in images {
                let before = data.tags.get(content).cloned().unwrap_or_default();
                let is_removed = |tag: &String| remove.iter().any(|removed| same_tag(removed, tag));
                let (taken, mut now): (Vec<_>, Vec<_>) = before.iter().cloned().partition(is_removed);
                for tag in &add {
                    if !keywords.iter().chain(&now).any(|known| same_tag(known, tag)) {
                        now.push(tag.clone());
                    }
                }
                if now.len() > MAX_TAGS {
                    let text = format!("an image has {MAX_TAGS} tags at most");
                    return Err(Refusal::new(ReasonCode::TooManyTags, text).at_most(MAX_TAGS).into());
                }
                if now != before {
                    changed.push((*content, taken));
                    tags.insert(*content, now);
                }
            }
            Ok((!tags.is_empty()).then_some(Change::Tags { tags }))
        })?;
        Ok(changed)
    }
}

/// Tags without space around them, each once.
fn checked(tags: &[String]) -> Result<Vec<String>, CollectionsError> {
    if tags.len() > MAX_NAMED {
        let text = format!("{} tags at once; {MAX_NAMED} is the most", tags.len());
        return Err(Refusal::new(ReasonCode::TooManyTags, text).at_most(MAX_NAMED).into());
    }
    let mut checked: Vec<String> = Vec::new();
    let bad = |text: String| Err(Refusal::new(ReasonCode::BadTag, text).at_most(MAX_TAG).into());
    for tag in tags.iter().map(|tag| tag.trim()) {
        if tag.is_empty() {
            return bad("a tag has no letters".into());
        }
        if tag.len() > MAX_TAG {
            return bad(format!("a tag of {} bytes is too long; {MAX_TAG} is the most", tag.len()));
        }
        if tag.chars().any(char::is_control) {
            return bad("a tag is one line of text".into());
        }
        if !checked.iter().any(|known| same_tag(known, tag)) {
            checked.push(tag.to_owned());
        }
    }
    Ok(checked)
}
