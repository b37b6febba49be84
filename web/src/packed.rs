//! Files of the page, compressed once, however often they are sent: a page that opens asks for all
//! of them at once, and to compress each anew took longer than to send it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptEncoding, ContentEncoding, Encoding, Header};
use actix_web::web::Bytes;
use flate2::write::GzEncoder;

/// A way to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    Brotli,
    Gzip,
}

/// Quality of brotli (0 to 11), bytes of its window (a power of two), and of its buffer.
const QUALITY: u32 = 5;
const WINDOW: u32 = 22;
const BUFFER: usize = 4096;

static PACKED: LazyLock<Mutex<HashMap<(&'static str, Coding), Bytes>>> = LazyLock::new(Mutex::default);

impl Coding {
    /// The one that a client likes best; `None` if it takes none.
    pub fn wanted_by(request: &HttpRequest) -> Option<Self> {
        let accepted = AcceptEncoding::parse(request).ok()?;
        let known = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
        match accepted.negotiate(known.iter())? {
            Encoding::Known(ContentEncoding::Brotli) => Some(Self::Brotli),
            Encoding::Known(ContentEncoding::Gzip) => Some(Self::Gzip),
            _ => None,
        }
    }

    /// What `Content-Encoding` says of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The contents of the file of this name.
    ///
    /// # Errors
    /// None that memory does not give.
    pub fn packed(self, name: &'static str, contents: &[u8]) -> io::Result<Bytes> {
        let packed = || PACKED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = packed().get(&(name, self)) {
            return Ok(known.clone());
        }
        // Nobody waits for another's file meanwhile.
        let made = Bytes::from(self.compressed(contents)?);
        packed().insert((name, self), made.clone());
        Ok(made)
    }

    fn compressed(self, contents: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli => {
                let mut writer = brotli::CompressorWriter::new(Vec::new(), BUFFER, QUALITY, WINDOW);
                writer.write_all(contents)?;
                writer.flush()?;
                Ok(writer.into_inner())
            }
            Self::Gzip => {
                let mut writer = GzEncoder::new(Vec::new(), flate2::Compression::default());
                writer.write_all(contents)?;
                writer.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;

    use actix_web::test::TestRequest;

    use super::*;

    fn wanted(accepted: &str) -> Option<Coding> {
        Coding::wanted_by(&TestRequest::default().insert_header(("Accept-Encoding", accepted)).to_http_request())
    }

    #[test]
    fn clients_say_what_they_take() {
        assert_eq!(wanted("gzip, deflate, br, zstd"), Some(Coding::Brotli));
        assert_eq!(wanted("gzip, deflate"), Some(Coding::Gzip));
        assert_eq!(wanted("br;q=0.1, gzip"), Some(Coding::Gzip));
        assert_eq!([wanted("identity"), wanted("br;q=0, gzip;q=0"), wanted("")], [None; 3]);
        assert_eq!(Coding::wanted_by(&TestRequest::default().to_http_request()), None);
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let text = "const place = 'the same again'; ".repeat(200);
        let gzip = Coding::Gzip.packed("a.js", text.as_bytes()).unwrap();
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&gzip[..]).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        let small = Coding::Brotli.packed("a.js", text.as_bytes()).unwrap();
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &small[..], &mut unpacked).unwrap();
        assert_eq!(unpacked, text.as_bytes());
        assert!(gzip.len() < text.len() / 10 && small.len() < text.len() / 10);
        // It is made once.
        assert_eq!(Coding::Brotli.packed("a.js", b"").unwrap(), small);
    }
}
