//! Removing environments that nobody needs any more.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_store::Digest;

use crate::{Error, Machine, lay::WHOLE};

impl Machine {
    /// Removes the environments of a release, if no process is in them, as far as the system tells; says whether there
    /// were any. It can be laid out again, of what is still here of it.
    ///
    /// # Errors
    ///
    /// If something cannot be removed; what is left counts for nothing.
    pub fn remove_environments(&self, release: &Digest) -> Result<bool, Error> {
        let folder = self.environments().join(release.to_hex());
        let found = match fs::read_dir(&folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::at("look into", &folder)(error)),
        };
        if is_used(&folder) {
            return Ok(false);
        }
        for environment in found.filter_map(|entry| Some(entry.ok()?.path())) {
            // Without its mark nobody takes it for whole.
            let _ = fs::remove_file(environment.join(WHOLE));
        }
        fs::remove_dir_all(&folder).map_err(Error::at("remove", &folder))?;
        Ok(true)
    }
}

/// Whether a process works in a folder, or was started by a path in it.
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
