//! The removal of unused environments.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_store::Digest;

use crate::{Environments, Error, materialize::MARKER};

impl Environments<'_> {
    /// Removes the environments of a release, unless a process uses them. Returns true if any were removed. They
    /// can be materialized again. Processes are found in `/proc`; without it, an environment counts as unused.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be removed. A partly removed environment counts as absent.
    pub fn remove(&self, release: &Digest) -> Result<bool, Error> {
        let folder = self.folder().join(release.to_hex());
        let found = match fs::read_dir(&folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::at("look into", &folder)(error)),
        };
        if is_used(&folder) {
            return Ok(false);
        }
        for environment in found.filter_map(|entry| Some(entry.ok()?.path())) {
            // An environment without its marker file counts as absent.
            let _ = fs::remove_file(environment.join(MARKER));
        }
        fs::remove_dir_all(&folder).map_err(Error::at("remove", &folder))?;
        Ok(true)
    }
}

/// Returns true if a process has its working directory in a folder, or a path in it among its arguments.
fn is_used(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut processes = processes.map(|entry| entry.path());
    processes.any(|process| {
        let inside = |path: PathBuf| path.starts_with(&folder);
        let words = fs::read(process.join("cmdline")).unwrap_or_default();
        let words =
            words.split(|byte| *byte == 0).filter_map(|word| std::str::from_utf8(word).ok());
        fs::read_link(process.join("cwd")).is_ok_and(inside)
            || words.map(Path::new).any(|word| word.starts_with(&folder))
    })
}
