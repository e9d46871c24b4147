//! The download of one file, which resumes after a broken connection, and the digests found by it.

use std::io::{self, Read};

use super::{Index, retry};
use crate::{
    ByteRange, Error, ErrorKind, Event, File, GetRequest, ReadAt,
    sha256::{hex, parse_sha256},
};

/// The cache bucket for the SHA-256 of files whose index does not state one, by address.
const DIGESTS: &str = "digests-2";

/// The size limit of a download in bytes. By default PyPI accepts no larger wheel.
const LARGEST: u64 = 10 << 30;

/// Downloads one wheel, even if the store has it already, and returns its SHA-256.
pub(super) fn download_file(index: &Index<'_>, file: &File) -> Result<[u8; 32], Error> {
    let address = &file.address;
    index.check_online(address)?;
    let sha256 = retry::with_retries(index, address, || {
        let response = retry::get(index, address, "*/*", None)?;
        if response.status != 200 {
            return Err(retry::refused(address, response.status, response.retry_after));
        }
        let mut body = Body {
            index,
            file,
            entity_tag: response.entity_tag,
            body: response.body,
            received: 0,
            resumes: index.options.retries,
            failure: None,
        };
        let stored = index.parts.wheels.put(&mut body, file.sha256.as_ref());
        match (stored, body.failure) {
            (Ok(sha256), _) => Ok(sha256),
            (Err(_), Some(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(broken(file, &error).into())
            }
            (Err(_), Some(error)) => Err(retry::broken(address, error)),
            (Err(error), None) if error.kind() == io::ErrorKind::InvalidData => {
                Err(broken(file, &error).into())
            }
            (Err(error), None) => Err(Error::keep("store a wheel")(error).into()),
        }
    })?;
    index.digests().insert(address.without_credentials(), sha256);
    // A local file may change, so its digest is not cached.
    if file.sha256.is_none() && !address.is_file() {
        let entry = format!("{}{:020}", hex(&sha256), index.options.now);
        index.parts.cache.put(DIGESTS, &address.without_credentials(), entry.as_bytes());
    }
    Ok(sha256)
}

/// Returns the SHA-256 that the index states, or that a download of the same address found. The
/// download is part of this run, or recent enough for a cached page to count as fresh.
pub(super) fn known_digest(index: &Index<'_>, file: &File) -> Option<[u8; 32]> {
    let key = file.address.without_credentials();
    let known = file.sha256.or_else(|| index.digests().get(&key).copied());
    known.or_else(|| {
        let entry = index.parts.cache.get(DIGESTS, &key).filter(|_| !file.address.is_file())?;
        let mut bytes = [0; 84];
        ReadAt::read_exact_at(&*entry, &mut bytes, 0).ok()?;
        let (hex, fetched_at) = std::str::from_utf8(&bytes).ok()?.split_at_checked(64)?;
        index.is_fresh(fetched_at.parse().ok()?).then(|| parse_sha256(hex)).flatten()
    })
}

fn broken(file: &File, error: &io::Error) -> Error {
    let file = file.artifact.file_name().to_owned();
    ErrorKind::Broken { file, reason: error.to_string() }.into()
}

/// A response body on its way into the store. It counts bytes, enforces the size limit and checks
/// for cancellation. A body that breaks off is resumed if the server can confirm that the file is
/// unchanged. The body remembers its own failure, to tell it apart from a failure of the store.
struct Body<'a> {
    index: &'a Index<'a>,
    file: &'a File,
    entity_tag: Option<String>,
    body: Box<dyn Read + Send>,
    received: u64,
    resumes: u32,
    failure: Option<io::Error>,
}

impl Body<'_> {
    fn piece(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.index.check_cancelled().map_err(io::Error::other)?;
            match self.body.read(buffer) {
                Ok(n) => return Ok(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) if self.resume() => drop(error),
                Err(error) => return Err(error),
            }
        }
    }

    /// Requests the rest of the body. Returns false if the download cannot be resumed.
    fn resume(&mut self) -> bool {
        let (Some(tag), 1..) = (&self.entity_tag, self.resumes) else { return false };
        self.resumes -= 1;
        let part = Some(ByteRange::From(self.received));
        let get =
            GetRequest { part, if_range: Some(tag), ..GetRequest::new(&self.file.address, "*/*") };
        match retry::request(self.index, get) {
            Ok(response) if response.status == 206 && response.starts_at(self.received) => {
                self.body = response.body;
                true
            }
            _ => false,
        }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let fault = match self.piece(buffer) {
            Ok(n) => {
                self.received += n as u64;
                if self.received <= self.file.size.unwrap_or(LARGEST) {
                    self.index.parts.progress.event(Event::Received(n as u64));
                    return Ok(n);
                }
                // A retry would not change the size.
                io::Error::new(io::ErrorKind::InvalidData, "it is larger than it should be")
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => error,
        };
        self.failure = Some(io::Error::new(fault.kind(), fault.to_string()));
        Err(fault)
    }
}
