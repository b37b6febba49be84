//! Writing a mapped file from its beginning to its end, without holding it.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::super::SnapshotManifest;
use super::super::write::publish;
use super::{ALIGN, BLOCK, Head, Place};

/// A file that is being written.
pub(crate) struct MappedWriter {
    file: BufWriter<NamedTempFile>,
    written: u64,
    block: crc32fast::Hasher,
    checksums: Vec<u32>,
    sections: Vec<Place>,
}

impl MappedWriter {
    /// Begins a file in `dir`, which is made if need be.
    pub(crate) fn begin(dir: &Path) -> io::Result<Self> {
        crate::create_private_dir_all(dir)?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, NamedTempFile::new_in(dir)?),
            written: 0,
            block: crc32fast::Hasher::new(),
            checksums: Vec::new(),
            sections: Vec::new(),
        })
    }

    /// Begins the next section.
    pub(crate) fn section(&mut self) -> io::Result<()> {
        let gap = self.written.next_multiple_of(ALIGN as u64) - self.written;
        self.put(&[0; ALIGN][..gap as usize])?;
        self.sections.push(Place { start: self.written, bytes: 0 });
        Ok(())
    }

    /// Adds to the section that was begun last.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes)?;
        if let Some(section) = self.sections.last_mut() {
            section.bytes += bytes.len() as u64;
        }
        Ok(())
    }

    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        while !bytes.is_empty() {
            let room = BLOCK - (self.written % BLOCK as u64) as usize;
            let (part, rest) = bytes.split_at(room.min(bytes.len()));
            self.block.update(part);
            self.written += part.len() as u64;
            if part.len() == room {
                self.checksums.push(std::mem::take(&mut self.block).finalize());
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Ends the file and syncs it. It lies beside others and counts as soon as its manifest does.
    pub(crate) fn finish(mut self, dir: &Path, facts: impl serde::Serialize) -> io::Result<SnapshotManifest> {
        if !self.written.is_multiple_of(BLOCK as u64) {
            self.checksums.push(std::mem::take(&mut self.block).finalize());
        }
        let checksums: &[u8] = bytemuck::cast_slice(&self.checksums);
        let head = Head {
            little_endian: cfg!(target_endian = "little"),
            facts,
            sections: std::mem::take(&mut self.sections),
            bytes: self.written,
            checksums: blake3::hash(checksums).to_hex().to_string(),
        };
        let head = serde_json::to_vec(&head)?;
        self.file.write_all(checksums)?;
        self.file.write_all(&head)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        publish(file, dir, &head)
    }
}
