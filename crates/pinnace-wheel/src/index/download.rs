//! Parallel downloads. Each file is verified before it is stored.

use std::{
    io::{self, Read},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{Index, hex, metadata, parse_sha256, retry};
use crate::{Artifact, ByteRange, Error, ErrorKind, Event, File, GetRequest, Pin, ReadAt};

/// The number of wheels downloaded at once: enough to hide the latency of small ones, while a
/// single large one already saturates the connection.
const PARALLEL: usize = 8;

/// The cache bucket for the SHA-256 of files whose index does not state one, by address.
const DIGESTS: &str = "digests-2";

/// A file in the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Downloaded {
    /// The wheel or source distribution.
    pub artifact: Artifact,
    /// The SHA-256 of its bytes, which is its key in the store.
    pub sha256: [u8; 32],
}

impl Index<'_> {
    /// Downloads the wheels that the store lacks. Returns all files in the order of the pins.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Broken`] if a wheel differs from what the index stated, or its METADATA
    /// differs from what the resolver used. Other errors come from fetching and storing. Wheels
    /// that were downloaded completely stay in the store.
    pub fn download(&self, pins: &[Pin]) -> Result<Vec<Downloaded>, Error> {
        let missing = self.missing(pins)?;
        if !missing.is_empty() {
            let bytes = missing.iter().filter_map(|pin| pin.file().size).sum();
            self.parts.progress.event(Event::DownloadsStart { wheels: missing.len(), bytes });
            self.fetch_all(&missing)?;
        }
        pins.iter().map(|pin| self.verified(pin)).collect()
    }

    /// Returns the pins, each with its SHA-256. Downloads every file whose SHA-256 is not
    /// known, and every local file that the store lacks.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Index::download`].
    pub fn with_digests(&self, pins: Vec<Pin>) -> Result<Vec<Pin>, Error> {
        let unknown: Vec<&Pin> = pins
            .iter()
            .filter(|pin| {
                let known = known_digest(self, pin.file());
                // A digest that is stated for a local file can be checked.
                let here = pin.file().address.is_file();
                known.is_none_or(|sha256| here && !contains(self, &sha256).unwrap_or(false))
            })
            .collect();
        if !unknown.is_empty() {
            self.fetch_all(&unknown)?;
        }
        let told = |pin: Pin| {
            let sha256 = self.allowed_digest(&pin)?;
            Ok(pin.with_sha256(sha256))
        };
        pins.into_iter().map(told).collect()
    }

    fn missing<'p>(&self, pins: &'p [Pin]) -> Result<Vec<&'p Pin>, Error> {
        let mut missing = Vec::new();
        for pin in pins {
            let here = match known_digest(self, pin.file()) {
                Some(sha256) => contains(self, &sha256)?,
                None => false,
            };
            if !here {
                missing.push(pin);
            }
        }
        // Largest first: the last download to finish should not be the one that started last.
        missing.sort_by_key(|pin| std::cmp::Reverse(pin.file().size));
        Ok(missing)
    }

    fn fetch_all(&self, pins: &[&Pin]) -> Result<(), Error> {
        let next = AtomicUsize::new(0);
        let failed = Mutex::new(None);
        let work = || {
            while let Some(pin) = pins.get(next.fetch_add(1, Ordering::Relaxed)) {
                match one(self, pin.file()) {
                    Ok(_) => {
                        self.parts
                            .progress
                            .event(Event::Downloaded(pin.file().artifact.file_name()));
                    }
                    Err(error) => {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.get_or_insert(error);
                        next.store(pins.len(), Ordering::Relaxed);
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..PARALLEL.min(pins.len()) {
                // If the system refuses more threads, fewer downloads run at once.
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    fn verified(&self, pin: &Pin) -> Result<Downloaded, Error> {
        let sha256 = self.allowed_digest(pin)?;
        metadata::verify(self, pin.file(), &sha256)?;
        Ok(Downloaded { artifact: pin.file().artifact.clone(), sha256 })
    }

    fn allowed_digest(&self, pin: &Pin) -> Result<[u8; 32], Error> {
        let refuse = |reason: &str| {
            let file = pin.file().artifact.file_name().to_owned();
            ErrorKind::Broken { file, reason: reason.to_owned() }
        };
        let known = known_digest(self, pin.file());
        let sha256 = known.ok_or_else(|| refuse("it vanished from the store"))?;
        match pin.allows(&sha256) {
            true => Ok(sha256),
            false => Err(refuse("its SHA-256 is none of those that are allowed").into()),
        }
    }
}

fn broken(file: &File, error: &io::Error) -> Error {
    let file = file.artifact.file_name().to_owned();
    ErrorKind::Broken { file, reason: error.to_string() }.into()
}

/// Downloads one wheel, even if the store has it already, and returns its SHA-256.
pub(super) fn one(index: &Index<'_>, file: &File) -> Result<[u8; 32], Error> {
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
        let kept = index.parts.wheels.put(&mut body, file.sha256.as_ref());
        match (kept, body.failure) {
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

/// The size limit of a download in bytes. By default PyPI accepts no larger wheel.
const LARGEST: u64 = 10 << 30;

fn contains(index: &Index<'_>, sha256: &[u8; 32]) -> Result<bool, Error> {
    index.parts.wheels.contains(sha256).map_err(Error::keep("look for a wheel"))
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
