//! Folders on disk: creating and syncing them.

use std::{
    fs::{self, File},
    path::Path,
};

use crate::Error;

/// Creates a folder and its parents.
pub(crate) fn create_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::at("create the folder", path))
}

/// Creates a durable folder and its parents: syncs the parent of each new folder.
pub(crate) fn create_lasting_folder(path: &Path) -> Result<(), Error> {
    let new: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    create_folder(path)?;
    new.into_iter().try_for_each(|folder| sync_folder(parent(folder)))
}

/// Returns the folder that a file is in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::at("sync", path))
}

/// Does nothing: other systems cannot open a folder to sync it, and their file systems order
/// renames themselves.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_path: &Path) -> Result<(), Error> {
    Ok(())
}
