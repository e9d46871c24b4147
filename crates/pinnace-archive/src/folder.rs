use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

use crate::{ArchivePath, Error, ErrorKind, Mode};

/// A choice of how [`ArchiveBuilder::add_folder`](crate::ArchiveBuilder::add_folder) treats
/// symbolic links.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SymlinkPolicy {
    /// Adds the target in place of the link. A cycle is an error.
    Follow,
    /// Reports the first link as an error. The folder itself may be a link.
    Refuse,
}

/// A file or directory found in a folder. A directory has no mode.
pub(crate) struct Found {
    pub(crate) path: ArchivePath,
    pub(crate) file: PathBuf,
    pub(crate) mode: Option<Mode>,
}

/// The deepest nesting of folders. Links may form a cycle, and no tree of real files is deeper.
const DEEPEST: usize = 100;

pub(crate) fn walk(folder: &Path, below: &str, links: SymlinkPolicy) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let mut waiting = vec![(folder.to_owned(), below.to_owned(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        for entry in fs::read_dir(&folder).map_err(at(&folder))? {
            let file = entry.map_err(at(&folder))?.path();
            let entry = look(&file, &prefix, links)?;
            if entry.mode.is_none() {
                if depth == DEEPEST {
                    return Err(at(&file)(io::Error::other(
                        "its folders are nested too deeply, or a link leads back",
                    )));
                }
                waiting.push((file, format!("{}/", entry.path), depth + 1));
            }
            found.push(entry);
        }
    }
    Ok(found)
}

fn look(file: &Path, prefix: &str, links: SymlinkPolicy) -> Result<Found, Error> {
    let refused = |reason: &str| at(file)(io::Error::other(reason));
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| refused("its name is not UTF-8"))?;
    let path = ArchivePath::parse(&format!("{prefix}{name}"))
        .map_err(|error| refused(&error.to_string()))?;
    let metadata = match links {
        SymlinkPolicy::Follow => fs::metadata(file),
        SymlinkPolicy::Refuse => fs::symlink_metadata(file),
    }
    .map_err(at(file))?;
    let mode = match metadata.file_type() {
        kind if kind.is_dir() => None,
        kind if kind.is_file() && is_executable(&metadata) => Some(Mode::Executable),
        kind if kind.is_file() => Some(Mode::File),
        kind if kind.is_symlink() => {
            return Err(refused(
                "it is a symbolic link, and links are refused (`SymlinkPolicy::Follow` follows them)",
            ));
        }
        _ => return Err(refused("it is neither a file nor a folder")),
    };
    Ok(Found { path, file: file.to_owned(), mode })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| ErrorKind::Source { path: path.to_owned(), source }.into()
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &Metadata) -> bool {
    false
}
