//! Metadata of files that are not downloaded yet, from the cheapest source that works.
//!
//! For a wheel, the client tries these sources in order:
//!
//! 1. the cache, by the wheel's SHA-256;
//! 2. the wheel itself, if the store has it;
//! 3. the metadata file beside the wheel (PEP 658), if the index announces one;
//! 4. the wheel's last bytes, which hold its central directory and mostly its METADATA too;
//! 5. the metadata file even if the index announces none, for servers without range requests;
//! 6. the whole wheel.
//!
//! Metadata from a metadata file is checked against the wheel after the wheel is downloaded.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use super::{
    Index,
    file_download::{download_file, known_digest},
    retry,
};
use crate::{
    Address, Artifact, ByteRange, Error, ErrorKind, File, Metadata, MetadataFile, ReadAt,
    SdistName, WheelName,
    cache::{get_sealed, put_sealed},
    sdist,
    sha256::hex,
};

/// The cache bucket; its number is the version of the encoding.
const BUCKET: &str = "metadata-3";
/// The size limit of METADATA in bytes. The largest known one has 1 MB.
const LARGEST: u64 = 32 << 20;
/// The number of bytes to fetch from the end of a wheel. Of 135 popular wheels, 122 have their
/// central directory and METADATA in the last 64 KiB (96 in the last 16 KiB).
const TAIL: u64 = 64 << 10;

/// Returns the metadata of a file, or `None` for a source distribution that must be built to know it.
pub(super) fn metadata(index: &Index<'_>, file: &File) -> Result<Option<Metadata>, Error> {
    match &file.artifact {
        Artifact::Wheel(wheel) => of_wheel(index, file, wheel).map(Some),
        Artifact::Sdist(sdist) => of_sdist(index, file, sdist),
    }
}

fn of_wheel(index: &Index<'_>, file: &File, wheel: &WheelName) -> Result<Metadata, Error> {
    if let Some(metadata) = cached(index, file) {
        return Ok(metadata);
    }
    if let Some(metadata) = from_wheel(index, file, wheel)? {
        return cache(index, file, metadata);
    }
    index.check_online(&file.address)?;
    // An index that announces no metadata files mostly has none, and is slow to say so.
    let is_announced = file.metadata_file != MetadataFile::Unknown;
    let from_file = || -> Result<Option<Metadata>, Error> {
        // The file counts only if it is the metadata of this wheel.
        Ok(from_metadata_file(index, file)?.and_then(|bytes| parse(wheel, &bytes).ok()))
    };
    if let Some(metadata) = if is_announced { from_file()? } else { None } {
        return cache(index, file, metadata);
    }
    if let Some(bytes) = from_tail(index, file, wheel)? {
        return cache(index, file, parse(wheel, &bytes)?);
    }
    if let Some(metadata) = if is_announced { None } else { from_file()? } {
        return cache(index, file, metadata);
    }
    let sha256 = download_file(index, file)?;
    let read = open(index, &sha256)?.map(|zip| from_zip(index, wheel, &*zip)).transpose()?;
    let missing = || broken(wheel, "it was removed from the store");
    cache(index, file, parse(wheel, &read.ok_or_else(missing)?)?)
}

/// Returns the metadata in a source distribution, if it holds for every wheel built from it (PEP 643).
fn of_sdist(index: &Index<'_>, file: &File, sdist: &SdistName) -> Result<Option<Metadata>, Error> {
    if let Some(metadata) = cached(index, file) {
        return Ok(Some(metadata));
    }
    let known = known_digest(index, file)
        .filter(|sha256| index.parts.wheels.contains(sha256).unwrap_or(false));
    let sha256 = match known {
        Some(sha256) => sha256,
        None => download_file(index, file)?,
    };
    let refuse = |reason: String| -> Error {
        ErrorKind::Metadata { file: file.artifact.file_name().to_owned(), reason }.into()
    };
    let archive =
        open(index, &sha256)?.ok_or_else(|| refuse("it was removed from the store".to_owned()))?;
    let info = if sdist.is_tar() {
        sdist::pkg_info(&*archive).map_err(|error| refuse(error.to_string()))?
    } else {
        let wanted = format!("{}/PKG-INFO", sdist.stem());
        let read = index.parts.members.read(&*archive, &|name| name == wanted, LARGEST);
        read.map_err(|error| refuse(error.to_string()))?
    };
    let own = info.and_then(|bytes| Metadata::parse(&bytes).ok());
    let own = own.filter(|own| {
        own.is_static() && own.version() == sdist.version() && own.name() == sdist.project()
    });
    own.map(|own| cache(index, file, own)).transpose()
}

