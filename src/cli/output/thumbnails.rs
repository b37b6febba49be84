//! Small images in terminals that can show them: the kitty graphics protocol (kitty, Ghostty,
//! Konsole) and iTerm2's inline images (iTerm2, WezTerm, mintty).

use std::env;
use std::io::{self, Cursor, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use glimpse::engine::{ImageBytes, Limits, files};
use glimpse::{Engine, ImageId};
use image::{DynamicImage, ImageFormat, RgbImage, imageops};

use crate::cli::args::When;
use crate::cli::context::Context;
use glimpse::web::wire::ImageView;

/// Longer side of a drawn image in pixels.
const SIDE: u32 = 192;
/// Rows of text that it takes.
const ROWS: u32 = 6;
/// Most base64 bytes of one kitty escape.
const CHUNK: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Kitty,
    Iterm,
}

/// Draws images, or does nothing where that is not possible or not wanted.
pub struct Thumbnails(Option<Protocol>);

impl Thumbnails {
    /// `always` draws with iTerm2's protocol, which most terminals know, if none can be told from
    /// the environment.
    pub fn new(when: When, context: &Context) -> Self {
        let known = protocol(|name| env::var(name).ok());
        Self(match when {
            When::Never => None,
            When::Auto => known.filter(|_| context.to_terminal),
            When::Always => Some(known.unwrap_or(Protocol::Iterm)),
        })
    }

    /// Draws an image, or the frame of it that answers, and ends the line. An image that cannot be
    /// read is left out: its line of text still comes.
    pub fn draw(
        &self,
        out: &mut impl Write,
        engine: &Engine,
        image: &ImageView,
        frame: Option<ImageId>,
    ) -> io::Result<()> {
        let Some(protocol) = self.0 else { return Ok(()) };
        let file = match frame {
            Some(frame) => engine.original_bytes(frame).ok(),
            None => Some(still(image)),
        };
        let pixels = file.and_then(|file| file.decode().ok()).map(|image| image.pixels);
        let Some(png) = pixels.and_then(|pixels| small_png(&pixels)) else { return Ok(()) };
        match protocol {
            Protocol::Kitty => kitty(out, &png)?,
            Protocol::Iterm => iterm(out, &png)?,
        }
        out.write_all(b"\n")
    }
}

/// The bytes of a file that holds one image; none of a file that is too large, or away.
fn still(image: &ImageView) -> ImageBytes<'static> {
    let (path, limits) = (&image.file, Limits::default());
    let small_enough = path.metadata().is_ok_and(|facts| facts.len() <= limits.max_bytes);
    let bytes = if small_enough { files::read(path).unwrap_or_default() } else { Vec::new() };
    ImageBytes { bytes: bytes.into(), orientation: image.orientation }
}

/// What the terminal understands, by what it says of itself. tmux and screen pass neither protocol
/// on.
fn protocol(variable: impl Fn(&str) -> Option<String>) -> Option<Protocol> {
    let term = variable("TERM").unwrap_or_default();
    if variable("TMUX").is_some() || term.starts_with("screen") || term.starts_with("tmux") {
        return None;
    }
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    if variable("KITTY_WINDOW_ID").is_some() || term == "xterm-kitty" || program == "ghostty" {
        return Some(Protocol::Kitty);
    }
    let iterm = matches!(program.as_str(), "iTerm.app" | "WezTerm" | "mintty");
    if iterm || variable("LC_TERMINAL").is_some_and(|name| name == "iTerm2") {
        return Some(Protocol::Iterm);
    }
    variable("KONSOLE_VERSION").map(|_| Protocol::Kitty)
}

fn small_png(pixels: &RgbImage) -> Option<Vec<u8>> {
    let (width, height) = pixels.dimensions();
    let scale = f64::from(SIDE) / f64::from(width.max(height).max(SIDE));
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let small = imageops::thumbnail(pixels, side(width), side(height));
    let mut png = Cursor::new(Vec::new());
    DynamicImage::from(small).write_to(&mut png, ImageFormat::Png).ok()?;
    Some(png.into_inner())
}

/// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>: base64 in chunks, `m=1` on all but the
/// last.
fn kitty(out: &mut impl Write, png: &[u8]) -> io::Result<()> {
    let text = STANDARD.encode(png);
    let chunks = text.as_bytes().chunks(CHUNK);
    let last = chunks.len() - 1;
    for (i, chunk) in chunks.enumerate() {
        let more = u8::from(i != last);
        let head = if i == 0 { format!("a=T,f=100,q=2,r={ROWS},m={more}") } else { format!("m={more}") };
        write!(out, "\x1b_G{head};")?;
        out.write_all(chunk)?;
        out.write_all(b"\x1b\\")?;
    }
    Ok(())
}

/// <https://iterm2.com/documentation-images.html>
fn iterm(out: &mut impl Write, png: &[u8]) -> io::Result<()> {
    write!(out, "\x1b]1337;File=inline=1;size={};height={ROWS}:{}\x07", png.len(), STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use glimpse_nonempty::Every as _;

    use super::*;

    fn told(variables: &[(&str, &str)]) -> Option<Protocol> {
        protocol(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn terminals_are_known_by_their_environment() {
        assert_eq!(told(&[("TERM", "xterm-kitty")]), Some(Protocol::Kitty));
        assert_eq!(told(&[("TERM_PROGRAM", "WezTerm")]), Some(Protocol::Iterm));
        assert_eq!(told(&[("TERM", "xterm-256color")]), None);
        assert_eq!(told(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux")]), None);
    }

    #[test]
    fn a_large_image_goes_to_kitty_in_chunks() {
        let noise =
            RgbImage::from_fn(300, 200, |x, y| image::Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, (x ^ y) as u8]));
        let png = small_png(&noise).unwrap();
        let mut out = Vec::new();
        kitty(&mut out, &png).unwrap();
        let text = String::from_utf8(out).unwrap();
        let parts: Vec<&str> = text.split_terminator("\x1b\\").collect();
        assert!(parts.len() > 1 && parts[0].starts_with("\x1b_Ga=T,f=100,"));
        assert!(parts.iter().every(|part| part.len() <= CHUNK + 40));
        let data: String = parts.iter().map(|part| part.split_once(';').unwrap().1).collect();
        assert_eq!(STANDARD.decode(data).unwrap(), png);
        assert!(parts.last().unwrap().contains("m=0"));
    }
}
