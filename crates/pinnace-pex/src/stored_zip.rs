//! Zips in memory whose members are stored: boot code, runtimes and bytecode.

use pinnace_archive::{ArchiveBuilder, ArchivePath, Mode, WriteOptions};

use crate::{Error, error::archive};

/// Returns a zip of these files, with equal bytes on every machine.
pub(crate) fn stored_zip(
    files: impl IntoIterator<Item = (impl AsRef<str>, impl Into<Vec<u8>>)>,
) -> Result<Vec<u8>, Error> {
    let mut builder = ArchiveBuilder::new();
    for (path, content) in files {
        let path = ArchivePath::parse(path.as_ref()).map_err(archive)?;
        builder.add_bytes(&path, Mode::File, content).map_err(archive)?;
    }
    let mut zip = Vec::new();
    builder.write(&mut zip, &WriteOptions::default()).map_err(archive)?;
    Ok(zip)
}
