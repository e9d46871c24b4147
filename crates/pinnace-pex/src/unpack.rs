//! Unpacking a wheel to disk in the form that an installer gives it.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use pinnace_archive::{Mode, sha256};

use crate::{Error, ErrorKind, PexDistribution};

impl PexDistribution {
    /// Unpacks the distribution into an empty folder, with one
    /// [subfolder](pinnace_env::Place::folder) per place of an installation. It checks every file
    /// against RECORD and makes it read-only.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Malformed`] if the distribution is damaged, and [`ErrorKind::Write`] if
    /// the folder cannot be written to. The contents of the folder are then incomplete.
    pub fn unpack(&self, folder: &Path) -> Result<(), Error> {
        let record = self.record()?;
        let mut made = BTreeSet::new();
        for part in self.parts()? {
            let bytes = self.read(part.path)?;
            if record.sha256(part.path).is_some_and(|recorded| recorded != sha256(&bytes)) {
                return Err(self.malformed(&format!("RECORD says otherwise of `{}`", part.path)));
            }
            let path = folder.join(part.scheme.place().folder()).join(part.place);
            let parent = path.parent().unwrap_or(folder);
            if made.insert(parent.to_owned()) {
                fs::create_dir_all(parent).map_err(at(parent))?;
            }
            write(&path, &bytes, part.mode).map_err(at(&path))?;
        }
        // A distribution without modules gets a library folder, too.
        let library = folder.join(pinnace_env::Place::Library.folder());
        fs::create_dir_all(&library).map_err(at(&library))
    }
}

fn write(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        if mode == Mode::Executable { 0o555 } else { 0o444 },
    );
    options.open(path)?.write_all(bytes)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |source| ErrorKind::Write { path, source }.into()
}