/// Checks the metadata that the resolver used against the wheel itself.
pub(super) fn verify(index: &Index<'_>, file: &File, sha256: &[u8; 32]) -> Result<(), Error> {
    let Artifact::Wheel(wheel) = &file.artifact else { return Ok(()) };
    let key = hex(sha256);
    if index.parts.cache.get(VERIFIED, &key).is_some() {
        return Ok(());
    }
    let Some(zip) = open(index, sha256)? else { return Ok(()) };
    let own = parse(wheel, &from_zip(index, wheel, &*zip)?)?;
    let used = crate::Source::metadata(index, file)?;
    put_sealed(index.parts.cache, BUCKET, &key, &own.encode());
    if used.is_some_and(|used| !used.says_the_same(&own)) {
        return Err(broken(wheel, "its metadata file differs from the METADATA inside the wheel"));
    }
    index.parts.cache.put(VERIFIED, &key, b"");
    Ok(())
}

const VERIFIED: &str = "verified-1";

/// Returns cached metadata: from the wheel itself, if it was downloaded before, or from its index.
/// The latter counts only for the same address: an index may state wrong metadata, while another
/// one lists the same bytes with the right metadata.
fn cached(index: &Index<'_>, file: &File) -> Option<Metadata> {
    let sha256 = file.sha256.as_ref()?;
    let read = |key: &str| {
        let bytes = get_sealed(index.parts.cache, BUCKET, key, LARGEST)?;
        Metadata::parse(&bytes).ok()
    };
    read(&hex(sha256)).or_else(|| read(&index_key(file, sha256)))
}

fn cache(index: &Index<'_>, file: &File, metadata: Metadata) -> Result<Metadata, Error> {
    if let Some(sha256) = &file.sha256 {
        let key = index_key(file, sha256);
        put_sealed(index.parts.cache, BUCKET, &key, &metadata.encode());
    }
    Ok(metadata)
}

fn index_key(file: &File, sha256: &[u8; 32]) -> String {
    let announced = match &file.metadata_file {
        MetadataFile::Hashed(sha256) => hex(sha256),
        MetadataFile::Present | MetadataFile::Unknown => String::new(),
    };
    format!("{} {} {announced}", hex(sha256), file.address.without_credentials())
}

fn from_wheel(
    index: &Index<'_>,
    file: &File,
    wheel: &WheelName,
) -> Result<Option<Metadata>, Error> {
    let Some(sha256) = &known_digest(index, file) else { return Ok(None) };
    if !index.parts.wheels.contains(sha256).map_err(Error::keep("look for a wheel"))? {
        return Ok(None);
    }
    // A damaged wheel counts as missing: it will be downloaded again.
    let Ok(Some(zip)) = index.parts.wheels.open(sha256) else { return Ok(None) };
    Ok(Some(parse(wheel, &from_zip(index, wheel, &*zip)?)?))
}

/// Fetches the metadata file. Any failure counts as "there is none", because the wheel itself has
/// the metadata too.
fn from_metadata_file(index: &Index<'_>, file: &File) -> Result<Option<Vec<u8>>, Error> {
    let address = file.address.metadata_file();
    index.check_cancelled()?;
    let answer =
        retry::get(index, &address, "*/*", None).ok().filter(|response| response.status == 200);
    let Some(bytes) = answer.and_then(|response| response.read(LARGEST).ok()) else {
        return Ok(None);
    };
    match file.metadata_file {
        MetadataFile::Hashed(expected) if <[u8; 32]>::from(Sha256::digest(&bytes)) != expected => {
            Ok(None)
        }
        _ => Ok(Some(bytes)),
    }
}

