use std::{fs, io, path::Path};

use crate::Error;

/// A way to share the files of unpacked distributions with an environment. If the file system does
/// not support one way, the next one in this list is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkMode {
    /// A symbolic link for each file, and for each folder that has one owner. This is the least
    /// work and takes no space. The unpacked distributions must stay where they are.
    SymbolicLink,
    /// A hard link for each file, in folders that belong to the environment. The unpacked
    /// distributions can be removed later without harm, and must be on the same file system.
    HardLink,
    /// A copy of each file. File systems that can share the blocks of copies do so.
    Copy,
}

/// Shows the file or folder `from` at the path `to`. An existing file at `to` stays, and two
/// folders are merged.
pub(crate) fn link(from: &Path, to: &Path, link_mode: LinkMode) -> Result<(), Error> {
    match fs::symlink_metadata(to) {
        Ok(_) if to.is_dir() && from.is_dir() => {
            own_folder(to)?;
            each(from, |name| link(&from.join(name), &to.join(name), link_mode))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(from, to, link_mode),
        Err(error) => Err(Error::at("look at", to)(error)),
    }
}

/// Creates a folder in `root` and its parents, all as real folders of the environment.
pub(crate) fn own_folders(root: &Path, path: &Path) -> Result<(), Error> {
    let mut folder = root.to_owned();
    for name in path {
        folder.push(name);
        own_folder(&folder)?;
    }
    Ok(())
}

/// Creates a folder if it is missing. If the path is a link to a shared folder, replaces the link
/// with a real folder of links, so nothing is written to the shared folder.
fn own_folder(folder: &Path) -> Result<(), Error> {
    let fault = || Error::at("create the folder", folder);
    match fs::symlink_metadata(folder) {
        Ok(there) if there.is_symlink() && folder.is_dir() => {
            let shared = fs::read_link(folder).map_err(fault())?;
            fs::remove_file(folder).and_then(|()| fs::create_dir(folder)).map_err(fault())?;
            each(&shared, |name| {
                create(&shared.join(name), &folder.join(name), LinkMode::SymbolicLink)
            })
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir(folder).map_err(fault())
        }
        Err(error) => Err(fault()(error)),
    }
}

fn create(from: &Path, to: &Path, link_mode: LinkMode) -> Result<(), Error> {
    if link_mode == LinkMode::SymbolicLink && symbolic_link(from, to).is_ok() {
        return Ok(());
    }
    if from.is_dir() {
        fs::create_dir(to).map_err(Error::at("create the folder", to))?;
        return each(from, |name| create(&from.join(name), &to.join(name), link_mode));
    }
    if link_mode != LinkMode::Copy && fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(|_| ()).map_err(Error::at("write", to))
}

pub(crate) fn each(
    folder: &Path,
    mut work: impl FnMut(&std::ffi::OsStr) -> Result<(), Error>,
) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::at("read", folder))? {
        work(&entry.map_err(Error::at("read", folder))?.file_name())?;
    }
    Ok(())
}

#[cfg(unix)]
pub(crate) fn symbolic_link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
pub(crate) fn symbolic_link(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
