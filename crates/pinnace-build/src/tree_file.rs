use std::{fs::File, io, path::Path};

use pinnace_store::Digest;

use crate::{Error, ErrorKind};

/// The mode of a file that ships.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum FileMode {
    /// A regular file.
    File,
    /// An executable file.
    Executable,
}

/// A file of a project that ships.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TreeFile {
    /// The path in the project, with `/` as separator.
    pub path: String,
    /// The mode.
    pub mode: FileMode,
    /// The digest of the content.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
}

impl TreeFile {
    /// Reads the file below a folder, and checks its digest.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Changed`] if the file changed since it was scanned.
    pub fn read(&self, folder: &Path) -> Result<Vec<u8>, Error> {
        let path = folder.join(&self.path);
        let bytes = std::fs::read(&path).map_err(Error::at("read", &path))?;
        if Digest::of(&bytes) != self.digest {
            return Err(ErrorKind::Changed { path: self.path.clone() }.into());
        }
        Ok(bytes)
    }
}

impl FileMode {
    /// Creates a new file with this mode, subject to the umask.
    ///
    /// # Errors
    ///
    /// Returns an error if the file exists, or cannot be created.
    pub fn create(self, path: &Path) -> io::Result<File> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(
            &mut options,
            if self == Self::Executable { 0o777 } else { 0o666 },
        );
        options.open(path)
    }
}
