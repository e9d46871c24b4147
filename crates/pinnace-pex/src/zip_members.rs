use std::{error::Error as StdError, io, path::Path};

use pinnace_archive::{Archive, Leniency, Limits, Policy};
use pinnace_wheel::{Members, ReadAt};

use crate::{Error, ReadSeek, error, wheels::Seeking};

/// An adapter that lets the wheel crate read zips with the strict reader of the archive crate, so
/// that there is only one parser of hostile zips.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZipMembers;

impl Members for ZipMembers {
    fn read(
        &self,
        zip: &dyn ReadAt,
        wanted: &dyn Fn(&str) -> bool,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, Box<dyn StdError + Send + Sync>> {
        let policy = Policy::wheel().with_limits(Limits::default().with_member(limit));
        let archive = Archive::open(Adapter(zip), policy)?;
        let mut found = archive.entries().iter().filter(|entry| wanted(entry.name()));
        let Some(entry) = found.next() else { return Ok(None) };
        if let Some(second) = found.next() {
            return Err(format!("it has both `{}` and `{}`", entry.name(), second.name()).into());
        }
        Ok(Some(archive.read(entry)?))
    }
}

/// Unpacks a zip of sources, such as an old source distribution, into an empty folder.
///
/// # Errors
///
/// Returns [`ErrorKind::Archive`](crate::ErrorKind::Archive) if the zip cannot be read, or if a
/// path leads out of the folder. Files that were unpacked before the error remain.
pub fn extract_zip(zip: Box<dyn ReadSeek>, folder: &Path) -> Result<(), Error> {
    let policy = Policy::wheel().allow(Leniency::UnflaggedName).allow(Leniency::Symlink);
    let archive = Archive::open(Seeking::new(zip), policy).map_err(error::archive)?;
    archive.extract(folder).map_err(error::archive)?;
    Ok(())
}

/// An adapter from `ReadAt` of the wheel crate to `ReadAt` of the archive crate.
struct Adapter<'a>(&'a dyn ReadAt);

impl pinnace_archive::ReadAt for Adapter<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}
