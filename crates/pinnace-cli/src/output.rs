//! The file that a verb writes: made before anything else, so that a folder that cannot be written to
//! is known before anything is fetched.

use std::path::{Path, PathBuf};

use pinnace_store::{Access, Durability, PendingFile};

use crate::{Failure, environment::Environment};

/// Opens the file that `-o` names; it takes its name when it is whole.
pub(crate) fn create(
    named: &Path,
    access: Access,
    environment: &Environment,
) -> Result<PendingFile, Failure> {
    let path = resolved(named, environment)?;
    Ok(PendingFile::create(&path, access, Durability::Durable)?)
}

/// Where the file is or will be: a link is followed, since the file behind it is what is meant.
pub(crate) fn resolved(named: &Path, environment: &Environment) -> Result<PathBuf, Failure> {
    let path = environment.folder.join(named);
    let ends_in_slash = named.as_os_str().as_encoded_bytes().ends_with(b"/");
    if path.is_dir() || ends_in_slash {
        let message = format!("`{}` is a folder; `-o` takes a file", path.display());
        return Err(Failure::usage(message));
    }
    // A device or a pipe would be replaced by a file, which nobody can want.
    if path.exists() && !path.is_file() {
        let message = format!("`{}` is no ordinary file, and is left alone", path.display());
        return Err(Failure::usage(message));
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    if !parent.is_dir() {
        return Err(Failure::job(format!("`{}` is no folder that is there", parent.display()))
            .hint("make it, or write to another with `-o`"));
    }
    if path.is_symlink() {
        return Ok(path.canonicalize().unwrap_or(path));
    }
    Ok(match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path,
    })
}