/// Reads METADATA from the end of a remote wheel. Returns `None` if the server does not support
/// range requests, or the tail cannot be read as a zip.
fn from_tail(index: &Index<'_>, file: &File, wheel: &WheelName) -> Result<Option<Vec<u8>>, Error> {
    let address = &file.address;
    let tail = retry::with_retries(index, address, || {
        let response = retry::get(index, address, "*/*", Some(ByteRange::Last(TAIL)))?;
        let size = response.whole_size();
        match (response.status, size) {
            (206, Some(size)) => {
                let bytes = response.read(TAIL).map_err(|e| retry::broken(address, e))?;
                Ok(Some(Remote { index, address, size, tail: bytes, window: Mutex::default() }))
            }
            (200 | 206 | 416, _) => Ok(None),
            (status, _) => Err(retry::refused(address, status, response.retry_after)),
        }
    })?;
    Ok(tail.and_then(|remote| from_zip(index, wheel, &remote).ok()))
}

/// A remote wheel. Its last bytes are in memory, and others are fetched on demand.
struct Remote<'a> {
    index: &'a Index<'a>,
    address: &'a Address,
    size: u64,
    tail: Vec<u8>,
    /// The latest fetch: the header of an entry, and most likely the entry that follows.
    window: Mutex<(u64, Vec<u8>)>,
}

/// The smallest request in bytes. Reading an entry takes three small reads in a row, which one
/// request of this size can answer.
const WINDOW: u64 = 32 << 10;

impl Remote<'_> {
    fn fetch(&self, offset: u64, least: u64) -> io::Result<Vec<u8>> {
        let length = least.max(WINDOW).min(self.size.saturating_sub(offset));
        let part = ByteRange::Range { offset, length };
        retry::with_retries(self.index, self.address, || {
            let response = retry::get(self.index, self.address, "*/*", Some(part))?;
            match response.status {
                206 => response.read(length).map_err(|e| retry::broken(self.address, e)),
                status => Err(retry::refused(self.address, status, response.retry_after)),
            }
        })
        .map_err(io::Error::other)
    }
}

impl ReadAt for Remote<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let length = buffer.len() as u64;
        if length == 0 {
            return Ok(());
        }
        let start = self.size.saturating_sub(self.tail.len() as u64);
        if let Some(within) = offset.checked_sub(start) {
            return self.tail.read_exact_at(buffer, within);
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, held) = (window.0, window.1.len() as u64);
        if offset < from || offset.saturating_add(length) > from.saturating_add(held) {
            *window = (offset, self.fetch(offset, length)?);
        }
        window.1.read_exact_at(buffer, offset - window.0)
    }
}

fn open(index: &Index<'_>, sha256: &[u8; 32]) -> Result<Option<Box<dyn ReadAt>>, Error> {
    index.parts.wheels.open(sha256).map_err(Error::keep("open a wheel"))
}

/// Reads the one METADATA in the wheel's own `.dist-info` folder.
fn from_zip(index: &Index<'_>, wheel: &WheelName, zip: &dyn ReadAt) -> Result<Vec<u8>, Error> {
    let wanted = |name: &str| {
        name.strip_suffix(".dist-info/METADATA").is_some_and(|folder| !folder.contains('/'))
    };
    match index.parts.members.read(zip, &wanted, LARGEST) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(broken(wheel, "it has no METADATA")),
        Err(error) => Err(broken(wheel, &error.to_string())),
    }
}

fn parse(wheel: &WheelName, bytes: &[u8]) -> Result<Metadata, Error> {
    let refuse = |reason: String| -> Error {
        ErrorKind::Metadata { file: wheel.to_string(), reason }.into()
    };
    let metadata = Metadata::parse(bytes).map_err(|error| refuse(error.to_string()))?;
    metadata.check(wheel).map_err(refuse)?;
    Ok(metadata)
}

fn broken(wheel: &WheelName, reason: &str) -> Error {
    ErrorKind::Broken { file: wheel.to_string(), reason: reason.to_owned() }.into()
}
