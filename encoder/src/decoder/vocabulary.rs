//! What the decoder reads and says, as token ids.
//!
//! ```text
//! Cap     <cap> <language> words <end>                     a caption
//! ARef    <aref + expression> left bottom right top <end>  the box of an expression, given as its embedding
//! GCap    <gcap> <language> left bottom right top <:> words <end>
//! ```
//!
//! Coordinates are whole numbers from 0 to 500 across the image, in LocCa's order, a token each.
//! The first ids are those of [`super::token_ids`], then one a language, one a coordinate, and one
//! for each piece of the tower's tokenizer that is in use.

use super::config::Config;
use super::net::Token;
use super::token_ids::{AREF, CAP, COORDINATES, GCAP, LANGUAGE, SEPARATOR, START};
use crate::EncodeError;
use crate::dense::Rect;

pub(super) struct Vocabulary {
    config: Config,
}

impl Vocabulary {
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    pub fn languages(&self) -> &[String] {
        &self.config.languages
    }

    /// Most tokens of a sequence.
    pub fn length(&self) -> usize {
        self.config.length
    }

    pub fn first_coordinate(&self) -> u32 {
        LANGUAGE + self.config.languages.len() as u32
    }

    pub fn first_piece(&self) -> u32 {
        self.first_coordinate() + COORDINATES
    }

    pub fn caption_prefix(&self, language: &str) -> Result<Vec<Token<'static>>, EncodeError> {
        Ok([START, CAP, self.language(language)?].map(Token::from).to_vec())
    }

    pub fn any_region_prefix(&self, language: &str) -> Result<Vec<Token<'static>>, EncodeError> {
        Ok([START, GCAP, self.language(language)?].map(Token::from).to_vec())
    }

    pub fn region_prefix(&self, language: &str, region: Rect) -> Result<Vec<Token<'static>>, EncodeError> {
        let place = |share: f32| self.first_coordinate() + (500.0 * share.clamp(0.0, 1.0)).round() as u32;
        let sides = [region.left, region.bottom, region.right, region.top].map(place);
        let given = sides.into_iter().chain([SEPARATOR]).map(Token::from);
        Ok(self.any_region_prefix(language)?.into_iter().chain(given).collect())
    }

    pub fn expression_prefix<'a>(&self, expression: &'a [f32]) -> [Token<'a>; 2] {
        [START.into(), Token { id: AREF, expression: Some(expression) }]
    }

    /// The box that four coordinates say.
    pub fn region(&self, ids: &[u32]) -> Rect {
        let share = |i: usize| (ids[i] - self.first_coordinate()) as f32 / (COORDINATES - 1) as f32;
        Rect { left: share(0), bottom: share(1), right: share(2), top: share(3) }
    }

    /// The text that pieces say; other tokens are silent.
    pub fn text(&self, ids: &[u32]) -> String {
        let mut bytes = Vec::new();
        for id in ids.iter().filter_map(|id| id.checked_sub(self.first_piece())) {
            let piece = self.config.texts[id as usize].as_str();
            let byte = piece.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
            match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend(piece.replace('\u{2581}', " ").bytes()),
            }
        }
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    fn language(&self, code: &str) -> Result<u32, EncodeError> {
        let known = self.config.languages.iter().position(|language| language == code);
        known.map(|i| LANGUAGE + i as u32).ok_or_else(|| EncodeError::Decoder {
            reason: format!("it has no captions in `{code}`; it knows {}", self.config.languages.join(", ")),
        })
    }
}
