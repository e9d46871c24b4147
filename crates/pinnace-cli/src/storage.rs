//! The local store behind the traits by which the libraries keep things.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use pinnace_deploy::Machine;
use pinnace_pex::{ReadSeek, WheelFiles};
use pinnace_store::{CacheEntry, Digest, ErrorKind};
use pinnace_wheel::{Cache, ReadAt, Wheels};

use crate::Failure;

/// What the command keeps between runs: wheels by digest, and what it learned about them.
#[derive(Debug)]
pub(crate) struct Storage(Arc<Machine>);

impl Storage {
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Machine::open(folder)?)))
    }

    /// The same folder, as releases know it.
    pub(crate) fn machine(&self) -> &Machine {
        &self.0
    }

    /// The same, for whoever lives longer.
    pub(crate) fn machine_of_all(&self) -> Arc<Machine> {
        Arc::clone(&self.0)
    }

    /// Takes away those of these wheels whose bytes are damaged, and says whether there were any.
    pub(crate) fn remove_damaged<'a>(
        &self,
        wheels: impl Iterator<Item = &'a [u8; 32]>,
    ) -> Result<bool, Failure> {
        let mut removed = false;
        for sha256 in wheels.map(|sha256| Digest::new(*sha256)) {
            self.0.blobs().remove_damaged(&sha256)?;
            removed |= !self.0.blobs().contains(&sha256)?;
        }
        Ok(removed)
    }

    fn get(&self, sha256: &[u8; 32]) -> io::Result<Option<File>> {
        let blob = self.0.blobs().get(&Digest::new(*sha256)).map_err(to_io)?;
        Ok(blob.map(pinnace_store::Blob::into_file))
    }
}

/// All bytes of a cache entry.
pub(crate) fn read_all(entry: &dyn ReadAt) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(entry.size().ok()?).ok()?];
    entry.read_exact_at(&mut bytes, 0).ok()?;
    Some(bytes)
}

impl Cache for Storage {
    fn get(&self, bucket: &str, key: &str) -> Option<Box<dyn ReadAt>> {
        let entry = self.0.cache().get(bucket, key)?;
        Some(Box::new(Entry(entry)))
    }

    fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        // What cannot be cached is made again.
        let _ = self.0.cache().put(bucket, key, bytes);
    }
}

impl Wheels for Storage {
    fn contains(&self, sha256: &[u8; 32]) -> io::Result<bool> {
        self.0.blobs().contains(&Digest::new(*sha256)).map_err(to_io)
    }

    fn put(&self, body: &mut dyn Read, expected: Option<&[u8; 32]>) -> io::Result<[u8; 32]> {
        let mut writer = self.0.blobs().writer().map_err(to_io)?;
        io::copy(body, &mut writer)?;
        writer.flush()?;
        match expected {
            None => writer.commit().map(|digest| *digest.as_bytes()).map_err(to_io),
            Some(sha256) => {
                writer.commit_as(&Digest::new(*sha256)).map_err(to_io)?;
                Ok(*sha256)
            }
        }
    }

    fn open(&self, sha256: &[u8; 32]) -> io::Result<Option<Box<dyn ReadAt>>> {
        Ok(self.get(sha256)?.map(|file| Box::new(OpenFile(file)) as Box<dyn ReadAt>))
    }
}

impl WheelFiles for Storage {
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>> {
        let file = self.get(sha256)?.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "it is not in the cache any more; build again")
        })?;
        Ok(Box::new(file))
    }
}

/// Keeps the kind of the I/O failure underneath; other bytes than announced are invalid data.
fn to_io(error: pinnace_store::Error) -> io::Error {
    let kind = match (error.kind(), error.io()) {
        (_, Some(io)) => io.kind(),
        (ErrorKind::Mismatch { .. } | ErrorKind::Damaged { .. }, None) => {
            io::ErrorKind::InvalidData
        }
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

struct Entry(CacheEntry);

impl ReadAt for Entry {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.size())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

struct OpenFile(File);

impl ReadAt for OpenFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, buffer, offset)
    }
}
