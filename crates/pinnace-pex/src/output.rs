//! Writing what a builder collected: a PEX file, a flat zip or a folder.

use std::{io::Write, path::Path};

use pinnace_archive::Summary;

use crate::{
    Error, FolderLayout, PexBuilder, WheelFiles,
    assemble::Shape,
    layout,
    member::digest,
    runtime::Import,
    write::{self, ZipOptions},
};

/// The result of [`PexBuilder::write`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Written {
    /// The summary of the archive.
    pub archive: Summary,
    /// The key under which a machine caches the unpacked file.
    pub key: [u8; 32],
    /// True if the file is so large that `python FILE` needs Python 3.13 or newer. `./FILE` works
    /// with every version.
    pub is_large: bool,
}

impl PexBuilder {
    /// Writes the file. The builder opens and measures wheels on `threads` threads ahead of the
    /// writer.
    ///
    /// # Errors
    ///
    /// Returns an error if a wheel or a source cannot be read, or if `out` fails. The output is
    /// then not a valid PEX file.
    pub fn write<W: Write>(
        &self,
        out: W,
        wheels: &dyn WheelFiles,
        threads: usize,
    ) -> Result<Written, Error> {
        let (members, key) = self.members(wheels, Shape::File)?;
        let import = write::import(&members, wheels)?;
        let prefix = self.prefix(&key, import);
        let archive =
            write::zip(out, prefix.as_bytes(), &members, wheels, self.zip_options(threads))?;
        Ok(Written { archive, key, is_large: import == Import::Zip64 })
    }

    /// Writes a plain zip of code and libraries, for AWS Lambda, Spark and the like. It has no boot
    /// code.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::write`], and [`ErrorKind::Collision`](crate::ErrorKind::Collision) if two wheels contain
    /// one path with different contents.
    pub fn write_flat<W: Write>(&self, out: W, wheels: &dyn WheelFiles) -> Result<Summary, Error> {
        write::zip(out, b"", &self.flat(wheels)?, wheels, self.zip_options(1))
    }

    /// Writes into an existing, empty folder.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::write_flat`], and [`ErrorKind::Write`](crate::ErrorKind::Write) with the path if the
    /// folder cannot be written to.
    pub fn write_folder(
        &self,
        folder: &Path,
        shape: FolderLayout,
        wheels: &dyn WheelFiles,
    ) -> Result<[u8; 32], Error> {
        let (members, key) = match shape {
            FolderLayout::Packed => self.members(wheels, Shape::Packed)?,
            FolderLayout::Loose => self.members(wheels, Shape::Loose)?,
            FolderLayout::Flat => {
                let members = self.flat(wheels)?;
                let key = digest(members.iter());
                (members, key)
            }
        };
        layout::write(folder, &members, wheels)?;
        if shape != FolderLayout::Flat {
            layout::link(folder, "pex", "__main__.py")?;
        }
        Ok(key)
    }

    fn zip_options(&self, threads: usize) -> ZipOptions {
        ZipOptions { threads, compression: self.compression }
    }

    fn prefix(&self, key: &[u8; 32], import: Import) -> String {
        match &self.line {
            Some(line) => line.clone(),
            None => self.runtime.shell(key, &self.info, &self.interpreters(), import),
        }
    }
}
