//! Parallel downloads. Each file is verified before it is stored.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    Index,
    file_download::{download_file, known_digest},
    metadata,
};
use crate::{Artifact, Error, ErrorKind, Event, Pin};

/// The number of wheels downloaded at once: enough to hide the latency of small ones, while a
/// single large one already saturates the connection.
const PARALLEL: usize = 8;

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
        let with_digest = |pin: Pin| {
            let sha256 = self.allowed_digest(&pin)?;
            Ok(pin.with_sha256(sha256))
        };
        pins.into_iter().map(with_digest).collect()
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
                match download_file(self, pin.file()) {
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
        let sha256 = known.ok_or_else(|| refuse("it was removed from the store"))?;
        if pin.allows(&sha256) {
            Ok(sha256)
        } else {
            Err(refuse("its SHA-256 is not among the allowed ones").into())
        }
    }
}

fn contains(index: &Index<'_>, sha256: &[u8; 32]) -> Result<bool, Error> {
    index.parts.wheels.contains(sha256).map_err(Error::keep("look for a wheel"))
}
