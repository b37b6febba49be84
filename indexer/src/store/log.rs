//! Reads the log file of sled 0.34 without sled, past the places that are damaged.
//!
//! sled gives up a whole store if one page of it cannot be read. What it holds is still there, page
//! by page:
//!
//! ```text
//! log      segments of 512 KiB
//! segment  | crc (4) | number x 512 KiB, inverted (8) | (8) | message ...
//! message  | crc (4) | kind (1) | length | segment number | page | body |      numbers of variable length
//! node     | next | child | (1) | prefix length (1) | low key | high key | 0 | entries | key ... | value ... |
//! link     | 0 | key | value |   or   | 1 | key |     a change of the node of the same page before it
//! ```
//!
//! Segments are reused, so their order is that of their numbers. A page is its newest node with the
//! links after it. Only leaves are read: which tree a value belongs to is said by its seal
//! ([`super::codec`]), so the inner nodes, the list of trees and everything else that sled derives
//! from the leaves may be damaged.
//!
//! Source: `serialization.rs`, `pagecache/{logger,iterator,snapshot}.rs` of sled 0.34.7.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a segment, in every store that we make.
const SEGMENT: usize = 512 << 10;
const SEGMENT_HEADER: usize = 20;
/// No message begins nearer to the end of a segment.
const RED_ZONE: usize = 32;

const CANCELED: u8 = 1;
const CAP: u8 = 2;
const FREE: u8 = 4;
const NODE: u8 = 8;
const LINK: u8 = 10;
const LAST_KIND: u8 = 11;

/// A log that was read through once.
pub(super) struct Log {
    file: File,
    /// The messages that make up each page.
    pages: HashMap<u64, Page>,
    /// Places that are not as they were written.
    pub(super) damaged: usize,
}

struct Page {
    node: Body,
    links: Vec<Body>,
}

/// Where the body of a message is, and its place in the order of writing.
#[derive(Debug, Clone, Copy)]
struct Body {
    order: u64,
    at: u64,
    length: usize,
}

/// An entry of a leaf. Of several with one key, the one that comes last in order is the newest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) order: u64,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl Log {
    /// Reads through the log file at `path`, which nobody may be writing.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut log = Self { file: File::open(path)?, pages: HashMap::new(), damaged: 0 };
        let mut segments = Vec::new();
        for offset in (0..log.file.metadata()?.len()).step_by(SEGMENT) {
            let bytes = log.bytes(offset, SEGMENT)?;
            let (number, sound) = number_of(&bytes);
            segments.extend(number.map(|number| (number, offset)));
            log.damaged += usize::from(number.is_some() && !sound);
        }
        segments.sort_unstable();
        for (i, &(number, offset)) in segments.iter().enumerate() {
            let bytes = log.bytes(offset, SEGMENT)?;
            log.segment(number, offset, &bytes, i + 1 == segments.len());
        }
        Ok(log)
    }

    /// Calls `take` with every entry of every leaf, in the order of the file, until it gives
    /// `false`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn entries(&self, mut take: impl FnMut(Entry) -> bool) -> io::Result<()> {
        let mut pages: Vec<&Page> = self.pages.values().collect();
        pages.sort_unstable_by_key(|page| page.node.at);
        for page in pages {
            let node = self.bytes(page.node.at, page.node.length)?;
            let Some(mut leaf) = Leaf::read(page.node.order, &node) else { continue };
            for link in &page.links {
                leaf.change(link.order, &self.bytes(link.at, link.length)?);
            }
            if !leaf.entries.into_iter().all(&mut take) {
                break;
            }
        }
        Ok(())
    }

    /// At most `length` bytes of the file, fewer at its end.
    fn bytes(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let (mut file, mut bytes) = (&self.file, Vec::with_capacity(length));
        file.seek(SeekFrom::Start(at))?;
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Notes the messages of a segment.
    fn segment(&mut self, number: u64, offset: u64, bytes: &[u8], newest: bool) {
        let mut at = SEGMENT_HEADER;
        loop {
            let message = match Message::at(bytes, at, number) {
                Some(message) => message,
                None => match (at + 1..bytes.len()).find_map(|at| Message::at(bytes, at, number)) {
                    Some(next) => {
                        self.damaged += 1;
                        next
                    }
                    None => {
                        // The newest one ends where writing ended, the others with padding.
                        self.damaged += usize::from(!newest && at + RED_ZONE < SEGMENT);
                        return;
                    }
                },
            };
            if message.kind == CAP {
                return;
            }
            at = message.end;
            self.note(&message, number * SEGMENT as u64, offset);
        }
    }

    fn note(&mut self, message: &Message, order: u64, offset: u64) {
        let (start, length) = (message.body as u64, message.end - message.body);
        let body = Body { order: order + start, at: offset + start, length };
        match message.kind {
            NODE => drop(self.pages.insert(message.page, Page { node: body, links: Vec::new() })),
            FREE => drop(self.pages.remove(&message.page)),
            LINK => {
                if let Some(page) = self.pages.get_mut(&message.page) {
                    page.links.push(body);
                }
            }
            _ => {}
        }
    }
}

/// False if the segment in which sled will go on writing is damaged where its notes of pages say
/// that it was whole. sled would take the damage for the end of the log, and write zeros over the
/// rest of the segment.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn tip_is_sound(dir: &Path) -> io::Result<bool> {
    let Some(covered) = newest_note(dir)? else { return Ok(true) };
    let (number, end) = (covered / SEGMENT as u64, (covered % SEGMENT as u64) as usize);
    let log = Log { file: File::open(dir.join("db"))?, pages: HashMap::new(), damaged: 0 };
    for offset in (0..log.file.metadata()?.len()).step_by(SEGMENT) {
        if number_of(&log.bytes(offset, SEGMENT_HEADER)?) != (Some(number), true) {
            continue;
        }
        let bytes = log.bytes(offset, SEGMENT)?;
        let mut at = SEGMENT_HEADER;
        while at < end {
            match Message::at(&bytes, at, number) {
                Some(message) if message.kind == CAP => return Ok(true),
                Some(message) => at = message.end,
                None => return Ok(false),
            }
        }
    }
    Ok(true)
}

