//! The words of a query: `dog + 2:ball - ./beach.jpg`.
//!
//! ```text
//! query  = term { sign term }
//! sign   = "+" | "-"                      a word of its own, inside a quoted group too
//! term   = [ number ":" ] ( path | words )
//! path   = a word that starts with "./", "../" or "/"; the words after it are a term of their own
//! ```

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use glimpse::engine::query::at_signs;
use glimpse::{Source, Term};

use crate::cli::outcome::CliError;

/// Reads the words as the shell gave them. A quoted group of words is one word, but signs in it
/// count: `'cat - dog'` is what `cat - dog` is. In double quotes of its own (`'"cat - dog"'`) they
/// are text.
pub fn parse(words: &[OsString]) -> Result<Vec<Term>, CliError> {
    let mut terms = Vec::new();
    let mut current = Draft::default();
    for word in words {
        let pieces = match word.to_str() {
            Some(text) if as_path(word).is_none() => at_signs(text).into_iter().map(OsStr::new).collect(),
            _ => vec![word.as_os_str()],
        };
        for piece in pieces {
            match piece.to_str() {
                Some("+") => current.next(1.0, &mut terms)?,
                Some("-" | "−") => current.next(-1.0, &mut terms)?,
                _ => current.take(piece, &mut terms)?,
            }
        }
    }
    current.end(&mut terms)?;
    Ok(terms)
}

/// A term that is being read.
struct Draft {
    /// The sign before it, if one was written.
    sign: Option<f32>,
    weight: f32,
    words: Vec<String>,
    /// A path has ended it already.
    complete: bool,
}

impl Default for Draft {
    fn default() -> Self {
        Self { sign: None, weight: 1.0, words: Vec::new(), complete: false }
    }
}

impl Draft {
    fn signed_weight(&self) -> f32 {
        self.sign.unwrap_or(1.0) * self.weight
    }

    /// Ends this term at a sign.
    fn next(&mut self, sign: f32, terms: &mut Vec<Term>) -> Result<(), CliError> {
        std::mem::take(self).end(terms)?;
        self.sign = Some(sign);
        Ok(())
    }

    fn end(self, terms: &mut Vec<Term>) -> Result<(), CliError> {
        let weight = self.signed_weight();
        match (self.words.is_empty(), self.sign) {
            (false, _) => terms.push(Term { source: Source::Text(self.words.join(" ")), weight }),
            (true, Some(sign)) if !self.complete => {
                let sign = if sign > 0.0 { '+' } else { '-' };
                return Err(CliError::with_hint(format!("nothing follows `{sign}`"), "see `glimpse search --help`"));
            }
            _ => {}
        }
        Ok(())
    }

    fn take(&mut self, word: &OsStr, terms: &mut Vec<Term>) -> Result<(), CliError> {
        let (weight, rest) = match self.words.is_empty() && !self.complete {
            true => split_weight(word)?,
            false => (None, word),
        };
        if let Some(path) = as_path(rest) {
            let sign = self.sign;
            if !self.words.is_empty() {
                std::mem::take(self).end(terms)?;
            }
            if !path.is_file() {
                let hint = "a word that starts with `./`, `../` or `/` means an image file";
                return Err(CliError::with_hint(format!("{}: no such file", path.display()), hint));
            }
            let weight = sign.unwrap_or(1.0) * weight.unwrap_or(1.0);
            terms.push(Term { source: Source::File(path), weight });
            *self = Self { complete: true, sign, ..Self::default() };
            return Ok(());
        }
        let text = rest.to_str().ok_or_else(|| CliError::new(format!("{}: not UTF-8", rest.display())))?;
        self.weight = weight.unwrap_or(self.weight);
        self.words.push(text.to_owned());
        Ok(())
    }
}

/// `2:dog` to 2 and `dog`; a word without a number before a colon stays whole.
fn split_weight(word: &OsStr) -> Result<(Option<f32>, &OsStr), CliError> {
    let parts = word.to_str().and_then(|text| text.split_once(':'));
    let Some((number, rest)) = parts.filter(|(_, rest)| !rest.is_empty()) else { return Ok((None, word)) };
    let plain = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    match number.parse::<f32>() {
        Ok(weight) if plain && weight.is_finite() && weight > 0.0 => Ok((Some(weight), OsStr::new(rest))),
        Ok(_) if plain => {
            Err(CliError::with_hint(format!("`{number}:` is no weight"), "write `- words` to move away from something"))
        }
        _ => Ok((None, word)),
    }
}

fn as_path(word: &OsStr) -> Option<PathBuf> {
    let path = Path::new(word);
    let looks = path.is_absolute() || path.starts_with(".") || path.starts_with("..");
    (looks && path.components().count() > 1).then(|| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Result<Vec<Term>, CliError> {
        parse(&line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect::<Vec<_>>())
    }

    fn text(words: &str, weight: f32) -> Term {
        Term { source: Source::Text(words.into()), weight }
    }

    #[test]
    fn signs_and_weights() {
        for (line, terms) in [
            ("", vec![]),
            ("a red boat", vec![text("a red boat", 1.0)]),
            ("dog + ball - beach", vec![text("dog", 1.0), text("ball", 1.0), text("beach", -1.0)]),
            ("2:red dog - 0.5:cat", vec![text("red dog", 2.0), text("cat", -0.5)]),
            ("- cat", vec![text("cat", -1.0)]),
            ("at 12:30 sharp", vec![text("at 12:30 sharp", 1.0)]),
            ("ratio: good", vec![text("ratio: good", 1.0)]),
            ("собака + 子供", vec![text("собака", 1.0), text("子供", 1.0)]),
            ("c++ and -1", vec![text("c++ and -1", 1.0)]),
        ] {
            assert_eq!(read(line).unwrap(), terms, "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        assert!(read("dog +").unwrap_err().to_string().contains("`+`"));
        assert!(read("dog + - cat").unwrap_err().to_string().contains("`+`"));
        assert!(read("0:dog").unwrap_err().to_string().contains("`0:`"));
        assert!(read("./no-such-file.jpg").unwrap_err().to_string().contains("no-such-file.jpg"));
    }

    #[test]
    fn a_path_is_a_term_of_its_own() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let image = |weight| Term { source: Source::File(file.clone()), weight };
        let path = file.display();
        assert_eq!(read(&format!("{path} in snow")).unwrap(), [image(1.0), text("in snow", 1.0)]);
        assert_eq!(read(&format!("dog - 3:{path}")).unwrap(), [text("dog", 1.0), image(-3.0)]);
        assert_eq!(read(&format!("dog {path} + cat")).unwrap(), [text("dog", 1.0), image(1.0), text("cat", 1.0)]);
    }
}
