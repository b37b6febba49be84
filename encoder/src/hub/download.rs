//! One file from the hub into the cache: resumed where it broke off, checked, and only then given
//! its name.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::{Digest, Sha256};
use ureq::http::StatusCode;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE};

use super::HubError;
use super::api::Remote;
use super::client::Client;

const CHUNK: usize = 256 << 10;

/// Fetches `remote` to `blob`, going on from `<blob>.incomplete` if there is one. `arrived` hears
/// how many bytes are there.
///
/// # Errors
/// [`HubError`]; transient ones leave the partial file for the next attempt, wrong contents delete
/// it.
pub fn fetch(client: &Client, remote: &Remote, blob: &Path, arrived: &mut dyn FnMut(u64)) -> Result<(), HubError> {
    let partial = incomplete(blob);
    let from = receive(client, remote, &partial, arrived)?;
    match verify(&partial, remote) {
        // The beginning may stem from another answer than the end: once more, from the start.
        Err(HubError::Checksum { .. }) if from > 0 => {
            receive(client, remote, &partial, arrived)?;
            verify(&partial, remote)?;
        }
        result => result?,
    }
    fs::rename(&partial, blob).map_err(HubError::io(blob))
}

/// Where a file grows until it is whole.
pub fn incomplete(blob: &Path) -> PathBuf {
    let mut name = blob.as_os_str().to_owned();
    name.push(".incomplete");
    name.into()
}

/// Brings the partial file to its full size; gives the number of bytes that were there before.
fn receive(client: &Client, remote: &Remote, partial: &Path, arrived: &mut dyn FnMut(u64)) -> Result<u64, HubError> {
    let io = |error| HubError::io(partial)(error);
    let mut file = OpenOptions::new().create(true).append(true).open(partial).map_err(io)?;
    let mut done = file.metadata().map_err(io)?.len();
    if done > remote.size {
        file.set_len(0).map_err(io)?;
        done = 0;
    }
    if done == remote.size {
        return Ok(done);
    }

    let mut answer = client.get(&remote.url, done)?;
    match answer.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&answer, done) => {}
        // The server ignores ranges, or gives another one than asked for.
        StatusCode::OK => {
            file.set_len(0).map_err(io)?;
            done = 0;
        }
        StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
            return Err(wrong_size(remote, done, partial));
        }
        status => return Err(HubError::Status { url: remote.url.clone(), status: status.as_u16() }),
    }
    let from = done;
    let length = answer.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = length.filter(|length| from + length != remote.size) {
        return Err(wrong_size(remote, from + length, partial));
    }

    let mut body = answer.body_mut().as_reader();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        done += count as u64;
        if done > remote.size {
            return Err(wrong_size(remote, done, partial));
        }
        file.write_all(&chunk[..count]).map_err(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                HubError::DiskFull { path: partial.to_owned(), needed: remote.size - done + count as u64 }
            }
            _ => io(error),
        })?;
        arrived(done);
    }
    if done < remote.size {
        return Err(HubError::CutOff { file: remote.name.clone(), got: done, size: remote.size });
    }
    file.sync_all().map_err(io)?;
    Ok(from)
}

fn starts_at<B>(answer: &ureq::http::Response<B>, from: u64) -> bool {
    let range = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {from}-")))
}

fn wrong_size(remote: &Remote, sent: u64, partial: &Path) -> HubError {
    // Best effort: what cannot be deleted is found too long or too short by the next attempt.
    let _ = fs::remove_file(partial);
    HubError::WrongSize { file: remote.name.clone(), announced: remote.size, sent }
}

/// Compares the contents with the checksum that the hub names them by; deletes them if they differ.
/// Servers other than the hub may use other tags, which say nothing of the contents.
fn verify(path: &Path, remote: &Remote) -> Result<(), HubError> {
    let found = match remote.etag.len() {
        _ if !remote.etag.chars().all(|c| c.is_ascii_hexdigit()) => return Ok(()),
        64 => hex(&digest(path, Sha256::new())?),
        40 => hex(&digest(path, Sha1::new().chain_update(format!("blob {}\0", remote.size)))?),
        _ => return Ok(()),
    };
    if found == remote.etag.to_lowercase() {
        return Ok(());
    }
    fs::remove_file(path).map_err(HubError::io(path))?;
    Err(HubError::Checksum { file: remote.name.clone(), expected: remote.etag.clone(), found })
}

fn digest<D: Digest>(path: &Path, mut hasher: D) -> Result<Vec<u8>, HubError> {
    let mut file = File::open(path).map_err(HubError::io(path))?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk).map_err(HubError::io(path))? {
            0 => return Ok(hasher.finalize().to_vec()),
            count => hasher.update(&chunk[..count]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