/// Up to which place in the order of writing sled has noted its pages; the name of the file says
/// it.
fn newest_note(dir: &Path) -> io::Result<Option<u64>> {
    let mut newest = None;
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        let covered = name.to_str().and_then(|name| name.strip_prefix("snap."));
        newest = newest.max(covered.and_then(|covered| u64::from_str_radix(covered, 16).ok()));
    }
    Ok(newest)
}

/// The number of a segment, `None` for one that is free, and whether its header is as it was
/// written. A damaged header is made up for by the messages behind it.
fn number_of(segment: &[u8]) -> (Option<u64>, bool) {
    let header = segment.split_first_chunk().map(|(header, _)| header);
    // sled writes zeros over the header of a segment that it gives up.
    let Some(header) = header.filter(|header| **header != [0; SEGMENT_HEADER]) else { return (None, true) };
    let (sum, fields) = header.split_at(4);
    let order = u64::from_le_bytes(std::array::from_fn(|i| fields[i])) ^ (u64::MAX >> 1);
    if u32::from_le_bytes(std::array::from_fn(|i| sum[i])) ^ u32::MAX == crc32fast::hash(fields) {
        return (Some(order / SEGMENT as u64), true);
    }
    (Message::any(segment, SEGMENT_HEADER).map(|message| message.segment), false)
}

/// A message of a segment whose checksum is right.
struct Message {
    kind: u8,
    segment: u64,
    page: u64,
    /// Where its body begins and ends in the segment.
    body: usize,
    end: usize,
}

impl Message {
    /// The message of segment `number` at a place in it.
    fn at(segment: &[u8], at: usize, number: u64) -> Option<Self> {
        Self::read(segment, at, |found| found == number)
    }

    /// The message of whatever segment at a place.
    fn any(segment: &[u8], at: usize) -> Option<Self> {
        Self::read(segment, at, |_| true)
    }

    fn read(segment: &[u8], at: usize, wanted: impl Fn(u64) -> bool) -> Option<Self> {
        let mut fields = Fields(segment.get(at..)?);
        let sum = u32::from_le_bytes(fields.array()?);
        let [kind] = fields.array()?;
        if !(CANCELED..=LAST_KIND).contains(&kind) {
            return None;
        }
        let length = usize::try_from(fields.number()?).ok()?;
        let of = fields.number().filter(|&of| wanted(of))?;
        let page = fields.number()?;
        let body = segment.len() - fields.0.len();
        let end = body.checked_add(length).filter(|&end| end <= segment.len())?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&segment[body..end]);
        hasher.update(&segment[at + 4..body]);
        (hasher.finalize() ^ u32::MAX == sum).then_some(Self { kind, segment: of, page, body, end })
    }
}

/// A leaf while its changes are made.
struct Leaf {
    prefix: Vec<u8>,
    entries: Vec<Entry>,
}

impl Leaf {
    /// `None` for an inner node.
    fn read(order: u64, node: &[u8]) -> Option<Self> {
        let mut fields = Fields(node);
        let (_next, _child) = (fields.number()?, fields.number()?);
        let [_merging, prefix] = fields.array()?;
        let low = fields.bytes()?;
        let _high = fields.bytes()?;
        let [0] = fields.array()? else { return None };
        let prefix = low.get(..usize::from(prefix))?.to_vec();
        let count = usize::try_from(fields.number()?).ok()?;
        // An entry takes two bytes at least: a count that was not written by sled reserves nothing.
        let mut keys = Vec::with_capacity(count.min(node.len() / 2));
        for _ in 0..count {
            keys.push([&prefix, fields.bytes()?].concat());
        }
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            entries.push(Entry { order, key, value: fields.bytes()?.to_vec() });
        }
        Some(Self { prefix, entries })
    }

    /// Makes a change; what is none of an entry changes nothing.
    fn change(&mut self, order: u64, link: &[u8]) -> Option<()> {
        let mut fields = Fields(link);
        let [kind] = fields.array()?;
        if kind > 1 {
            return None;
        }
        let key = [&self.prefix, fields.bytes()?].concat();
        let place = self.entries.iter().position(|entry| entry.key == key);
        match (kind, place) {
            (0, Some(place)) => self.entries[place] = Entry { order, key, value: fields.bytes()?.to_vec() },
            (0, None) => self.entries.push(Entry { order, key, value: fields.bytes()?.to_vec() }),
            (_, Some(place)) => drop(self.entries.swap_remove(place)),
            (_, None) => {}
        }
        Some(())
    }
}

/// Takes bytes apart, never beyond their end.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A length and that many bytes.
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    /// A number of one to nine bytes, as SQLite 4 had them.
    fn number(&mut self) -> Option<u64> {
        let [first] = self.array()?;
        Some(match first {
            0..=240 => u64::from(first),
            241..=248 => 240 + 256 * (u64::from(first) - 241) + u64::from(self.array::<1>()?[0]),
            249 => {
                let [high, low] = self.array()?;
                2288 + 256 * u64::from(high) + u64::from(low)
            }
            _ => {
                let bytes = self.take(usize::from(first) - 247)?;
                bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
            }
        })
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
