//! Metadata that a source distribution states without a build (PEP 517, PEP 625).

use std::io::{self, Read};

use flate2::read::GzDecoder;

use crate::ReadAt;

/// The number of unpacked bytes to search. `PKG-INFO` is among the first members.
const FARTHEST: u64 = 1 << 30;
/// The size limit of `PKG-INFO` in bytes.
const LARGEST: u64 = 32 << 20;

/// Reads the `PKG-INFO` of a `.tar.gz`, which lies in its one folder.
pub(crate) fn pkg_info(sdist: &dyn ReadAt) -> io::Result<Option<Vec<u8>>> {
    let unpacked = GzDecoder::new(Sequential { source: sdist, offset: 0 }).take(FARTHEST);
    let mut archive = tar::Archive::new(unpacked);
    for member in archive.entries()? {
        let member = member?;
        let path = member.path_bytes();
        let mut parts = path.split(|byte| *byte == b'/');
        let wanted = matches!(
            (parts.next(), parts.next(), parts.next()),
            (Some(_), Some(b"PKG-INFO"), None)
        );
        if wanted {
            drop(path);
            let mut bytes = Vec::new();
            member.take(LARGEST).read_to_end(&mut bytes)?;
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// A sequential reader of a [`ReadAt`], from the start to the end.
struct Sequential<'a> {
    source: &'a dyn ReadAt,
    offset: u64,
}

impl Read for Sequential<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.size()?.saturating_sub(self.offset);
        let length = left.min(buffer.len() as u64) as usize;
        self.source.read_exact_at(&mut buffer[..length], self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}
